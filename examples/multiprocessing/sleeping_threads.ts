/**
 * Ten sleepers in a pool of ten threads: all together take about as long as one. Who wakes first is told first. For many
 * more that only wait, see `../futures/sleepers.ts`, which needs no threads.
 *
 * ```sh
 * deno run --allow-read=. examples/multiprocessing/sleeping_threads.ts
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * One has slept for 550 ms
 * One has slept for 600 ms
 * One has slept for 650 ms
 * One has slept for 700 ms
 * One has slept for 750 ms
 * One has slept for 800 ms
 * One has slept for 850 ms
 * One has slept for 900 ms
 * One has slept for 950 ms
 * One has slept for 1000 ms
 * 7750 ms together, in … ms
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
  const start = performance.now();
  let slept = 0;
  for await (const ms of pool.imap_unordered(sleep, times)) {
    slept += ms;
    console.log(`One has slept for ${ms} ms`);
  }
  console.log(`${slept} ms together, in ${Math.round(performance.now() - start)} ms`);
}
