/**
 * Ten sleepers in a pool of ten threads: all together take about as long as one. Who wakes first is told first. For many
 * more that only wait, see `../futures/sleepers.ts`, which needs no threads.
 *
 * ```sh
 * deno run --allow-read=. examples/multiprocessing/sleeping_threads.ts
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { ThreadPool } from "../../concurrency/multiprocessing/mod.ts";

/** Sleeps, and says how long. */
export async function sleep(ms: number): Promise<number> {
  await delay(ms);
  return ms;
}

if (import.meta.main) {
  await using pool = new ThreadPool(10);
  const times = Array.from({ length: 10 }, (_, n) => 1000 - 50 * n);
  let slept = 0;
  const start = performance.now();
  for await (const ms of pool.imap_unordered(sleep, times)) {
    slept += ms;
    console.log(`One has slept for ${ms} ms`);
  }
  const in_a_row = performance.now() - start > slept;
  console.log(`All slept ${in_a_row ? "one after the other" : "at once"}, ${slept} ms together`);
}
