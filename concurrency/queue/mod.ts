/**
 * Python's `queue`, for the tasks of one thread, of workers and of child processes alike.
 *
 * @module
 */
import "../../internal/shared/system.ts";

export type { SharedObject } from "../../internal/shared/shared_object.ts";
export { Empty, Full, ShutDown } from "../../internal/shared/errors.ts";
export type { Job } from "./job.ts";
export {
  type BaseQueue,
  Queue,
  type QueueOptions,
  type QueueWaitOptions,
  SimpleQueue,
} from "./queue.ts";
export { LifoQueue } from "./lifo_queue.ts";
export type { Priority } from "./priorities.ts";
export { PriorityQueue, type PriorityQueueOptions } from "./priority_queue.ts";
