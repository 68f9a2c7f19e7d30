import { text_of } from "../../internal/runtime/error_text.ts";
import { CancelledError, InvalidStateError, TimeoutError } from "../../internal/shared/errors.ts";
import { current_task, type Task } from "../../internal/shared/task.ts";
import { Wait } from "../../internal/shared/wait.ts";
import { attempt, timeout_argument } from "../../internal/shared/waits.ts";

/** How a wait for a future can be told in one object. */
export interface FutureWaitOptions {
  /**
   * How long to wait, in ms; `null` for ever, 0 only looks.
   *
   * @default {null}
   */
  timeout?: number | null;
  /** Ends the wait: it rejects with the signal's reason. The task goes on. */
  signal?: AbortSignal;
}

/** How {@linkcode Future.cancel} can be told to do more. */
export interface CancelOptions {
  /**
   * Whether a task that runs is ended, too: its `signal` aborts, and its worker is ended if it goes on. A task of an
   * {@linkcode AsyncExecutor} only hears its `signal`.
   *
   * @default {false}
   */
  kill?: boolean;
}

/** What a future asks of who runs its task. */
export interface FutureSource {
  /** Whether the task was begun. */
  has_begun(): boolean;
  /** Takes the task back, so that it never begins; `false` if it was begun. */
  take_back(): boolean;
  /** Ends the task. */
  kill(reason: unknown): void;
  /** Somebody waits for the task; gives what is to be called when it is done. */
  awaited_by(task: Task): (() => void) | undefined;
  /** The task has failed, and nobody waits for it. */
  failed_unseen(error: unknown, is_seen: () => boolean): void;
}

/** What others of this folder may do with a future. */
interface Inside {
  /** A future whose task somebody runs. */
  make<T>(source: FutureSource): Future<T>;
  /** Calls a function when it is done: at once, if it is; gives what ends that. */
  when_done(future: Future<unknown>, call: () => void): () => void;
  /** Whether it is done by an error, and not cancelled. */
  has_failed(future: Future<unknown>): boolean;
}

/** See {@linkcode Inside}. */
export let inside: Inside;

/**
 * The outcome of a task, which may still be to come: Python's `concurrent.futures.Future`. `await future` gives the
 * result, or throws what the task failed with. One that failed and that nobody awaits harms nobody.
 *
 * An executor's `submit()` gives one. It stays in its thread: send its result.
 *
 * @typeParam T The type of the result.
 *
 * @example A result, and whether it is there
 * ```ts
 * import { AsyncExecutor } from "@socketserver/socketserver/futures";
 *
 * await using executor = new AsyncExecutor();
 * const future = executor.submit((word: string) => word.toUpperCase(), "hello");
 * console.log(await future, future.done()); // HELLO true
 * ```
 */
export class Future<T> implements Promise<T> {
  #state: "pending" | "running" | "cancelled" | "cancelled and notified" | "finished" = "pending";
  #result: T | undefined;
  #failure: { error: unknown } | undefined;
  #source: FutureSource | undefined;
  /** Whether anybody will hear of a failure. */
  #has_listeners = false;
  // Not of T: a future of numbers is one of anything, too.
  #promised: PromiseWithResolvers<unknown> | undefined;
  // Most have none of these.
  #waiters: Set<() => void> | undefined;
  #callbacks: (() => void)[] | undefined;

  static {
    inside = {
      make: <T>(source: FutureSource) => {
        const future = new Future<T>();
        future.#source = source;
        return future;
      },
      when_done: (future, call) => future.#when_done(call),
      has_failed: (future) => future.#failure !== undefined,
    };
  }

  /** Always `"Future"`. */
  get [Symbol.toStringTag](): string {
    return "Future";
  }

  /** Whether it was cancelled. */
  cancelled(): boolean {
    return this.#state === "cancelled" || this.#state === "cancelled and notified";
  }

