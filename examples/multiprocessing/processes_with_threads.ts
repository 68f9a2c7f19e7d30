/**
 * Processes with threads: a task of a pool of two processes has a pool of three threads of its own, which divide its
 * work among them.
 *
 * ```sh
 * deno run --allow-read=. --allow-run=deno examples/multiprocessing/processes_with_threads.ts
 * deno run --allow-read --allow-run=deno examples/multiprocessing/processes_with_threads.ts   # not on Linux
 * ```
 *
 * It prints:
 *
 * ```text
 * 168 primes from 0
 * 135 primes from 1000
 * 127 primes from 2000
 * 120 primes from 3000
 * ```
 *
 * @module
 */
import { Pool, ThreadPool } from "../../concurrency/multiprocessing/mod.ts";

/** How many primes there are from one number to before another. Runs in a thread of a process. */
export function count_primes(from: number, to: number): number {
  let count = 0;
  for (let n = Math.max(2, from); n < to; n++) {
    let factor = 2;
    while (factor * factor <= n && n % factor !== 0) factor++;
    if (factor * factor > n) count++;
  }
  return count;
}

/** The same for a thousand numbers, in three threads, with where they begin. Runs in a process. */
export async function count_in_threads(from: number): Promise<[from: number, count: number]> {
  await using threads = new ThreadPool(3);
  const starts = Array.from({ length: 10 }, (_, n) => from + 100 * n);
  const counts = await threads.starmap(count_primes, starts.map((n) => [n, n + 100] as const));
  return [from, counts.reduce((sum, count) => sum + count)];
}

if (import.meta.main) {
  await using pool = new Pool(2);
  for await (const [from, count] of pool.imap(count_in_threads, [0, 1000, 2000, 3000])) {
    console.log(`${count} primes from ${from}`);
  }
}
