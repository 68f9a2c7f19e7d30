/**
 * Python's `threading`, for the tasks of one thread, of workers and of child processes alike.
 *
 * @module
 */
import "../../internal/shared/system.ts";

export type { SharedObject } from "../../internal/shared/shared_object.ts";
export { BrokenBarrierError, TimeoutError } from "../../internal/shared/errors.ts";
export { type AcquireOptions, type Hold, type HoldOptions, Lock } from "./lock.ts";
export { BoundedSemaphore, Semaphore } from "./semaphore.ts";
export { Event } from "./event.ts";
export { Barrier } from "./barrier.ts";
export { type ExceptHook, set_excepthook } from "./excepthook.ts";
export { Timer } from "./timer.ts";
