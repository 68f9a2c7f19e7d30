import { BaseManager, Queue } from "../../concurrency/multiprocessing/mod.ts";
import process from "node:process";

const tasks = new Queue<number>();

/** A manager with a queue, in a process of its own. */
export class QueueManager extends BaseManager {
  static override module: string = import.meta.url;
  declare get_tasks: () => Promise<Queue<number>>;
  /** How much processor time its process has used, in ms. */
  declare used: () => Promise<number>;
  static {
    this.register("get_tasks", { callable: () => tasks });
    this.register("used", { callable: used });
  }
}

/** How much processor time this process has used, in ms. */
export function used(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
