import { KILL_CLOCKS, ThreadHost } from "../../internal/workers/thread_host.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import { PoolExecutor, type PoolExecutorOptions, type Workers } from "./pool_executor.ts";

const WORKERS: Workers = {
  kind: { file: "concurrency/futures/thread_pool_executor.ts", name: "ThreadPoolExecutor" },
  can_move: true,
  start: (name) => (id, events) => new ThreadHost(id, events, KILL_CLOCKS, `${name}_${id}`),
};

/**
 * Runs tasks in worker threads, one at a time in each: for what computes. Workers start when there are tasks for
 * them.
 *
 * A function travels as its module and its name: its module exports it.
 *
 * Needs `--allow-read` for the modules of the functions, if they are local ones.
 *
 * @example Factors of large numbers, on all cores
 * ```ts ignore
 * // factors.ts
 * import { ThreadPoolExecutor } from "@socketserver/socketserver/futures";
 *
 * export function smallest_factor(n: number): number {
 *   for (let factor = 2; factor * factor <= n; factor++) if (n % factor === 0) return factor;
 *   return n;
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new ThreadPoolExecutor();
 *   for await (const factor of executor.map(smallest_factor, [91, 1_000_003])) {
 *     console.log(factor);
 *   }
 * }
 * ```
 *
 * @tags allow-read
 */
export class ThreadPoolExecutor extends PoolExecutor {
  /**
   * Makes one.
   *
   * @param max_workers How many threads there may be: unless told, as many as cores.
   * @param options What else there is to be told.
   * @throws {RangeError} If a number is out of its range.
   * @throws {TypeError} If an option has another type, or an unknown name.
   * @throws {DOMException} If one of the `initargs` cannot be cloned.
   */
  constructor(max_workers?: number | null, options: PoolExecutorOptions = {}) {
    super(WORKERS, max_workers, options);
  }
}

provide_class(WORKERS.kind, ThreadPoolExecutor);
