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
import "../threading/carried_stream.ts";

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
export { EOFError } from "../../internal/shared/errors.ts";
export { Array } from "./array.ts";
export { Connection, type ConnectionWaitOptions, Pipe } from "./connection.ts";
export { cpu_count } from "./cpu_count.ts";
export type { NumberFor, NumberOf, TypeCode } from "./number_type.ts";
export type { NumbersOptions } from "./numbers.ts";
export { Value } from "./value.ts";
