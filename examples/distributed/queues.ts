/**
 * What the master and its workers share: two queues, which are at home in the master, or in Redis.
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

/** What is used of a queue, wherever it is at home. */
export type TaskQueue<T> = Pick<Queue<T>, "put" | "take" | "join" | "shutdown">;

/** Both queues. */
export interface Queues {
  tasks: TaskQueue<Task>;
  results: TaskQueue<Result>;
}

/** The master's, without Redis; in a worker they are empty, and not used. */
export const own: Queues = { tasks: new Queue<Task>(), results: new Queue<Result>() };

/** Gives workers the queues of the master. */
export class QueueManager extends BaseManager {
  declare get_task_queue: () => Promise<TaskQueue<Task>>;
  declare get_result_queue: () => Promise<TaskQueue<Result>>;

  static {
    this.register("get_task_queue", { callable: () => own.tasks });
    this.register("get_result_queue", { callable: () => own.results });
  }
}

/** Master and workers must both know it. */
export function authkey(): string {
  const key = Deno.env.get("AUTHKEY");
  if (key) return key;
  throw new Error("Set AUTHKEY, for the master and for its workers, to a secret of your own");
}
