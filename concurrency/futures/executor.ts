import { check_function } from "../../internal/runtime/check_function.ts";
import { check_names } from "../../internal/runtime/check_names.ts";
import { begin, type Kind, RemoteCore, SharedObject } from "../../internal/shared/shared_object.ts";
import { timeout_argument } from "../../internal/shared/waits.ts";
import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import type { ChunkResult } from "./chunk.ts";
import type { Engine, EngineEvents } from "./engine.ts";
import { type ExecutorFixed, ExecutorHome } from "./executor_home.ts";
import type { Future, FutureWaitOptions } from "./future.ts";
import { map_over } from "./map.ts";
import { RemoteEngine } from "./remote_engine.ts";
import type { PoolEvent } from "./pool_event.ts";
import type { Call, TaskFunction, TaskSettings } from "./submitted.ts";
import {
  check_count,
  check_timeout,
  type MapSettings,
  task_settings,
  type TaskOptions,
} from "./task_options.ts";
import { Tasks } from "./tasks.ts";

/** What all executors can be told. */
export interface ExecutorOptions {
  /**
   * How many tasks may wait for a worker: beyond that `submit()` throws `Full`.
   *
   * @default {Infinity}
   */
  max_pending?: number;
  /**
   * How long a task may run, in ms, unless `with()` says so; `null` for ever.
   *
   * @default {null}
   */
  timeout?: number | null;
  /** Told of failures that nobody awaits. Unless told, nobody hears of them. */
  on_error?: (error: unknown, future: Future<unknown>) => void;
  /** Told what happens, when it happens. What it throws is printed once, and harms nothing. */
  observer?: (event: PoolEvent) => void;
}

/** The names of {@linkcode ExecutorOptions}. */
export const EXECUTOR_OPTIONS = ["max_pending", "timeout", "on_error", "observer"] as const;

/** How an executor is shut down. */
export interface ShutdownOptions {
  /**
   * Whether it is waited for until all tasks are over, and all workers have ended.
   *
   * @default {true}
   */
  wait?: boolean;
  /**
   * Whether tasks that were not begun are cancelled.
   *
   * @default {false}
   */
  cancel_futures?: boolean;
}

/** What `info()` of an executor tells. */
export interface ExecutorInfo {
  /** When it was made, as `Date.now()` gives it. */
  since: number;
  /** How many tasks were not begun. */
  waiting: number;
  /** How many run. */
  running: number;
  /** How many have given a result. */
  done: number;
  /** How many have failed, or taken too long. */
  failed: number;
  /** How many were cancelled. */
  cancelled: number;
  /** Its workers; none for an `AsyncExecutor`. */
  workers: WorkerInfo[];
}

/** An iterable for each argument of a function. */
export type Iterables<A extends unknown[]> = {
  [K in keyof A]: Iterable<A[K]> | AsyncIterable<A[K]>;
};

/** Submits tasks with settings: what {@linkcode Executor.with} gives. */
export interface Submitter {
  /** See {@linkcode Executor.submit}. */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>>;
  /** See {@linkcode Executor.map}. */
  map<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...iterables: Iterables<A>
  ): AsyncIterableIterator<Awaited<R>>;
}

/** What an executor is where it goes. */
export interface ExecutorKind {
  kind: Kind;
  /** The module that exports the functions. */
  module?: string | undefined;
}

/** Has the calls of a chunk run, one after the other, as one task. */
export type SubmitChunk = (calls: readonly (readonly unknown[])[]) => Future<ChunkResult>;

/**
 * For pools: gives what has chunks of calls of a function run, in workers.
 *
 * @throws {TypeError} If workers cannot find the function.
 */
export let chunks_of: (executor: Executor, fn: TaskFunction) => SubmitChunk;

/** For who watches it: its tasks. */
export let tasks_of: (executor: Executor) => Tasks;

/** Runs tasks: what {@linkcode AsyncExecutor}, {@linkcode ThreadPoolExecutor} and {@linkcode ProcessPoolExecutor} have in common. */
export abstract class Executor extends SharedObject implements Submitter, AsyncDisposable {
  #since = Date.now();
  #tasks: Tasks;
  #settings: TaskSettings & MapSettings;
  #timeout: number | null;

  static {
    tasks_of = (executor) => executor.#tasks;
    chunks_of = (executor, fn) => {
      executor.#check(fn);
      return (args) =>
        executor.#add({ fn, args, is_chunk: true }, executor.#settings) as Future<ChunkResult>;
    };
  }

  /**
   * Made by its subclasses only.
   *
   * @param options What it was told.
   * @param kind Its class, and the module of its functions.
   * @param make_engine Makes what runs the tasks.
   * @throws {RangeError} If a number is out of its range.
   * @throws {TypeError} If something has another type.
   */
  constructor(
    options: ExecutorOptions,
    { kind, module }: ExecutorKind,
    make_engine: (events: EngineEvents) => Engine,
  ) {
    super();
    const { max_pending = Infinity, timeout = null, on_error, observer } = options;
    check_count("max_pending", max_pending, 0);
    check_timeout(timeout);
    check_function("on_error", on_error);
    check_function("observer", observer);
    const tasks = { max_pending, on_error, observer };
    const fixed = { module, timeout };
    const make_home = () => new ExecutorHome(new Tasks(tasks, make_engine), fixed);
    // One that a module makes has no workers until it has tasks.
    const core = begin(this, kind, make_home, false);
    this.#tasks = core instanceof RemoteCore
      ? new Tasks(tasks, (events) => new RemoteEngine(core, events))
      : core.home.tasks;
    this.#timeout = (core.fixed as ExecutorFixed).timeout;
    this.#settings = task_settings({}, this.#timeout);
  }

