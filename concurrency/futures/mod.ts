/**
 * Python's `concurrent.futures`: tasks on this event loop, in worker threads, and in child processes. A task that never
 * ends, or that takes its worker with it, harms no other.
 *
 * ```sh
 * deno add jsr:@socketserver/socketserver
 * ```
 *
 * Or add nothing, and import `jsr:@socketserver/socketserver/futures`.
 *
 * | class or function | what it is for |
 * |---|---|
 * | {@linkcode AsyncExecutor} | tasks that mostly wait: they run on this event loop, many at once |
 * | {@linkcode ThreadPoolExecutor} | tasks that compute, in worker threads |
 * | {@linkcode ProcessPoolExecutor} | tasks that may take their whole process with them |
 * | {@linkcode Future} | the outcome of a task: `await future` |
 * | {@linkcode wait}, {@linkcode as_completed} | several futures |
 * | {@linkcode current_task} | the `signal` of the task that runs |
 *
 * `executor.submit(fn, ...args)` gives a future, `executor.map(fn, items)` the results in the order of the items.
 * [docs/pools.md](../../docs/pools.md) says which to take, and what happens when something goes wrong.
 *
 * ## Differences from Python
 *
 * What waits returns a promise, and a future is one; times are in milliseconds. A function for workers is exported from
 * its module, as they import it there, and shares no variables with the program. `map()` reads its items only as far
 * ahead as `buffersize` says. `with()` gives `submit()` and `map()` with a `timeout`, a `signal`, a `priority` and more.
 * No executor is ever broken for good. [DIFFERENCES.md](../../DIFFERENCES.md#futures) has them all.
 *
 * ## Permissions
 *
 * None for `AsyncExecutor`. Threads need `--allow-read` for the modules of the functions, if they are local ones. Child
 * processes need `--allow-run=deno`, too.
 *
 * @example The primes of some ranges, on all cores
 * ```ts ignore
 * // primes.ts
 * import { ThreadPoolExecutor } from "@socketserver/socketserver/futures";
 *
 * export function count_primes(from: number, to: number): number {
 *   let count = 0;
 *   for (let n = Math.max(2, from); n < to; n++) {
 *     let factor = 2;
 *     while (factor * factor <= n && n % factor !== 0) factor++;
 *     if (factor * factor > n) count++;
 *   }
 *   return count;
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new ThreadPoolExecutor();
 *   const starts = [0, 10_000, 20_000];
 *   const ends = [10_000, 20_000, 30_000];
 *   for await (const count of executor.map(count_primes, starts, ends)) console.log(count);
 * }
 * ```
 *
 * @module
 */
export type { SharedObject } from "../../internal/shared/shared_object.ts";
export { AsyncExecutor } from "./async_executor.ts";
export { current_task, type CurrentTask } from "./current_task.ts";
export {
  type Executor,
  type ExecutorInfo,
  type ExecutorOptions,
  type Iterables,
  type ShutdownOptions,
  type Submitter,
} from "./executor.ts";
export { type CancelOptions, Future, type FutureWaitOptions } from "./future.ts";
export type { PoolEvent } from "./pool_event.ts";
export type { PoolExecutor, PoolExecutorOptions } from "./pool_executor.ts";
export { ProcessPoolExecutor } from "./process_pool_executor.ts";
export { ThreadPoolExecutor } from "./thread_pool_executor.ts";
export type { TaskFunction, TaskOutcome } from "./submitted.ts";
export type { TaskOptions } from "./task_options.ts";
export {
  ALL_COMPLETED,
  as_completed,
  type Completed,
  type DoneAndNotDone,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type ReturnWhen,
  wait,
  type WaitOptions,
} from "./wait.ts";
export {
  BrokenExecutor,
  CancelledError,
  Full,
  InvalidStateError,
  TimeoutError,
  type WorkerDeath,
  WorkerDied,
} from "../../internal/shared/errors.ts";
export type { WorkerStarted, WorkerStopped } from "../../internal/workers/worker_event.ts";
export type { EndReason } from "../../internal/workers/worker_handle.ts";
export type { WorkerInfo } from "../../internal/workers/worker_info.ts";
