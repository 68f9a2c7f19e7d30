import "../../internal/shared/system.ts";
import { check_function } from "../../internal/runtime/check_function.ts";
import { check_names } from "../../internal/runtime/check_names.ts";
import { may_fail } from "../../internal/runtime/pending.ts";
import { attempt_later } from "../../internal/shared/waits.ts";
import { not_copied } from "../../internal/workers/sharing.ts";
import { chunks_of } from "../futures/executor.ts";
import type { PoolExecutor, PoolExecutorOptions } from "../futures/pool_executor.ts";
import type { TaskFunction } from "../futures/submitted.ts";
import { check_count } from "../futures/task_options.ts";
import { check_args } from "../threading/thread_options.ts";
import { AsyncResult, type ResultCallbacks } from "./async_result.ts";
import { Imap, type IMapIterator } from "./imap.ts";
import { map_result } from "./map_result.ts";

/** What pools can be told. */
export interface PoolOptions {
  /** What each worker calls before its first task; a worker in which it fails does not start. */
  initializer?: TaskFunction;
  /**
   * The arguments of `initializer`.
   *
   * @default {[]}
   */
  initargs?: readonly unknown[];
  /**
   * How many tasks a worker runs until another one takes its place. A chunk is one task.
   *
   * @default {Infinity}
   */
  maxtasksperchild?: number;
  /**
   * The module that exports the functions: `import.meta.url`, for example. A function's own `module` goes before.
   *
   * @default {the program's main module}
   */
  module?: string;
  /**
   * How long a task may run, in ms; `null` for ever. A chunk is one task. Past that it fails with `TimeoutError`, and
   * its worker is ended if it goes on.
   *
   * @default {null}
   */
  timeout?: number | null;
}

const NAMES = ["initializer", "initargs", "maxtasksperchild", "module", "timeout"] as const;
const CALLBACKS = ["callback", "error_callback"] as const;

/** What `map_async()` and `starmap_async()` can be told in one object. */
export interface MapAsyncOptions<T> extends ResultCallbacks<T> {
  /**
   * How many items make a task.
   *
   * @default {a quarter of the share of a worker}
   */
  chunksize?: number;
}

/** What {@linkcode Pool} and {@linkcode ThreadPool} have in common. */
export abstract class BasePool implements AsyncDisposable {
  #executor: PoolExecutor;
  #processes: number;
  #state: "running" | "closed" | "terminated" = "running";
  #ended: Promise<void> | undefined;
  /** Those that read on. */
  #imaps: Set<Pick<Imap<unknown>, "over" | "read_all" | "fail">> = new Set();

