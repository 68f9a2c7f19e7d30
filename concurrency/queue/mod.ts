/**
 * Python's `queue`, for the tasks of one thread, of workers and of child processes alike. Handlers share a queue as a
 * field of their server: `jobs = new Queue<string>(100)` there is `this.server.jobs` in all four ways of running
 * a handler, with the same methods.
 *
 * ```sh
 * deno add jsr:@socketserver/socketserver
 * ```
 *
 * Or add nothing, and import `jsr:@socketserver/socketserver/queue`.
 *
 * | method | what it is for |
 * |---|---|
 * | {@linkcode Queue.put} | adds an item, and waits where there is no room |
 * | {@linkcode Queue.get} | the next item, at most once: it is lost with who got it |
 * | {@linkcode Queue.take} | the next item, at least once: it comes back unless it is done |
 * | {@linkcode Queue.task_done}, {@linkcode Queue.join} | waits until all items are done |
 * | {@linkcode Queue.shutdown} | ends the queue, and the loops over it |
 *
 * {@linkcode LifoQueue} gives the last first, {@linkcode PriorityQueue} the lowest. {@linkcode SimpleQueue} has
 * items and nothing else: for replies, for example. `./threading` has locks.
 * [docs/sharing.md](../../docs/sharing.md) says which one to take, what each costs, and how a deadlock shows.
 *
 * ## Differences from Python
 *
 * What waits returns a promise, `qsize()` too. Times are in milliseconds. Arguments are Python's, or one object:
 * `get({ timeout: 100, signal })`. `for await` goes over a queue until it is shut down. `take()` is new. An item is copied
 * on its way to another thread or process. `ValueError` is `RangeError`. [DIFFERENCES.md](../../DIFFERENCES.md#threading-and-queue)
 * has them all.
 *
 * ## Permissions
 *
 * None of its own: what the server needs is enough.
 *
 * @example Handlers in workers take letters, and the program delivers them
 * ```ts ignore
 * import { type Remote, StreamRequestHandler, ThreadingTCPServer } from "@socketserver/socketserver";
 * import { Queue } from "@socketserver/socketserver/queue";
 *
 * class PostServer extends ThreadingTCPServer {
 *   letters = new Queue<string>(100);
 * }
 *
 * export class LetterHandler extends StreamRequestHandler<Remote<PostServer>> {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) {
 *       await this.server.letters.put(new TextDecoder().decode(line).trim());
 *       await this.wfile.write("posted\n");
 *     }
 *   }
 * }
 *
 * // Delivers letters until there will be no more.
 * async function deliver(letters: Queue<string>): Promise<void> {
 *   for await (const letter of letters) console.log(letter);
 * }
 *
 * if (import.meta.main) {
 *   await using server = new PostServer(["127.0.0.1", 8080], LetterHandler);
 *   const delivering = deliver(server.letters);
 *   await server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
 *   await server.letters.shutdown();
 *   await delivering;
 * }
 * ```
 *
 * @module
 */
import "../../internal/shared/system.ts";
import "../threading/carried_stream.ts";

export type { SharedObject } from "../../internal/shared/shared_object.ts";
export { Empty, Full, ShutDown } from "../../internal/shared/errors.ts";
export type { Job } from "./job.ts";
export type { ItemOutcome, QueueEvent, QueueInfo } from "./queue_event.ts";
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
