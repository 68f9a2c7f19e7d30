/**
 * Python's `multiprocessing`: processes and pools of them, and what they share.
 *
 * ```sh
 * deno add jsr:@socketserver/socketserver
 * ```
 *
 * Or add nothing, and import `jsr:@socketserver/socketserver/multiprocessing`.
 *
 * Locks, queues and the like are those of `./threading` and `./queue`: they reach threads and
 * processes alike.
 *
 * @module
 */
import "../../internal/shared/system.ts";

export * from "../queue/mod.ts";
export {
  type AcquireOptions,
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  Event,
  type Hold,
  type HoldOptions,
  Lock,
  RLock,
  Semaphore,
  TimeoutError,
} from "../threading/mod.ts";
export { AsyncResult, type ResultCallbacks } from "./async_result.ts";
export type { BasePool, MapAsyncOptions, PoolOptions } from "./base_pool.ts";
export { cpu_count } from "./cpu_count.ts";
export type { IMapIterator } from "./imap.ts";
export { Pool } from "./pool.ts";
export { ThreadPool } from "./thread_pool.ts";
export type { FutureWaitOptions, TaskFunction } from "../futures/mod.ts";
export {
  BrokenExecutor,
  CancelledError,
  type WorkerDeath,
  WorkerDied,
} from "../../internal/shared/errors.ts";
