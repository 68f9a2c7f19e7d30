/**
 * Results in the order in which they are there, the error of a task, and one that computes for ever: it is ended
 * after two seconds, and harms no other.
 *
 * ```sh
 * deno run --allow-read=. examples/futures/results.ts
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * 27: 111
 * 97: 118
 * 0.5: RangeError: 0.5 is no whole number
 * 871: 178
 * 0: TimeoutError: The task steps_to_one() took longer than 2000 ms
 * ```
 *
 * @module
 */
import { as_completed, ThreadPoolExecutor } from "../../concurrency/futures/mod.ts";

/** How many steps it takes to get to 1: half of an even number, three times an odd one and 1. */
export function steps_to_one(n: number): number {
  if (!Number.isInteger(n)) throw new RangeError(`${n} is no whole number`);
  let steps = 0;
  for (; n !== 1; steps++) n = n % 2 === 0 ? n / 2 : 3 * n + 1;
  return steps;
}

if (import.meta.main) {
  await using executor = new ThreadPoolExecutor(2, { timeout: 2000 });
  const numbers = [27, 97, 0.5, 0, 871];
  const futures = new Map(numbers.map((n) => [executor.submit(steps_to_one, n), n]));
  for await (const { future } of as_completed(futures.keys())) {
    const error = await future.exception();
    const told = error instanceof Error ? `${error.name}: ${error.message}` : await future;
    console.log(`${futures.get(future)}: ${told}`);
  }
}
