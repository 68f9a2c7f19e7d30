import { check_names } from "../../internal/runtime/check_names.ts";
import type { Kind } from "../../internal/shared/shared_object.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import { Executor, EXECUTOR_OPTIONS, type ExecutorOptions } from "./executor.ts";
import { LoopEngine } from "./loop_engine.ts";
import { check_count } from "./task_options.ts";

const KIND: Kind = { file: "concurrency/futures/async_executor.ts", name: "AsyncExecutor" };

/**
 * Runs tasks on this event loop, many at once: for what mostly waits, as for networks and timers. Any function will
 * do, also one that uses variables around it. Needs no permission.
 *
 * @example A hundred sleepers, and how long all of them take
 * ```ts
 * import { AsyncExecutor, wait } from "@socketserver/socketserver/futures";
 *
 * const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
 * await using executor = new AsyncExecutor();
 * const futures = Array.from({ length: 100 }, () => executor.submit(sleep, 100));
 * const { done } = await wait(futures);
 * console.log(done.size); // 100, after a tenth of a second
 * ```
 */
export class AsyncExecutor extends Executor {
  /**
   * Makes one.
   *
   * @param max_workers How many tasks run at once at the most: unless told, all.
   * @param options What else there is to be told.
   * @throws {RangeError} If a number is out of its range.
   * @throws {TypeError} If an option has another type, or an unknown name.
   */
  constructor(max_workers: number | null = null, options: ExecutorOptions = {}) {
    check_names(options, EXECUTOR_OPTIONS);
    const workers = max_workers ?? Infinity;
    check_count("max_workers", workers, 1);
    super(options, { kind: KIND }, (events) => new LoopEngine(workers, events));
  }
}

provide_class(KIND, AsyncExecutor);
