import type { Kind } from "../../internal/shared/shared_object.ts";
import type { Store } from "./fifo.ts";

/** An item in a queue. */
export interface Entry {
  item: unknown;
  /** How many came before it. */
  number: number;
  /** What it is compared by, where that puts items in order. */
  rank: unknown;
  /** How often it was taken. */
  deliveries: number;
  /** When it was added, on the clock of `performance.now()`; only where that is told. */
  added_at?: number;
}

/** How the queues of a class keep their items. */
export interface Arrangement {
  kind: Kind;
  store: Store<Entry>;
  /** What an item is compared by; it throws where it cannot be compared. */
  rank?(item: unknown): unknown;
}

/** The name under which a class of queues says how: a symbol, so that no subclass of a user's has it by accident. */
export const arrange: unique symbol = Symbol("arrange");
