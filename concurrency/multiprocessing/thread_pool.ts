import { ThreadPoolExecutor } from "../futures/thread_pool_executor.ts";
import { BasePool, type PoolOptions } from "./base_pool.ts";

/**
 * Threads that call functions: Python's `multiprocessing.pool.ThreadPool`, with the API of `Pool`. They start when
 * there is something to do, and share no variables. For many tasks that only wait an `AsyncExecutor` of `./futures`
 * does without threads.
 *
 * A function travels as its module and its name: its module exports it.
 *
 * Needs `--allow-read` for the modules of the functions, if they are local ones.
 *
 * @example Squares, from two threads
 * ```ts ignore
 * // squares.ts
 * import { ThreadPool } from "@socketserver/socketserver/multiprocessing";
 *
 * export const square = (n: number): number => n * n;
 *
 * if (import.meta.main) {
 *   await using pool = new ThreadPool(2);
 *   for await (const result of pool.imap(square, [1, 2, 3])) console.log(result);
 * }
 * ```
 *
 * @tags allow-read
 */
export class ThreadPool extends BasePool {
  /**
   * Makes one.
   *
   * @param processes How many threads there may be: unless told, as many as cores.
   * @param options What else there is to be told.
   * @throws {RangeError} If a number is out of its range.
   * @throws {TypeError} If an option has another type, or an unknown name.
   */
  constructor(processes?: number | null, options: PoolOptions = {}) {
    super((workers, its) => new ThreadPoolExecutor(workers, its), processes, options);
  }
}
