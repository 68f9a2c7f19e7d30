import { check_function } from "../../internal/runtime/check_function.ts";
import { check_names } from "../../internal/runtime/check_names.ts";
import type { Kind } from "../../internal/shared/shared_object.ts";
import { refuse_uncloneable_value } from "../../internal/shared/travel.ts";
import type { StartHost } from "../../internal/workers/worker_host.ts";
import { Executor, EXECUTOR_OPTIONS, type ExecutorOptions } from "./executor.ts";
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

/** The workers of a kind of executor. */
export interface Workers {
  /** The executor's class. */
  kind: Kind;
  /** Whether something can be moved to them, or they have shared memory. */
  can_move: boolean;
  /** How they are started, with what they are called. */
  start(name: string): StartHost | Promise<StartHost>;
}

const numbers = new Map<string, number>();

/** What {@linkcode ThreadPoolExecutor} and {@linkcode ProcessPoolExecutor} have in common. */
export abstract class PoolExecutor extends Executor {
  /**
   * Made by its subclasses only.
   *
   * @param workers What workers it has.
   * @param max_workers How many there may be.
   * @param options What else there is to be told.
   */
  constructor(
    { kind, can_move, start }: Workers,
    max_workers: number | null | undefined,
    options: PoolExecutorOptions,
  ) {
    check_names(options, NAMES);
    const workers = max_workers ?? navigator.hardwareConcurrency;
    const { initializer, initargs = [], module, max_tasks_per_child = Infinity } = options;
    check_count("max_workers", workers, 1);
    check_count("max_tasks_per_child", max_tasks_per_child, 1);
    check_function("initializer", initializer);
    if (!Array.isArray(initargs)) {
      throw new TypeError(`Cannot use initargs = ${Deno.inspect(initargs)}: it must be an array`);
    }
    check_text("module", module);
    check_text("thread_name_prefix", options.thread_name_prefix);
    initargs.forEach((arg, at) => {
      refuse_uncloneable_value(`argument ${at + 1} of the initializer`, arg, can_move);
    });
    const { name } = kind;
    const number = (numbers.get(name) ?? 0) + 1;
    numbers.set(name, number);
    const { thread_name_prefix = `${name}-${number}` } = options;
    super(options, { kind, module }, (events) =>
      new PoolEngine({
        max_workers: workers,
        max_tasks_per_child,
        initializer,
        initargs,
        module,
        can_move,
        start_host: () => start(thread_name_prefix),
      }, events));
  }
}

/** @throws {TypeError} If it is there, and no text. */
function check_text(name: string, text: unknown): void {
  if (text === undefined || typeof text === "string") return;
  throw new TypeError(`Cannot use ${name} = ${Deno.inspect(text)}: it must be a string`);
}
