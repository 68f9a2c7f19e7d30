/**
 * The same queues in Redis. A module of its own: without Redis nothing of it is loaded.
 *
 * @module
 */
import { RedisQueue } from "@socketserver/redis";
import type { Queues, Result, Task } from "./queues.ts";

/** Both queues, until they are closed; what is in Redis stays. */
export class RedisQueues implements Queues, AsyncDisposable {
  readonly tasks: RedisQueue<Task>;
  readonly results: RedisQueue<Result>;

  /**
   * @param url Where Redis is.
   * @param visibility How long a worker may give no sign of life until its tasks go to others, in ms.
   */
  constructor(url: string, visibility: number) {
    const options = { url, visibility, namespace: "squares" };
    this.tasks = new RedisQueue<Task>("tasks", options);
    this.results = new RedisQueue<Result>("results", options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tasks.close();
    await this.results.close();
  }
}
