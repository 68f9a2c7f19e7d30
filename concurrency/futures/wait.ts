import { check_names } from "../../internal/runtime/check_names.ts";
import { TimeoutError } from "../../internal/shared/errors.ts";
import { current_task } from "../../internal/shared/task.ts";
import { Line, Wait } from "../../internal/shared/wait.ts";
import { timeout_argument } from "../../internal/shared/waits.ts";
import { Future, type FutureWaitOptions, inside } from "./future.ts";

/** {@linkcode wait} returns when any future is done. */
export const FIRST_COMPLETED = "FIRST_COMPLETED";
/** {@linkcode wait} returns when any future has failed, or all are done. One that was cancelled has not failed. */
export const FIRST_EXCEPTION = "FIRST_EXCEPTION";
/** {@linkcode wait} returns when all futures are done. */
export const ALL_COMPLETED = "ALL_COMPLETED";

const RETURN_WHEN = [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED] as const;

/** When {@linkcode wait} returns. */
export type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;

/** How {@linkcode wait} can be told in one object. */
export interface WaitOptions extends FutureWaitOptions {
  /**
   * When it returns.
   *
   * @default {"ALL_COMPLETED"}
   */
  return_when?: ReturnWhen;
}

/** Futures by whether they are done. */
export interface DoneAndNotDone<F> {
  /** Those that are done, or were cancelled. */
  done: Set<F>;
  /** The others. */
  not_done: Set<F>;
}

/**
 * Waits for futures: Python's `concurrent.futures.wait`. A timeout is no error.
 *
 * @param fs The futures; one that is given twice counts once.
 * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever.
 * @param return_when Whether for all, for the first, or for the first that fails.
 * @throws {RangeError} If the timeout is negative, or there is no such `return_when`.
 * @throws {TypeError} If something is no future.
 */
export function wait<F extends Future<unknown>>(
  fs: Iterable<F>,
  timeout?: number | null,
  return_when?: ReturnWhen,
): Promise<DoneAndNotDone<F>>;
/** The same with the arguments as one object. */
export function wait<F extends Future<unknown>>(
  fs: Iterable<F>,
  options: WaitOptions,
): Promise<DoneAndNotDone<F>>;
export async function wait<F extends Future<unknown>>(
  fs: Iterable<F>,
  first?: number | null | WaitOptions,
  when?: ReturnWhen,
): Promise<DoneAndNotDone<F>> {
  const { return_when = when ?? ALL_COMPLETED, ...rest } = options_of(first);
  const { timeout, signal } = timeout_argument(rest);
  if (!RETURN_WHEN.includes(return_when)) {
    const told = Deno.inspect(return_when);
    throw new RangeError(`There is no return_when = ${told}: there are ${RETURN_WHEN.join(" ")}`);
  }
  signal?.throwIfAborted();
  const futures = set_of(fs);
  const { is_enough, done } = counting(futures.size, return_when);
  const waiting = new Wait<void>();
  const leave = [...futures].map((future) =>
    inside.when_done(future, () => {
      done(future);
      if (is_enough()) waiting.grant();
    })
  );
  if (is_enough()) waiting.grant();
  waiting.begin(waiting.is_over ? null : timeout, () => {}, () => {});
  try {
    await current_task().follow(waiting, "bring", signal);
  } finally {
    for (const left of leave) left();
  }
  const is_done = Map.groupBy(futures, (future) => future.done());
  return { done: new Set(is_done.get(true)), not_done: new Set(is_done.get(false)) };
}

function set_of<F extends Future<unknown>>(fs: Iterable<F>): Set<F> {
  const futures = new Set(fs);
  for (const future of futures) {
    if (future instanceof Future) continue;
    throw new TypeError(
      `Cannot wait for ${Deno.inspect(future)}: it must be a Future; those of a Map are its keys()`,
    );
  }
  return futures;
}

function options_of(first: number | null | WaitOptions | undefined): WaitOptions {
  if (typeof first !== "object" || first === null) {
    return first === undefined ? {} : { timeout: first };
  }
  check_names(first, ["timeout", "return_when", "signal"]);
  return first;
}

/** Counts futures that are done, until that is enough. */
function counting(size: number, return_when: ReturnWhen): {
  done(future: Future<unknown>): void;
  is_enough(): boolean;
} {
  let left = size;
  let is_over = size === 0;
  return {
    done(future) {
      left--;
      is_over ||= left === 0 || return_when === FIRST_COMPLETED ||
        (return_when === FIRST_EXCEPTION && inside.has_failed(future));
    },
    is_enough: () => is_over,
  };
}

/** What {@linkcode as_completed} gives: a future by itself would become its result on the way. */
export interface Completed<F> {
  /** The future, which is done. */
  future: F;
}

/**
 * Futures in the order in which they are done: Python's `concurrent.futures.as_completed`. Each comes once, as
 * `{ future }`.
 *
 * @param fs The futures.
 * @param timeout How long it may take until all are done, in ms from this call; `null`, as it is unless told, for ever.
 * @throws {TimeoutError} When the next one is asked for, if it takes longer.
 * @throws {RangeError} If the timeout is negative.
 * @throws {TypeError} If something is no future.
 */
export function as_completed<F extends Future<unknown>>(
  fs: Iterable<F>,
  timeout?: number | null | FutureWaitOptions,
): AsyncIterableIterator<Completed<F>> {
  return new AsCompleted(set_of(fs), timeout);
}

class AsCompleted<F extends Future<unknown>> implements AsyncIterableIterator<Completed<F>> {
  #size: number;
  #timeout: number | null;
  #signal: AbortSignal | undefined;
  #start = performance.now();
  #left: Map<F, () => void> = new Map();
  /** Those that are done, in their order, and how many of them were given. */
  #done: F[] = [];
  #given = 0;
  #waits: Line<void, null> = new Line();

  constructor(futures: Set<F>, first: number | null | FutureWaitOptions | undefined) {
    const { timeout, signal } = timeout_argument(first);
    this.#timeout = timeout;
    this.#signal = signal;
    this.#size = futures.size;
    for (const future of futures) {
      this.#left.set(future, () => {});
      const leave = inside.when_done(future, () => this.#is_done(future));
      if (this.#left.has(future)) this.#left.set(future, leave);
    }
  }

  #is_done(future: F): void {
    this.#left.delete(future);
    this.#done.push(future);
    this.#tell();
  }

  /** Has all who wait look again. */
  #tell(): void {
    for (const wait of this.#waits.clear()) wait.grant();
  }

  async next(): Promise<IteratorResult<Completed<F>>> {
    while (this.#given === this.#done.length && this.#left.size > 0) await this.#wait();
    if (this.#given === this.#done.length) return { value: undefined, done: true };
    return { value: { future: this.#done[this.#given++]! } };
  }

  async #wait(): Promise<void> {
    this.#signal?.throwIfAborted();
    const waiting = this.#waits.add(null, this.#time_left(), () => {
      throw new TimeoutError(`${this.#left.size} (of ${this.#size}) futures unfinished`);
    });
    await current_task().follow(waiting, "bring", this.#signal);
  }

  #time_left(): number | null {
    if (this.#timeout === null) return null;
    return Math.max(0, this.#start + this.#timeout - performance.now());
  }

  return(): Promise<IteratorResult<Completed<F>>> {
    for (const leave of this.#left.values()) leave();
    this.#left.clear();
    this.#done = [];
    this.#given = 0;
    this.#tell();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
