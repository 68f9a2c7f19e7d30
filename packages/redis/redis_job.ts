import type { Job } from "@socketserver/socketserver/queue";

/**
 * An item that {@linkcode RedisQueue.take} gave, until it is done: `using job = await jobs.take()`. Left without
 * `done()`, it is the next one again.
 *
 * @typeParam T The type of the item.
 */
export interface RedisJob<T> extends Job<T> {
  /**
   * The id of the entry in the stream: the same each time that the item is delivered, so that who must not do it twice can
   * remember it.
   */
  readonly id: string;
}

/** What a job is over with. */
export interface JobEnds {
  done: () => Promise<void>;
  back: () => void;
}

/** A job as its consumer has it. */
export class TakenJob<T> implements RedisJob<T> {
  readonly id: string;
  readonly item: T;
  readonly deliveries: number;
  #ends: JobEnds;

  constructor({ id, deliveries }: { id: string; deliveries: number }, item: T, ends: JobEnds) {
    this.id = id;
    this.item = item;
    this.deliveries = deliveries;
    this.#ends = ends;
  }

  done(): Promise<void> {
    return this.#ends.done();
  }

  [Symbol.dispose](): void {
    this.#ends.back();
  }
}
