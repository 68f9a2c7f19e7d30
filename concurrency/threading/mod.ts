/**
 * Python's `threading`, for the tasks of one thread, of workers and of child processes alike.
 *
 * @module
 */
import "../../internal/shared/system.ts";

export type { SharedObject } from "../../internal/shared/shared_object.ts";
export { TimeoutError } from "../../internal/shared/errors.ts";
export { type AcquireOptions, type Hold, type HoldOptions, Lock } from "./lock.ts";
export { BoundedSemaphore, Semaphore } from "./semaphore.ts";
export { Event } from "./event.ts";
export { type ExceptHook, type ExceptHookArgs, set_excepthook } from "./excepthook.ts";
export { type BaseThread, current_thread, main_thread } from "./base_thread.ts";
export { Thread } from "./thread.ts";
export { AsyncThread } from "./async_thread.ts";
export type { AsyncThreadOptions, ThreadOptions } from "./thread_options.ts";
export { active_count, enumerate } from "./threads.ts";
export { local } from "./local.ts";