  /** Whether its task was begun and is not over. */
  running(): boolean {
    if (this.#state === "pending") return this.#source?.has_begun() ?? false;
    return this.#state === "running";
  }

  /** Whether it has an outcome, or was cancelled. */
  done(): boolean {
    return this.#state === "finished" || this.cancelled();
  }

  /**
   * Cancels it, if its task was not begun, or `kill` says so. It is done at once then, with a
   * {@linkcode CancelledError}.
   *
   * What is on its way to a process may have been begun there: the process is asked. It is cancelled when the answer
   * has come that it was not.
   *
   * @param options Whether a task that runs is ended, too.
   * @returns Whether it is cancelled now.
   */
  cancel({ kill = false }: CancelOptions = {}): boolean {
    if (this.cancelled()) return true;
    if (this.#state === "finished") return false;
    const is_back = this.#source ? this.#source.take_back() : this.#state === "pending";
    if (!is_back) {
      if (!kill || !this.#source) return false;
      this.#source.kill(cancelled_error());
    }
    this.#end(this.#source ? "cancelled and notified" : "cancelled");
    return true;
  }

  /**
   * The result.
   *
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever. The task goes on.
   * @throws What the task failed with.
   * @throws {TimeoutError} If it takes longer.
   * @throws {CancelledError} If the future was cancelled.
   * @throws {RangeError} If the timeout is negative.
   */
  result(timeout?: number | null): Promise<T>;
  /** The same with the arguments as one object. */
  result(options: FutureWaitOptions): Promise<T>;
  result(first?: number | null | FutureWaitOptions): Promise<T> {
    return attempt(async () => {
      await this.#wait(first);
      return this.#outcome();
    });
  }

  /**
   * What the task failed with; `null` if it did not fail.
   *
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever. The task goes on.
   * @throws {TimeoutError} If it takes longer.
   * @throws {CancelledError} If the future was cancelled.
   * @throws {RangeError} If the timeout is negative.
   */
  exception(timeout?: number | null): Promise<unknown>;
  /** The same with the arguments as one object. */
  exception(options: FutureWaitOptions): Promise<unknown>;
  exception(first?: number | null | FutureWaitOptions): Promise<unknown> {
    return attempt(async () => {
      await this.#wait(first);
      if (this.cancelled()) throw cancelled_error();
      return this.#failure ? this.#failure.error : null;
    });
  }

  /**
   * Calls a function when it is done, at once if it is. Functions are called in the order in which they were added;
   * what one throws is printed, and the others are called.
   *
   * @param fn It is given the future.
   */
  add_done_callback(fn: (future: this) => unknown): void {
    this.#has_listeners = true;
    const call = () => void this.#call_back(fn);
    if (this.done()) call();
    else (this.#callbacks ??= []).push(call);
  }

  /**
   * For who runs tasks by themselves: the task begins now.
   *
   * @returns `false` if the future was cancelled: the task must not begin.
   * @throws {InvalidStateError} If it was begun, or is finished.
   */
  set_running_or_notify_cancel(): boolean {
    if (this.#state === "cancelled") {
      this.#state = "cancelled and notified";
      return false;
    }
    if (this.#state !== "pending") throw this.#wrong_state("begin");
    this.#state = "running";
    return true;
  }

  /**
   * For who runs tasks by themselves: the task has given this.
   *
   * @throws {InvalidStateError} If the future is done.
   */
  set_result(result: T): void {
    if (this.done()) throw this.#wrong_state("set the result of");
    this.#result = result;
    this.#end("finished");
  }

  /**
   * For who runs tasks by themselves: the task has failed.
   *
   * @throws {InvalidStateError} If the future is done.
   */
  set_exception(error: unknown): void {
    if (this.done()) throw this.#wrong_state("set the error of");
    const source = this.#source;
    this.#failure = { error };
    this.#end("finished");
    if (!this.#has_listeners) source?.failed_unseen(error, () => this.#has_listeners);
  }

  /** As a promise does; `await future` calls it. */
  then<R = T, E = never>(
    fulfilled?: ((result: T) => R | PromiseLike<R>) | null,
    // deno-lint-ignore no-explicit-any
    rejected?: ((reason: any) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.#listen();
    if (!this.#promised) {
      this.#promised = Promise.withResolvers();
      if (this.done()) this.#settle_promise();
    }
    return (this.#promised.promise as Promise<T>).then(fulfilled, rejected);
  }

  /** As a promise does. */
  catch<E = never>(
    // deno-lint-ignore no-explicit-any
    rejected?: ((reason: any) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    return this.then(null, rejected);
  }

  /** As a promise does. */
  finally(settled?: (() => void) | null): Promise<T> {
    return this.then().finally(settled);
  }

  /** What `console.log()` shows of it, as Python does. */
  [Symbol.for("Deno.customInspect")](): string {
    return `<Future ${this.#state_in_words()}>`;
  }

  #state_in_words(): string {
    if (this.cancelled()) return "cancelled";
    if (this.running()) return "running";
    return this.#failure ? "failed" : this.#state;
  }

  /** Waits until it is done. */
  #wait(first: number | null | FutureWaitOptions | undefined): Promise<void> {
    const { timeout, signal } = timeout_argument(first);
    signal?.throwIfAborted();
    const wait = new Wait<void>();
    const leave = this.#when_done(() => wait.grant());
    wait.begin(wait.is_over ? null : timeout, () => {
      throw new TimeoutError(`The result was not there within ${timeout} ms`);
    }, leave);
    return current_task().follow(wait, "bring", signal);
  }

  #when_done(call: () => void): () => void {
    if (this.done()) {
      this.#has_listeners = true;
      call();
      return () => {};
    }
    this.#listen();
    this.#add_waiter(call);
    return () => this.#waiters?.delete(call);
  }

  /** Somebody will hear of the outcome. */
  #listen(): void {
    this.#has_listeners = true;
    const over = this.done() ? undefined : this.#source?.awaited_by(current_task());
    if (over) this.#add_waiter(over);
  }

  #add_waiter(call: () => void): void {
    (this.#waiters ??= new Set()).add(call);
  }

  #outcome(): T {
    if (this.cancelled()) throw cancelled_error();
    if (this.#failure) throw this.#failure.error;
    return this.#result!;
  }

  #end(state: "cancelled" | "cancelled and notified" | "finished"): void {
    this.#state = state;
    this.#source = undefined;
    if (this.#promised) this.#settle_promise();
    const [waiters = [], callbacks = []] = [this.#waiters, this.#callbacks];
    this.#waiters = this.#callbacks = undefined;
    for (const call of waiters) call();
    for (const call of callbacks) call();
  }

  #settle_promise(): void {
    try {
      this.#promised!.resolve(this.#outcome());
    } catch (error) {
      this.#promised!.reject(error);
    }
  }

  async #call_back(fn: (future: this) => unknown): Promise<void> {
    try {
      await fn(this);
    } catch (error) {
      console.error(`A callback of a future failed: ${text_of(error)}`);
    }
  }

  #wrong_state(what: string): InvalidStateError {
    return new InvalidStateError(`Cannot ${what} a future that is ${this.#state}`);
  }
}

function cancelled_error(): CancelledError {
  return new CancelledError("The future was cancelled");
}
