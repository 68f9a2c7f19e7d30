import type { BaseQueue } from "../../concurrency/queue/queue.ts";
import type { QueueInfo } from "../../concurrency/queue/queue_event.ts";
import { gauge, type View, type Watched } from "./watched.ts";

/** A queue that is watched: it is asked when somebody looks. */
export class WatchedQueue implements Watched {
  readonly kind = "queue";
  readonly name: string;
  readonly unfit = undefined;
  readonly is_over = false;
  #queue: BaseQueue<unknown>;

  /** @throws {Deno.errors.NotSupported} If the queue was made in another thread or process. */
  constructor(queue: BaseQueue<unknown>, name: string) {
    queue.info();
    this.#queue = queue;
    this.name = name;
  }

  get info(): QueueInfo {
    return this.#queue.info();
  }

  view(): View {
    const { size, maxsize, since, taken, getters, putters, got, done, dropped } = this.info;
    return {
      kind: this.kind,
      name: this.name,
      state: size >= maxsize ? "full" : "open",
      since,
      gauges: [{ ...gauge("Items", size, maxsize), is_full: size >= maxsize }],
      outcomes: { got, done, dropped },
      counts: { "wait for items": getters, "wait for room": putters, "taken": taken },
    };
  }

  leave(): void {}
}