  /**
   * Made by its subclasses only.
   *
   * @param make_executor Makes what runs the tasks.
   * @param processes How many workers there may be.
   * @param options What else there is to be told.
   */
  constructor(
    make_executor: (max_workers: number, options: PoolExecutorOptions) => PoolExecutor,
    processes: number | null | undefined,
    options: PoolOptions,
  ) {
    check_names(options, NAMES);
    const { maxtasksperchild = Infinity, ...rest } = options;
    this.#processes = processes ?? navigator.hardwareConcurrency;
    check_count("processes", this.#processes, 1);
    check_count("maxtasksperchild", maxtasksperchild, 1);
    this.#executor = make_executor(this.#processes, {
      ...rest,
      max_tasks_per_child: maxtasksperchild,
    });
    // A copy would be no pool.
    Object.defineProperty(this, "not copied", { value: not_copied, enumerable: true });
  }

  /**
   * Calls a function in a worker, and waits for its result.
   *
   * @param fn The function, async or not, which a module exports.
   * @returns What it gives.
   * @throws {Deno.errors.BadResource} If the pool was closed.
   * @throws {TypeError} If workers cannot find the function.
   */
  apply<R>(fn: () => R): Promise<Awaited<R>>;
  /**
   * The same with arguments.
   *
   * @param fn The function.
   * @param args Its arguments.
   */
  apply<A extends unknown[], R>(
    fn: (...args: A) => R,
    args: readonly [...A],
  ): Promise<Awaited<R>>;
  apply<R>(fn: (...args: never[]) => R, args: readonly unknown[] = []): Promise<Awaited<R>> {
    return attempt_later(() => this.#apply(fn, args).get());
  }

  /**
   * Calls a function in a worker.
   *
   * @param fn The function, async or not, which a module exports.
   * @returns What gives its result.
   * @throws {Deno.errors.BadResource} If the pool was closed.
   * @throws {TypeError} If workers cannot find the function.
   */
  apply_async<R>(fn: () => R): AsyncResult<Awaited<R>>;
  /**
   * The same with arguments.
   *
   * @param fn The function.
   * @param args Its arguments.
   * @param callbacks What is called when it is done.
   */
  apply_async<A extends unknown[], R>(
    fn: (...args: A) => R,
    args: readonly [...A],
    callbacks?: ResultCallbacks<Awaited<R>>,
  ): AsyncResult<Awaited<R>>;
  apply_async<R>(
    fn: (...args: never[]) => R,
    args: readonly unknown[] = [],
    callbacks?: ResultCallbacks<Awaited<R>>,
  ): AsyncResult<Awaited<R>> {
    return this.#apply(fn, args, callbacks);
  }

  /**
   * Calls a function with each of the items, and waits for all results. Items go to workers in chunks. Where a call
   * fails, the rest of its chunk is not called, and all other chunks are.
   *
   * @param fn The function, async or not, which a module exports.
   * @param iterable The items.
   * @param chunksize How many items make a task; unless told, a quarter of the share of a worker.
   * @returns The results, in the order of the items.
   * @throws What the first call failed with that did.
   * @throws {Deno.errors.BadResource} If the pool was closed.
   * @throws {RangeError} If the chunk size is less than 1.
   * @throws {TypeError} If workers cannot find the function.
   */
  map<T, R>(
    fn: (item: T) => R,
    iterable: Iterable<T>,
    chunksize?: number,
  ): Promise<Awaited<R>[]> {
    return attempt_later(() => this.map_async(fn, iterable, chunksize).get());
  }

  /**
   * The same without waiting.
   *
   * @param fn The function.
   * @param iterable The items.
   * @param chunksize How many items make a task.
   * @param callbacks What is called when all is done.
   */
  map_async<T, R>(
    fn: (item: T) => R,
    iterable: Iterable<T>,
    chunksize?: number,
    callbacks?: ResultCallbacks<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]>;
  /** The same with the rest as one object. */
  map_async<T, R>(
    fn: (item: T) => R,
    iterable: Iterable<T>,
    options: MapAsyncOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]>;
  map_async<T, R>(
    fn: (item: T) => R,
    iterable: Iterable<T>,
    first?: number | MapAsyncOptions<Awaited<R>[]>,
    callbacks?: ResultCallbacks<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    return this.#map(fn, calls_of(iterable, (item) => [item]), first, callbacks);
  }

  /**
   * As {@linkcode BasePool.map}, where each item has all arguments of a call.
   *
   * @param fn The function, async or not, which a module exports.
   * @param iterable The arguments of each call.
   * @param chunksize How many calls make a task; unless told, a quarter of the share of a worker.
   */
  starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    iterable: Iterable<readonly [...A]>,
    chunksize?: number,
  ): Promise<Awaited<R>[]> {
    return attempt_later(() => this.starmap_async(fn, iterable, chunksize).get());
  }

  /**
   * The same without waiting.
   *
   * @param fn The function.
   * @param iterable The arguments of each call.
   * @param chunksize How many calls make a task.
   * @param callbacks What is called when all is done.
   */
  starmap_async<A extends unknown[], R>(
    fn: (...args: A) => R,
    iterable: Iterable<readonly [...A]>,
    chunksize?: number,
    callbacks?: ResultCallbacks<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]>;
  /** The same with the rest as one object. */
  starmap_async<A extends unknown[], R>(
    fn: (...args: A) => R,
    iterable: Iterable<readonly [...A]>,
    options: MapAsyncOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]>;
  starmap_async<A extends unknown[], R>(
    fn: (...args: A) => R,
    iterable: Iterable<readonly [...A]>,
    first?: number | MapAsyncOptions<Awaited<R>[]>,
    callbacks?: ResultCallbacks<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    const arguments_of = (args: readonly [...A]) => {
      check_args(args);
      return [...args];
    };
    return this.#map(fn, calls_of(iterable, arguments_of), first, callbacks);
  }

  /**
   * Calls a function with each of the items, and gives each result when it is there, in the order of the items. It
   * begins at once, and reads only four chunks for each worker ahead of the results that were taken; after `close()`,
   * all. An error comes in the place of its result, and the next `next()` goes on with the next chunk. Who leaves it
   * cancels what was not begun; a `for await` that an error ends has not left it.
   *
   * @param fn The function, async or not, which a module exports.
   * @param iterable The items; an async one, too.
   * @param chunksize How many items make a task.
   * @throws {Deno.errors.BadResource} If the pool was closed.
   * @throws {RangeError} If the chunk size is less than 1.
   * @throws {TypeError} If workers cannot find the function.
   */
  imap<T, R>(
    fn: (item: T) => R,
    iterable: Iterable<T> | AsyncIterable<T>,
    chunksize: number = 1,
  ): IMapIterator<Awaited<R>> {
    return this.#imap(fn, iterable, chunksize, true);
  }

  /**
   * The same with the results in the order in which they are there.
   *
   * @param fn The function.
   * @param iterable The items.
   * @param chunksize How many items make a task.
   */
  imap_unordered<T, R>(
    fn: (item: T) => R,
    iterable: Iterable<T> | AsyncIterable<T>,
    chunksize: number = 1,
  ): IMapIterator<Awaited<R>> {
    return this.#imap(fn, iterable, chunksize, false);
  }

  /** Takes nothing more. What was given to it is done, and then its workers end. */
  close(): void {
    if (this.#state !== "running") return;
    this.#state = "closed";
    this.#ended = may_fail(this.#end());
  }

  async #end(): Promise<void> {
    for (const imap of this.#imaps) imap.read_all();
    await Promise.all([...this.#imaps].map(({ over }) => over));
    await this.#executor.shutdown();
  }

  /**
   * Ends all workers at once, whatever they do: what they run fails with `WorkerDied`, the rest with `CancelledError`.
   *
   * @returns A promise that resolves when they have ended.
   */
  terminate(): Promise<void> {
    if (this.#state !== "terminated") {
      this.#state = "terminated";
      for (const imap of this.#imaps) imap.fail(not_running());
      this.#ended = may_fail(this.#executor.terminate_workers());
    }
    return this.#ended!;
  }

  /**
   * Waits until all is done and the workers have ended, after `close()` or `terminate()`.
   *
   * @throws {RangeError} If neither was called.
   */
  async join(): Promise<void> {
    if (!this.#ended) throw new RangeError("Pool is still running");
    await this.#ended;
  }

  /** Ends all workers at once: see {@linkcode BasePool.terminate}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }

  #check(): void {
    if (this.#state !== "running") throw not_running();
  }

  #apply<R>(
    fn: (...args: never[]) => R,
    args: readonly unknown[],
    callbacks?: ResultCallbacks<Awaited<R>>,
  ): AsyncResult<Awaited<R>> {
    this.#check();
    check_args(args);
    check_callbacks(callbacks);
    return new AsyncResult(this.#executor.submit(fn, ...args as never[]), callbacks);
  }

  #map<R>(
    fn: TaskFunction,
    calls: unknown[][],
    first: number | MapAsyncOptions<R[]> | undefined,
    rest: ResultCallbacks<R[]> | undefined,
  ): AsyncResult<R[]> {
    this.#check();
    const { chunksize = Math.ceil(calls.length / (4 * this.#processes)) || 1, ...callbacks } =
      typeof first === "object" ? first : { chunksize: first, ...rest };
    check_count("chunksize", chunksize, 1);
    check_callbacks(callbacks);
    const result = map_result<R>(calls, chunksize, chunks_of(this.#executor, fn));
    return new AsyncResult(result, callbacks);
  }

  #imap<R>(
    fn: TaskFunction,
    iterable: Iterable<unknown> | AsyncIterable<unknown>,
    chunksize: number,
    is_ordered: boolean,
  ): IMapIterator<R> {
    this.#check();
    check_count("chunksize", chunksize, 1);
    const submit = chunks_of(this.#executor, fn);
    const ahead = 4 * this.#processes * chunksize;
    const imap = new Imap<R>(iterable, { submit, chunksize, ahead, is_ordered });
    this.#imaps.add(imap);
    void imap.over.then(() => this.#imaps.delete(imap));
    return imap;
  }
}

/**
 * The arguments of each call of a map.
 *
 * @throws {TypeError} If the items cannot be gone through at once.
 */
function calls_of<T>(iterable: Iterable<T>, arguments_of: (item: T) => unknown[]): unknown[][] {
  if (Symbol.iterator in Object(iterable)) return Array.from(iterable, arguments_of);
  throw new TypeError(
    `Cannot map over ${Deno.inspect(iterable)}: it must be iterable; imap() takes async ones, too`,
  );
}

function not_running(): Error {
  return new Deno.errors.BadResource("Pool not running");
}

/** @throws {TypeError} If there is another name, or something that is no function. */
function check_callbacks(callbacks: ResultCallbacks<never> = {}): void {
  check_names(callbacks, CALLBACKS);
  for (const name of CALLBACKS) check_function(name, callbacks[name]);
}
