import { text_of } from "../../internal/runtime/error_text.ts";
import { Future, type FutureWaitOptions } from "../futures/future.ts";
import { wait } from "../futures/wait.ts";

/** What is called with the outcome: one of the two, before `get()` gives it. A promise of theirs is awaited. */
export interface ResultCallbacks<T> {
  /** Given the result. */
  callback?: (result: T) => unknown;
  /** Given the error. */
  error_callback?: (error: unknown) => unknown;
}

/**
 * The result of calls that a pool makes: Python's `multiprocessing.pool.AsyncResult`. It is no promise: `await
 * result.get()`. A call that has failed and whose result nobody gets harms nobody.
 *
 * @typeParam T The type of the result.
 *
 * @example A result, and a look whether it is there
 * ```ts ignore
 * // later.ts
 * import { ThreadPool } from "@socketserver/socketserver/multiprocessing";
 *
 * export function twice(word: string): string {
 *   return word + word;
 * }
 *
 * if (import.meta.main) {
 *   await using pool = new ThreadPool(1);
 *   const result = pool.apply_async(twice, ["so"]);
 *   console.log(result.ready(), await result.get(10_000), result.successful()); // false soso true
 * }
 * ```
 */
export class AsyncResult<T> {
  #outcome: Future<T> = new Future();
  #is_successful = false;

  /**
   * Made by pools only.
   *
   * @param outcome What it gives.
   * @param callbacks What is called then.
   */
  constructor(outcome: PromiseLike<T>, { callback, error_callback }: ResultCallbacks<T> = {}) {
    outcome.then(async (result) => {
      this.#is_successful = true;
      await call_back(callback, result);
      this.#outcome.set_result(result);
    }, async (error) => {
      await call_back(error_callback, error);
      this.#outcome.set_exception(error);
    });
  }

  /**
   * The result.
   *
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever. The calls go on.
   * @throws What the call failed with; of several, the first to fail.
   * @throws {TimeoutError} If it takes longer.
   * @throws {RangeError} If the timeout is negative.
   */
  get(timeout?: number | null): Promise<T>;
  /** The same with the arguments as one object. */
  get(options: FutureWaitOptions): Promise<T>;
  get(first?: number | null | FutureWaitOptions): Promise<T> {
    return this.#outcome.result(first as FutureWaitOptions);
  }

  /**
   * Waits until it is ready. A timeout is no error.
   *
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever.
   * @throws {RangeError} If the timeout is negative.
   */
  wait(timeout?: number | null): Promise<void>;
  /** The same with the arguments as one object. */
  wait(options: FutureWaitOptions): Promise<void>;
  async wait(first?: number | null | FutureWaitOptions): Promise<void> {
    await wait([this.#outcome], first as FutureWaitOptions);
  }

  /** Whether all is over, be it well or not, and the callback was called. */
  ready(): boolean {
    return this.#outcome.done();
  }

  /**
   * Whether nothing has failed.
   *
   * @throws {RangeError} If it is not ready.
   */
  successful(): boolean {
    if (this.ready()) return this.#is_successful;
    throw new RangeError("Cannot tell whether it is successful: the result is not ready");
  }
}

/** Calls a callback. What it fails with is its own affair. */
async function call_back<T>(fn: ((value: T) => unknown) | undefined, value: T): Promise<void> {
  try {
    await fn?.(value);
  } catch (error) {
    console.error(`A callback of a pool failed: ${text_of(error)}`);
  }
}
