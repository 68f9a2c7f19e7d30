/**
 * Python's `multiprocessing`: processes, and what they share.
 *
 * ```sh
 * deno add jsr:@socketserver/socketserver
 * ```
 *
 * Or add nothing, and import `jsr:@socketserver/socketserver/multiprocessing`.
 *
 * Import the module as one name, as in Python: `Array` and `Event` by themselves would hide globals.
 *
 * | name | what it is for |
 * |---|---|
 * | {@linkcode Process} | runs an exported function, or a subclass, in a child process |
 * | {@linkcode Pool}, {@linkcode ThreadPool} | call functions in several processes or threads |
 * | {@linkcode AsyncResult} | what a pool gives for calls that nobody waits for yet |
 * | {@linkcode current_process}, {@linkcode parent_process}, {@linkcode active_children} | which there are |
 * | {@linkcode Pipe} | two ends, for two that talk to each other |
 * | {@linkcode Value}, {@linkcode Array} | numbers that threads and processes share |
 * | {@linkcode Manager} | dicts, lists, queues and the rest, which threads, processes and tasks share |
 * | {@linkcode BaseManager} | objects of one program, for programs on this machine and on others |
 * | {@linkcode cpu_count} | how many cores there are |
 * | {@linkcode Lock}, {@linkcode RLock}, {@linkcode Condition}, {@linkcode Semaphore}, {@linkcode Event}, {@linkcode Barrier} | those of `./threading` |
 * | {@linkcode Queue}, {@linkcode SimpleQueue}, {@linkcode LifoQueue}, {@linkcode PriorityQueue} | those of `./queue` |
 *
 * Locks, queues and the like reach threads and processes alike. [docs/processes.md](../../docs/processes.md) says when to take a
 * process, and how one ends.
 *
 * ## Differences from Python
 *
 * A process is started as by `spawn`: it imports the module anew, and shares no variables. What waits returns a promise, times
 * are in milliseconds, and `ValueError` is `RangeError`. What is put into a queue arrives before its process ends, and nothing
 * that a killed process holds stays taken. No process outlives the program.
 * [DIFFERENCES.md](../../DIFFERENCES.md#multiprocessing) has them all.
 *
 * ## Permissions
 *
 * `--allow-run` for `deno`, and `--allow-read` for the module that a {@linkcode Process} runs, if it is a local one. The
 * child has the permissions of the program, and not one more.
 *
 * @example A process that is ended when it takes too long
 * ```ts ignore
 * // too_long.ts
 * import * as multiprocessing from "@socketserver/socketserver/multiprocessing";
 *
 * export async function match(
 *   pattern: string,
 *   text: string,
 *   results: multiprocessing.Queue<boolean>,
 * ): Promise<void> {
 *   await results.put(new RegExp(pattern).test(text));
 * }
 *
 * if (import.meta.main) {
 *   const results = new multiprocessing.Queue<boolean>();
 *   const args = ["^(a+)+$", "a".repeat(50) + "b", results] as const;
 *   const process = new multiprocessing.Process({ target: match, args: [...args], name: "match" });
 *   await process.start();
 *   await process.join(1000);
 *   if (process.is_alive()) process.terminate();
 *   await process.join();
 *   console.log(process, process.exitcode === 0 ? await results.get() : "took too long");
 * }
 * ```
 *
 * @module
 */
import "../../internal/shared/system.ts";
import "../threading/carried_stream.ts";

export * from "../queue/mod.ts";
export {
  type AcquireOptions,
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  Event,
  type Hold,
  type HoldOptions,
  Lock,
  RLock,
  Semaphore,
  TimeoutError,
} from "../threading/mod.ts";
export { EOFError } from "../../internal/shared/errors.ts";
export { Array } from "./array.ts";
export { Connection, type ConnectionWaitOptions, Pipe } from "./connection.ts";
export { AsyncResult, type ResultCallbacks } from "./async_result.ts";
export type { BasePool, MapAsyncOptions, PoolOptions } from "./base_pool.ts";
export { cpu_count } from "./cpu_count.ts";
export type { NumberFor, NumberOf, TypeCode } from "./number_type.ts";
export type { NumbersOptions } from "./numbers.ts";
export { Value } from "./value.ts";
export { type BaseProcess, current_process, parent_process } from "./base_process.ts";
export { active_children, Process } from "./process.ts";
export type { ProcessOptions } from "./process_options.ts";
export type { Startable } from "../threading/startable.ts";
export type { IMapIterator } from "./imap.ts";
export { Pool } from "./pool.ts";
export { ThreadPool } from "./thread_pool.ts";
export type { FutureWaitOptions, TaskFunction } from "../futures/mod.ts";
export {
  BrokenExecutor,
  CancelledError,
  type WorkerDeath,
  WorkerDied,
} from "../../internal/shared/errors.ts";
export { AuthenticationError } from "../../internal/shared/errors.ts";
export {
  BaseManager,
  type DeclaredName,
  type ManagerAddress,
  type ManagerOptions,
  type ManagerServer,
  type Registration,
} from "./manager/base_manager.ts";
export type { Proxied } from "./manager/object_proxy.ts";
export { type DictItems, DictProxy } from "./manager/dict_proxy.ts";
export { ListProxy } from "./manager/list_proxy.ts";
export { Manager } from "./manager/manager.ts";
export { NamespaceProxy } from "./manager/namespace_proxy.ts";