  /**
   * Has a function called as a task.
   *
   * @param fn The function, async or not.
   * @param args Its arguments.
   * @returns What gives its result.
   * @throws {Full} If as many tasks wait as may: see {@linkcode ExecutorOptions.max_pending}.
   * @throws {TypeError} If workers cannot find the function.
   * @throws {Deno.errors.BadResource} After `shutdown()`.
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    return this.#submit(this.#settings, fn, args);
  }

  /**
   * Calls a function with the items of iterables, and gives the results in their order. It ends with the shortest.
   * It reads only so many items ahead as `buffersize` says, beginning when the first result is asked for. An error
   * comes in the place of its result, and ends it. Who leaves it cancels the calls that were not begun.
   *
   * @param fn The function, async or not.
   * @param iterables The items for each of its arguments; async ones, too.
   * @throws {TypeError} If workers cannot find the function.
   */
  map<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...iterables: Iterables<A>
  ): AsyncIterableIterator<Awaited<R>> {
    return this.#map(this.#settings, fn, iterables);
  }

  /**
   * Gives `submit()` and `map()` with settings for the tasks.
   *
   * @param options The settings.
   * @throws {RangeError} If a number is out of its range.
   * @throws {TypeError} If something has another type, or an unknown name.
   */
  with(options: TaskOptions): Submitter {
    const settings = task_settings(options, this.#timeout);
    this.#tasks.engine.check_settings(settings);
    return {
      submit: (fn, ...args) => this.#submit(settings, fn, args),
      map: (fn, ...iterables) => this.#map(settings, fn, iterables),
    };
  }

  /**
   * Waits until `submit()` would not throw `Full`.
   *
   * @param timeout How long, in ms; `null`, as it is unless told, for ever.
   * @throws {TimeoutError} If it takes longer.
   */
  room(timeout?: number | null | FutureWaitOptions): Promise<void> {
    const { timeout: bound, signal } = timeout_argument(timeout);
    return this.#tasks.for_room(bound, signal);
  }

  /** What it is doing. */
  info(): ExecutorInfo {
    return { since: this.#since, ...this.#tasks.counts, workers: this.#tasks.engine.workers };
  }

  /**
   * Takes no more tasks. Those that were submitted still run, unless they are cancelled.
   *
   * @param wait Whether it is waited for until all tasks are over, and all workers have ended: unless told, it is.
   * @param options The rest.
   */
  shutdown(wait?: boolean, options?: Omit<ShutdownOptions, "wait">): Promise<void>;
  /** The same with the arguments as one object. */
  shutdown(options: ShutdownOptions): Promise<void>;
  async shutdown(
    first: boolean | ShutdownOptions = true,
    rest: Omit<ShutdownOptions, "wait"> = {},
  ): Promise<void> {
    const options = typeof first === "boolean" ? { wait: first, ...rest } : first;
    check_names(options, ["wait", "cancel_futures"]);
    const { wait = true, cancel_futures = false } = options;
    const closed = this.#tasks.shut_down(cancel_futures);
    if (wait) await closed;
  }

  /** Ends all workers at once, whatever they do: tasks that ran reject with `WorkerDied`, others are cancelled. */
  terminate_workers(): Promise<void> {
    return this.#tasks.terminate();
  }

  /** Shuts it down, and waits for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #submit<A extends unknown[], R>(
    settings: TaskSettings,
    fn: (...args: A) => R,
    args: A,
  ): Future<Awaited<R>> {
    this.#check(fn);
    return this.#add({ fn, args, is_chunk: false }, settings) as Future<Awaited<R>>;
  }

  #map<A extends unknown[], R>(
    settings: TaskSettings & MapSettings,
    fn: (...args: A) => R,
    iterables: Iterables<A>,
  ): AsyncIterableIterator<Awaited<R>> {
    this.#check(fn);
    const { max_workers, takes_chunks } = this.#tasks.engine;
    const chunksize = takes_chunks ? settings.chunksize : 1;
    return map_over<Awaited<R>>(iterables, {
      fn,
      chunksize,
      buffersize: settings.buffersize ?? chunksize * Math.min(4 * max_workers, 64),
      submit: (call) => this.#add(call, settings),
      room: () => this.room(),
    });
  }

  #check(fn: TaskFunction): void {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot call ${Deno.inspect(fn)}: it must be a function`);
    }
    this.#tasks.engine.check_function(fn);
  }

  #add(call: Call, settings: TaskSettings): Future<unknown> {
    return this.#tasks.add(call, settings);
  }
}
