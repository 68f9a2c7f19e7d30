/** What clients have put into the queue in Redis, and what came out of it. */
import { Empty, RedisQueue } from "../../packages/redis/mod.ts";
import { Violation } from "./violation.ts";

/** How long it may take until Redis has given all back, in ms: an item of a consumer that was lost comes after a while. */
const ALL = 40_000;

export class RedisLedger {
  readonly stored: Set<number> = new Set();
  readonly fetched: Set<number> = new Set();
  /** How often a client has asked for an item, and how often it was told one. */
  asked = 0;
  told = 0;
  #next = 0;

  /** A number that no other item has. */
  next(): number {
    return this.#next++;
  }

  /** Takes what is left, and fails if an item is lost whose taker had an answer. */
  async settle(url: string): Promise<string> {
    await using queue = new RedisQueue<number>("fire", { url, visibility: 5000, on_error() {} });
    const left = new Set<number>();
    const start = performance.now();
    while (await unfinished(queue)) {
      if (performance.now() - start > ALL) {
        throw new Violation("Redis loses nothing", `items were held for more than ${ALL} ms`);
      }
      try {
        using job = await queue.take({ timeout: 200 });
        left.add(job.item);
        await job.done();
      } catch (error) {
        if (!(error instanceof Empty)) throw error;
      }
    }
    const missing = [...this.stored].filter((job) => !this.fetched.has(job) && !left.has(job));
    const untold = this.asked - this.told;
    const figures =
      `${this.stored.size} stored, ${this.fetched.size} fetched, ${left.size} left, ` +
      `${missing.length} with one of ${untold} clients that were lost`;
    if (missing.length > untold) throw new Violation("Redis loses nothing", figures);
    return figures;
  }
}

async function unfinished(queue: RedisQueue<number>): Promise<boolean> {
  try {
    await queue.join(0);
    return false;
  } catch {
    return true;
  }
}
