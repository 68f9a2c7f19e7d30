import { check_names } from "../../internal/runtime/check_names.ts";
import type { TaskSettings } from "./submitted.ts";

/** What `with()` of an executor can be told of tasks. */
export interface TaskOptions {
  /**
   * How long a task may run, in ms; `null` for ever. Past that its future rejects with `TimeoutError`, and
   * `current_task().signal` aborts in the task. 1 s later, or sooner if it does not listen, its worker is ended. A
   * task with a `timeout` or a `signal` is alone in its worker.
   *
   * @default {the executor's `timeout`}
   */
  timeout?: number | null;
  /** Cancels tasks: their futures reject with its reason; what runs is ended as past its `timeout`. */
  signal?: AbortSignal;
  /**
   * Those with a higher one go first.
   *
   * @default {0}
   */
  priority?: number;
  /** What is moved to the task's thread, and not copied: buffers, for example. Only `ThreadPoolExecutor` can. */
  transfer?: readonly Transferable[];
  /**
   * How many calls of a `map()` go to a worker at once.
   *
   * @default {1}
   */
  chunksize?: number;
  /**
   * How many items a `map()` reads ahead of the results that were taken. With fewer than `chunksize`, chunks are smaller.
   *
   * @default {4 chunks for each worker, 64 at the most}
   */
  buffersize?: number;
  /**
   * How often a task is run again whose worker died.
   *
   * @default {0}
   */
  retries?: number;
}

/** How a map goes over its items. */
export interface MapSettings {
  chunksize: number;
  buffersize: number | undefined;
}

const NAMES = [
  "timeout",
  "signal",
  "priority",
  "transfer",
  "chunksize",
  "buffersize",
  "retries",
] as const;

/**
 * Checks what was told of tasks.
 *
 * @param options What was told.
 * @param timeout How long a task may run unless told.
 * @throws {RangeError} If a number is out of its range.
 * @throws {TypeError} If something has another type, or an unknown name.
 */
export function task_settings(
  options: TaskOptions,
  timeout: number | null,
): TaskSettings & MapSettings {
  check_names(options, NAMES);
  const settings = {
    timeout: options.timeout === undefined ? timeout : options.timeout,
    signal: options.signal,
    priority: options.priority ?? 0,
    transfer: options.transfer ?? [],
    chunksize: options.chunksize ?? 1,
    buffersize: options.buffersize,
    retries: options.retries ?? 0,
  };
  check_timeout(settings.timeout);
  const { signal, priority } = settings;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`Cannot use ${Deno.inspect(signal)} as signal: it must be an AbortSignal`);
  }
  if (typeof priority !== "number" || Number.isNaN(priority)) {
    throw new TypeError(`Cannot use priority = ${Deno.inspect(priority)}: it must be a number`);
  }
  if (!Array.isArray(settings.transfer)) {
    throw new TypeError(
      `Cannot use transfer = ${Deno.inspect(settings.transfer)}: it must be an array`,
    );
  }
  check_count("chunksize", settings.chunksize, 1);
  if (settings.buffersize !== undefined) check_count("buffersize", settings.buffersize, 1);
  check_count("retries", settings.retries, 0);
  return settings;
}

/** @throws {RangeError} If it is no time in ms, and not `null`. */
export function check_timeout(timeout: number | null): void {
  if (timeout === null || (typeof timeout === "number" && timeout > 0)) return;
  const told = Deno.inspect(timeout);
  throw new RangeError(`Cannot use timeout = ${told}: it must be more than 0 ms, or null`);
}

/** @throws {RangeError} If it is no whole number, or too small; `Infinity` is one. */
export function check_count(name: string, count: number, least: number): void {
  const is_whole = Number.isInteger(count) || count === Infinity;
  if (is_whole && count >= least) return;
  const told = Deno.inspect(count);
  throw new RangeError(`Cannot use ${name} = ${told}: it must be a whole number from ${least}`);
}
