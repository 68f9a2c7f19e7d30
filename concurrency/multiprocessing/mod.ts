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
export { cpu_count } from "./cpu_count.ts";
export { type BaseProcess, current_process, parent_process } from "./base_process.ts";
export { active_children, Process } from "./process.ts";
export type { ProcessOptions } from "./process_options.ts";
export type { Startable } from "../threading/startable.ts";
