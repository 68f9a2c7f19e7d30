export type { Job, QueueWaitOptions } from "@socketserver/socketserver/queue";
export { RedisQueue } from "./redis_queue.ts";
export type { RedisJob } from "./redis_job.ts";
export type { RedisQueueOptions } from "./options.ts";
