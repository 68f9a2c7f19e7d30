/**
 * Python's `multiprocessing`: processes and pools of them, and what they share.
 *
 * ```sh
 * deno add jsr:@socketserver/socketserver
 * ```
 *
 * Or add nothing, and import `jsr:@socketserver/socketserver/multiprocessing`.
 *
 * Locks, queues and the like are those of `./threading` and `./queue`: they reach threads and
 * processes alike.
 *
 * @module
 */
import "../../internal/shared/system.ts";

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
export { cpu_count } from "./cpu_count.ts";
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
