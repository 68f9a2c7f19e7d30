/**
 * A queue in Redis or Valkey, for programs on several machines, with the methods of `Queue` of
 * `@socketserver/socketserver/queue`.
 *
 * ```sh
 * deno add jsr:@socketserver/redis
 * ```
 *
 * | method | what it is for |
 * |---|---|
 * | {@linkcode RedisQueue.put} | adds an item, and waits where there is no room |
 * | {@linkcode RedisQueue.take} | the next item, at least once: it comes back unless it is done |
 * | {@linkcode RedisQueue.get} | the next item, at most once: it is lost with who got it |
 * | {@linkcode RedisQueue.task_done}, {@linkcode RedisQueue.join} | waits until all items are done, by whomever |
 * | {@linkcode RedisQueue.shutdown}, {@linkcode RedisQueue.reopen} | ends the queue for all, and the loops over it |
 * | {@linkcode RedisQueue.close} | ends this object |
 *
 * [README.md](README.md) says what becomes of an item when a program, its machine, the network or Redis fails, and how
 * programs in other languages share a queue.
 *
 * ## Permissions
 *
 * `--allow-net=HOST:PORT` of Redis, and no other.
 *
 * @module
 */
export {
  Empty,
  Full,
  type Job,
  type QueueWaitOptions,
  ShutDown,
} from "@socketserver/socketserver/queue";
export { TimeoutError } from "@socketserver/socketserver/threading";
export { RedisQueue } from "./redis_queue.ts";
export type { RedisJob } from "./redis_job.ts";
export type { RedisQueueOptions } from "./options.ts";
