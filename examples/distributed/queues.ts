/**
 * What the master and its workers share: two queues, which are at home in the master.
 *
 * @module
 */
import { BaseManager, Queue } from "../../concurrency/multiprocessing/mod.ts";

/** What is to be done. */
export interface Task {
  number: number;
}

/** What a worker has found. */
export interface Result {
  number: number;
  square: number;
  /** The worker's process. */
  pid: number;
  /** How often the task was delivered: more than once, if a worker was lost. */
  deliveries: number;
}

/** The master's; in a worker they are empty, and not used. */
export const tasks: Queue<Task> = new Queue<Task>();
export const results: Queue<Result> = new Queue<Result>();

/** Gives workers the queues of the master. */
export class QueueManager extends BaseManager {
  declare get_task_queue: () => Promise<Queue<Task>>;
  declare get_result_queue: () => Promise<Queue<Result>>;

  static {
    this.register("get_task_queue", { callable: () => tasks });
    this.register("get_result_queue", { callable: () => results });
  }
}

/** Master and workers must both know it. */
export function authkey(): string {
  const key = Deno.env.get("AUTHKEY");
  if (key) return key;
  throw new Error("Set AUTHKEY, for the master and for its workers, to a secret of your own");
}
