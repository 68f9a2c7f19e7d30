import type { Held } from "./lock_line.ts";

/** What a `Condition` needs of its lock, which other users must not use. */

/** Whether what runs now holds the lock. */
export const IS_OWNED: unique symbol = Symbol("is_owned");
/** Gives the lock back wholly, for a while: says as what it was held. */
export const LET_GO: unique symbol = Symbol("let_go");
/** Takes the lock again as that. */
export const TAKE_BACK: unique symbol = Symbol("take_back");

/** A lock that a `Condition` can have. */
export interface ConditionLock {
  [IS_OWNED](): boolean;
  [LET_GO](): Held;
  [TAKE_BACK](held: Held): Promise<void>;
}
