/**
 * Python's `concurrent.futures`.
 *
 * @module
 */
export { AsyncExecutor } from "./async_executor.ts";
export { current_task, type CurrentTask } from "./current_task.ts";
export type { ExecutorWorkerInfo } from "./engine.ts";
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
export type { WorkerInfo } from "../../internal/workers/worker_info.ts";
