/**
 * A loop that only counts, for a fifth of a second: in one thread, in two, and in two processes. Python's threads share one core;
 * these have one each, as processes do, so two come twice as far where two cores are free.
 *
 * ```sh
 * deno run --allow-read=. --allow-run=deno examples/multiprocessing/two_counters.ts
 * deno run --allow-read --allow-run=deno examples/multiprocessing/two_counters.ts   # not on Linux
 * ```
 *
 * It prints:
 *
 * ```text
 * one thread: … million
 * two threads: … million
 * two processes: … million
 * ```
 *
 * @module
 */
import * as multiprocessing from "../../concurrency/multiprocessing/mod.ts";
import * as threading from "../../concurrency/threading/mod.ts";

type Counts = multiprocessing.Queue<number>;

/** Counts until the time is over. */
export async function count(counts: Counts, ms: number): Promise<void> {
  const end = performance.now() + ms;
  let at = 0;
  while (performance.now() < end) at++;
  await counts.put(at);
}

/** Has some count at once, and prints how far they have come together. */
async function race(
  what: string,
  counters: Pick<threading.Thread, "start" | "join">[],
  counts: Counts,
): Promise<void> {
  await Promise.all(counters.map((counter) => counter.start()));
  await Promise.all(counters.map((counter) => counter.join()));
  let sum = 0;
  while (!await counts.empty()) sum += await counts.get();
  console.log(`${what}: ${(sum / 1e6).toFixed(1)} million`);
}

if (import.meta.main) {
  const counts: Counts = new multiprocessing.Queue();
  const thread = () => new threading.Thread({ target: count, args: [counts, 200] });
  const process = () => new multiprocessing.Process({ target: count, args: [counts, 200] });
  await race("one thread", [thread()], counts);
  await race("two threads", [thread(), thread()], counts);
  await race("two processes", [process(), process()], counts);
}
