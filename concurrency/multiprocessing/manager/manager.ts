import { check_names } from "../../../internal/runtime/check_names.ts";
import { refuse_while_loading } from "../../../internal/workers/class_place.ts";
import type { SharedObject } from "../../../internal/shared/shared_object.ts";
import { attempt } from "../../../internal/shared/waits.ts";
import type { LifoQueue } from "../../queue/lifo_queue.ts";
import type { PriorityQueue, PriorityQueueOptions } from "../../queue/priority_queue.ts";
import type { Queue, QueueOptions, SimpleQueue } from "../../queue/queue.ts";
import type { Barrier } from "../../threading/barrier.ts";
import type { Condition } from "../../threading/condition.ts";
import type { Event } from "../../threading/event.ts";
import type { Lock } from "../../threading/lock.ts";
import type { RLock } from "../../threading/rlock.ts";
import type { BoundedSemaphore, Semaphore } from "../../threading/semaphore.ts";
import type { Array } from "../array.ts";
import type { NumberFor, TypeCode } from "../number_type.ts";
import type { NumbersOptions } from "../numbers.ts";
import type { Value } from "../value.ts";
import { type DictItems, type DictProxy, pairs_of } from "./dict_proxy.ts";
import type { ListProxy } from "./list_proxy.ts";
import { type MadeName, make, serve_making } from "./makers.ts";
import type { NamespaceProxy } from "./namespace_proxy.ts";
import type { ObjectProxy } from "./object_proxy.ts";
import { OwnProcess } from "./own_process.ts";

/**
 * Makes what tasks, threads, processes and other programs share: Python's `multiprocessing.Manager()`. Each thing can be
 * an argument of a thread, a task or a process, an item of a queue, a value in another dict or list, and what a
 * {@linkcode BaseManager} gives. What is made is gone with its manager, and making more rejects with
 * `Deno.errors.BadResource` then. Needs no permission, unless it has a process of its own.
 *
 * @example
 * ```ts
 * import { Manager } from "@socketserver/socketserver/multiprocessing";
 *
 * await using manager = new Manager();
 * const scores = await manager.dict<string, number>();
 * const names = await manager.list<string>();
 * await scores.set("Ann", 3);
 * await names.append("Ann");
 * console.log(await scores.get("Ann"), await names.length()); // 3 1
 * ```
 */
export class Manager implements AsyncDisposable {
  #process: OwnProcess<ObjectProxy> | undefined;
  #made: Set<SharedObject> = new Set();
  #is_closed = false;

  /**
   * Makes a manager.
   *
   * @param options `process` says whether what it makes is at home in a process of its own, which answers while this one
   * computes, runs until {@linkcode Manager.shutdown}, and needs `--allow-run=deno`; otherwise it is at home here. `false` unless told.
   * @throws {TypeError} If an option has another type, or an unknown name.
   */
  constructor(options: { process?: boolean } = {}) {
    check_names(options, ["process"]);
    const { process = false } = options;
    if (typeof process !== "boolean") {
      throw new TypeError(
        `Cannot use process = ${Deno.inspect(process)}: it must be true or false`,
      );
    }
    refuse_while_loading("A manager is made");
    if (process) this.#process = new OwnProcess("Manager", serve_making);
  }

  /**
   * Makes a dict.
   *
   * @param items What is in it at first.
   * @throws {TypeError} If `items` are no pairs, or a key is an object.
   */
  dict<K, V>(items: DictItems<K, V> = []): Promise<DictProxy<K, V>> {
    return attempt(() => this.#make("dict", [pairs_of(items)]));
  }

  /**
   * Makes a list.
   *
   * @param values What is in it at first.
   */
  list<T>(values: Iterable<T> = []): Promise<ListProxy<T>> {
    return this.#make("list", [[...values]]);
  }

  /**
   * Makes a namespace.
   *
   * @param values The names and their values at first.
   */
  Namespace<T extends object>(values?: T): Promise<NamespaceProxy<T>> {
    return this.#make("Namespace", [values]);
  }

  /** Makes a queue: see {@linkcode Queue}. */
  Queue<T>(maxsize?: number, options?: QueueOptions): Promise<Queue<T>> {
    return this.#make("Queue", [maxsize, options]);
  }

  /** Makes a stack: see {@linkcode LifoQueue}. */
  LifoQueue<T>(maxsize?: number, options?: QueueOptions): Promise<LifoQueue<T>> {
    return this.#make("LifoQueue", [maxsize, options]);
  }

  /** Makes a queue with priorities: see {@linkcode PriorityQueue}. A function is exported by its module. */
  PriorityQueue<T>(
    maxsize?: number,
    options?: PriorityQueueOptions<T>,
  ): Promise<PriorityQueue<T>> {
    return this.#make("PriorityQueue", [maxsize, options]);
  }

  /** Makes a queue with nothing but items: see {@linkcode SimpleQueue}. */
  SimpleQueue<T>(): Promise<SimpleQueue<T>> {
    return this.#make("SimpleQueue", []);
  }

  /** Makes a lock: see {@linkcode Lock}. */
  Lock(): Promise<Lock> {
    return this.#make("Lock", []);
  }

  /** Makes a lock that its holder may take again: see {@linkcode RLock}. */
  RLock(): Promise<RLock> {
    return this.#make("RLock", []);
  }

  /** Makes a semaphore: see {@linkcode Semaphore}. */
  Semaphore(value?: number): Promise<Semaphore> {
    return this.#make("Semaphore", [value]);
  }

  /** Makes a semaphore with no more permits than at first: see {@linkcode BoundedSemaphore}. */
  BoundedSemaphore(value?: number): Promise<BoundedSemaphore> {
    return this.#make("BoundedSemaphore", [value]);
  }

  /** Makes a condition: see {@linkcode Condition}. */
  Condition(lock?: Lock | RLock): Promise<Condition> {
    return this.#make("Condition", [lock]);
  }

  /** Makes an event: see {@linkcode Event}. */
  Event(): Promise<Event> {
    return this.#make("Event", []);
  }

  /** Makes a barrier: see {@linkcode Barrier}. An action is exported by its module. */
  Barrier(
    parties: number,
    action?: (() => unknown) | null,
    timeout?: number | null,
  ): Promise<Barrier> {
    return this.#make("Barrier", [parties, action, timeout]);
  }

  /** Makes a number: see {@linkcode Value}. */
  Value<C extends TypeCode>(
    typecode: C,
    value?: NumberFor<C>,
    options?: NumbersOptions,
  ): Promise<Value<C>> {
    return this.#make("Value", [typecode, value, options]);
  }

  /** Makes numbers, as many as at first: see {@linkcode Array}. */
  Array<C extends TypeCode>(
    typecode: C,
    size_or_values: number | Iterable<NumberFor<C>>,
    options?: NumbersOptions,
  ): Promise<Array<C>> {
    const first = typeof size_or_values === "number" ? size_or_values : [...size_or_values];
    return this.#make("Array", [typecode, first, options]);
  }

  /** Ends the manager, its process, and all that it has made: what waits for that rejects. */
  async shutdown(): Promise<void> {
    this.#is_closed = true;
    for (const object of this.#made) object[Symbol.dispose]();
    this.#made.clear();
    await this.#process?.end();
  }

  /** The same as {@linkcode Manager.shutdown}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #make<T extends SharedObject>(name: MadeName, args: unknown[]): Promise<T> {
    if (this.#is_closed) throw new Deno.errors.BadResource("The manager was shut down");
    if (this.#process) return await (await this.#process.started).call("make", [name, args]) as T;
    const object = make(name, args) as T;
    this.#made.add(object);
    return object;
  }
}
