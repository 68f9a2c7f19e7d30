/**
 * A pool of one's own, from a queue: five workers take what is to be called, and settle its future. `join()` waits
 * until all is done, and `shutdown()` sends the workers home.
 *
 * ```sh
 * deno run examples/futures/own_pool.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * 0 1 4 9 16 25 36 49 64 81 100 121
 * RangeError: no square
 * The last one was cancelled
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { Future } from "../../concurrency/futures/mod.ts";
import { Queue } from "../../concurrency/queue/mod.ts";

class OwnPool {
  /** Where calls wait: shared queues take no closures, this one holds their numbers. */
  #numbers = new Queue<number>();
  #calls = new Map<number, () => Promise<void>>();
  #last = 0;
  #workers: Promise<void>[];

  constructor(size: number) {
    this.#workers = Array.from({ length: size }, () => this.#work());
  }

  /** Has something called by a worker. */
  submit<T>(fn: () => Promise<T>): Future<T> {
    const future = new Future<T>();
    this.#calls.set(++this.#last, async () => {
      if (!future.set_running_or_notify_cancel()) return;
      try {
        future.set_result(await fn());
      } catch (error) {
        future.set_exception(error);
      }
    });
    void this.#numbers.put(this.#last);
    return future;
  }

  /** Waits until all is done, and ends the workers. */
  async close(): Promise<void> {
    await this.#numbers.join();
    await this.#numbers.shutdown();
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    for await (const number of this.#numbers) {
      await this.#calls.get(number)!();
      this.#calls.delete(number);
      await this.#numbers.task_done();
    }
  }
}

const pool = new OwnPool(5);
const squares = Array.from({ length: 12 }, (_, n) =>
  pool.submit(async () => {
    await delay(10);
    return n * n;
  }));
const failing = pool.submit(() => Promise.reject(new RangeError("no square")));
const cancelled = pool.submit(() => Promise.resolve(1));
cancelled.cancel();
await pool.close();
console.log((await Promise.all(squares)).join(" "));
console.log(String(await failing.exception()));
console.log(cancelled.cancelled() ? "The last one was cancelled" : "The last one was called");
