import { ProcessPoolExecutor } from "../futures/process_pool_executor.ts";
import { BasePool, type PoolOptions } from "./base_pool.ts";

/**
 * Child processes that call functions: Python's `multiprocessing.Pool`. They start when there is something to do.
 *
 * A function travels as its module and its name: its module exports it. A child that dies takes only its task with it,
 * and another one takes its place.
 *
 * Needs `--allow-run=deno`, and `--allow-read` for the modules of the functions, if they are local ones. Children have the
 * permissions that the program has when they start, and not one more: see `ForkingMixIn`.
 *
 * @example The primes below some numbers, counted in four processes
 * ```ts ignore
 * // prime_counts.ts
 * import { Pool } from "@socketserver/socketserver/multiprocessing";
 *
 * export function count_primes(below: number): number {
 *   let count = 0;
 *   for (let n = 2; n < below; n++) {
 *     let factor = 2;
 *     while (factor * factor <= n && n % factor !== 0) factor++;
 *     if (factor * factor > n) count++;
 *   }
 *   return count;
 * }
 *
 * if (import.meta.main) {
 *   await using pool = new Pool(4);
 *   console.log(await pool.map(count_primes, [10, 1000, 100_000])); // [4, 168, 9592]
 * }
 * ```
 *
 * @tags allow-read, allow-run
 */
export class Pool extends BasePool {
  /**
   * Makes one.
   *
   * @param processes How many processes there may be: unless told, as many as cores.
   * @param options What else there is to be told.
   * @throws {RangeError} If a number is out of its range.
   * @throws {TypeError} If an option has another type, or an unknown name.
   */
  constructor(processes?: number | null, options: PoolOptions = {}) {
    super((workers, its) => new ProcessPoolExecutor(workers, its), processes, options);
  }
}
