import { check_names } from "../../internal/runtime/check_names.ts";
import type { StartHost } from "../../internal/workers/worker_host.ts";
import type { EngineEvents } from "./engine.ts";
import { check_function, Executor, EXECUTOR_OPTIONS, type ExecutorOptions } from "./executor.ts";
import { PoolEngine } from "./pool_engine.ts";
import type { TaskFunction } from "./submitted.ts";
import { check_count } from "./task_options.ts";

/** What executors with workers can be told. */
export interface PoolExecutorOptions extends ExecutorOptions {
  /**
   * What workers are called in messages, with a number.
   *
   * @default {"ThreadPoolExecutor-1", and so on}
   */
  thread_name_prefix?: string;
  /** What each worker calls before its first task; a worker in which it fails does not start. */
  initializer?: TaskFunction;
  /**
   * The arguments of `initializer`.
   *
   * @default {[]}
   */
  initargs?: readonly unknown[];
  /**
   * The module that exports the functions: `import.meta.url`, for example. A function's own `module` goes before.
   *
   * @default {the program's main module}
   */
  module?: string;
  /**
   * How many tasks a worker runs until another one takes its place.
   *
   * @default {Infinity}
   */
  max_tasks_per_child?: number;
}

const NAMES = [
  ...EXECUTOR_OPTIONS,
  "thread_name_prefix",
  "initializer",
  "initargs",
  "module",
  "max_tasks_per_child",
];

/** How the workers of an executor are started, with what they are called. */
export type StartWorkers = (name: string) => StartHost | Promise<StartHost>;

const numbers = new Map<string, number>();

/** What {@linkcode ThreadPoolExecutor} and {@linkcode ProcessPoolExecutor} have in common. */
export abstract class PoolExecutor extends Executor {
  #engine: PoolEngine;

  /**
   * @param kind The name of the class.
   * @param max_workers How many workers there may be.
   * @param options What else there is to be told.
   * @param start_workers Starts them.
   */
  constructor(
    kind: string,
    max_workers: number | null | undefined,
    options: PoolExecutorOptions,
    start_workers: StartWorkers,
  ) {
    check_names(options, NAMES);
    const workers = max_workers ?? navigator.hardwareConcurrency;
    const { initializer, initargs = [], module, max_tasks_per_child = Infinity } = options;
    check_count("max_workers", workers, 1);
    check_count("max_tasks_per_child", max_tasks_per_child, 1);
    check_function("initializer", initializer);
    const number = (numbers.get(kind) ?? 0) + 1;
    numbers.set(kind, number);
    const { thread_name_prefix = `${kind}-${number}` } = options;
    let engine!: PoolEngine;
    super(options, (events: EngineEvents) =>
      engine = new PoolEngine({
        max_workers: workers,
        max_tasks_per_child,
        initializer,
        initargs,
        module,
        start_host: () => start_workers(thread_name_prefix),
      }, events));
    this.#engine = engine;
  }

  protected override _check_function(fn: TaskFunction): void {
    this.#engine.check(fn);
  }
}
