/**
 * Python's `threading`: threads, and locks, conditions, semaphores, events and barriers for the tasks of one thread,
 * of workers and of child processes alike. Handlers share one as a field of their server:
 * `lock = new threading.Lock()` there is `this.server.lock` in all four ways of running a handler, with the same
 * methods.
 *
 * ```sh
 * deno add jsr:@socketserver/socketserver
 * ```
 *
 * Or add nothing, and import `jsr:@socketserver/socketserver/threading`. Import the module as one name, as in Python:
 * `Event` by itself would hide a global of Deno.
 *
 * | name | what it is for |
 * |---|---|
 * | {@linkcode Lock} | only one at a time |
 * | {@linkcode RLock} | the same, for methods that call each other: who has it may take it again |
 * | {@linkcode Condition} | with a lock, waits until others say that something has changed |
 * | {@linkcode Semaphore}, {@linkcode BoundedSemaphore} | so many at a time; signals that are counted |
 * | {@linkcode Event} | something that happens once, and all who wait for it |
 * | {@linkcode Barrier} | waits until so many are there |
 * | {@linkcode Timer} | calls a function later, unless it is cancelled |
 * | {@linkcode Thread} | runs an exported function, or a subclass, in a worker of its own |
 * | {@linkcode AsyncThread} | runs any function beside the others on this event loop |
 * | {@linkcode local} | what each thread and each handler has for itself |
 * | {@linkcode current_thread} | the thread that this runs in; also {@linkcode main_thread}, {@linkcode enumerate}, {@linkcode active_count} |
 * | {@linkcode set_excepthook} | what becomes of an error that a thread or a timer ends with |
 * | {@linkcode TimeoutError}, {@linkcode BrokenBarrierError} | what waits reject with |
 *
 * `./queue` has queues. [docs/sharing.md](../../docs/sharing.md) says which one to take, what each costs, and how a
 * deadlock shows.
 *
 * ## Differences from Python
 *
 * What waits returns a promise: `await lock.acquire()`. Times are in milliseconds. Arguments are Python's, or one object:
 * `acquire({ timeout: 100, signal })`. `with lock:` is `using _hold = await lock.hold()`.
 * `ValueError` is `RangeError`, and `RuntimeError` is `TypeError`. What a task holds comes back when its worker or child
 * ends, or when its request is given up. [DIFFERENCES.md](../../DIFFERENCES.md#threading-and-queue) has them all.
 *
 * ## Permissions
 *
 * `--allow-read` for the module that a {@linkcode Thread} runs, if it is a local one. All else needs none of its own: what
 * the server needs is enough.
 *
 * @example Handlers in workers, of which one at a time looks at the balance and changes it
 * ```ts ignore
 * import { type Remote, StreamRequestHandler, ThreadingTCPServer } from "@socketserver/socketserver";
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * class BankServer extends ThreadingTCPServer {
 *   lock = new threading.Lock();
 *   #balance = 100;
 *
 *   balance(): number {
 *     return this.#balance;
 *   }
 *   set_balance(balance: number): void {
 *     this.#balance = balance;
 *   }
 * }
 *
 * export class PayHandler extends StreamRequestHandler<Remote<BankServer>> {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) {
 *       await this.wfile.write(await this.pay(Number(new TextDecoder().decode(line))));
 *     }
 *   }
 *
 *   async pay(amount: number): Promise<string> {
 *     using _hold = await this.server.lock.hold();
 *     const balance = await this.server.balance() - amount;
 *     if (balance < 0) return "not enough\n";
 *     await this.server.set_balance(balance);
 *     return `${balance} left\n`;
 *   }
 * }
 *
 * if (import.meta.main) {
 *   await using server = new BankServer(["127.0.0.1", 8080], PayHandler);
 *   await server.serve_forever();
 * }
 * ```
 *
 * @module
 */
import "../../internal/shared/system.ts";
import "./carried_stream.ts";

export type { SharedObject } from "../../internal/shared/shared_object.ts";
export { BrokenBarrierError, TimeoutError } from "../../internal/shared/errors.ts";
export { type AcquireOptions, type Hold, type HoldOptions, Lock } from "./lock.ts";
export { BoundedSemaphore, Semaphore } from "./semaphore.ts";
export { Event } from "./event.ts";
export { RLock } from "./rlock.ts";
export { Condition } from "./condition.ts";
export { Barrier } from "./barrier.ts";
export { Timer } from "./timer.ts";
export { type ExceptHook, type ExceptHookArgs, set_excepthook } from "./excepthook.ts";
export { type BaseThread, current_thread, main_thread } from "./base_thread.ts";
export type { Startable } from "./startable.ts";
export { Thread } from "./thread.ts";
export { AsyncThread } from "./async_thread.ts";
export type { AsyncThreadOptions, ThreadOptions } from "./thread_options.ts";
export { active_count, enumerate } from "./threads.ts";
export { local } from "./local.ts";
