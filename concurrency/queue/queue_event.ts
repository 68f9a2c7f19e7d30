/** How an item left a queue: it was got, it was taken and done, or it was dropped. */
export type ItemOutcome = "got" | "done" | "dropped";

/** What a queue's `observer` is told. Each start has one stop. */
export type QueueEvent =
  & {
    /** When, as `Date.now()` gives it. */
    time: number;
    /** The number of the item in its queue. */
    item: number;
  }
  & (
    | {
      /** An item is in the queue. */
      type: "item.start";
    }
    | {
      /** It has left it for good. */
      type: "item.stop";
      /** How. */
      outcome: ItemOutcome;
      /** How long it was there, and with those who took it, in ms. */
      duration: number;
      /** How often it was taken. */
      deliveries: number;
    }
  );

/** What `info()` of a queue tells. */
export interface QueueInfo {
  /** When it was made, as `Date.now()` gives it. */
  since: number;
  /** How many items there are. */
  size: number;
  /** How many it has room for; `Infinity` where it has room for any number. */
  maxsize: number;
  /** How many were taken, and are not done. */
  taken: number;
  /** How many wait for an item. */
  getters: number;
  /** How many wait for room. */
  putters: number;
  /** How many items were put so far. */
  put: number;
  /** How many of them were got. */
  got: number;
  /** How many were taken and done. */
  done: number;
  /** How many were dropped: at the end of the queue, or as nobody could have them. */
  dropped: number;
}
