import { MAX_TIMER } from "../../internal/runtime/timer.ts";
import { current_task, Task } from "../../internal/shared/task.ts";
import { attempt, timeout_argument } from "../../internal/shared/waits.ts";
import { Line } from "../../internal/shared/wait.ts";
import { tell_excepthook } from "./excepthook.ts";
import type { HoldOptions } from "./lock.ts";

let last_number = 0;

/**
 * Calls a function after a while, once: Python's `threading.Timer`. The function runs on this event loop, as a task
 * of its own; what it throws goes to the hook of {@linkcode set_excepthook}.
 *
 * @typeParam A The types of the function's arguments.
 *
 * @example A reminder, unless the work is done before
 * ```ts
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * const reminder = new threading.Timer(60_000, console.log, ["Still at work?"]);
 * reminder.start();
 * // The work.
 * reminder.cancel();
 * ```
 */
export class Timer<A extends unknown[] = unknown[]> {
  /**
   * What it is called in reports.
   *
   * @default {"Timer-1" and so on}
   */
  name: string = `Timer-${++last_number}`;
  #interval: number;
  #call: () => unknown;
  #state: "new" | "waiting" | "running" | "over" = "new";
  #is_cancelled = false;
  #is_daemon = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #task: Task | undefined;
  #joining: Line<void, null> = new Line();

  /**
   * Makes a timer that waits for `start()`.
   *
   * @param interval How long it waits then, in ms.
   * @param fn What it calls.
   * @param args Its arguments; none unless told.
   * @throws {RangeError} If the interval is not a number from 0 to 2,147,483,647.
   * @throws {TypeError} If `fn` is no function.
   */
  constructor(interval: number, fn: (...args: A) => unknown, args?: Readonly<A> | null);
  /**
   * The same with Python's keyword arguments: one object, which comes after the other arguments.
   *
   * @param interval How long it waits, in ms.
   * @param fn What it calls.
   * @param args Its arguments but the last.
   * @param kwargs The last one.
   */
  constructor(
    interval: number,
    // deno-lint-ignore no-explicit-any
    fn: (...args: [...A, any]) => unknown,
    args: Readonly<A> | null,
    kwargs: object,
  );
  constructor(
    interval: number,
    fn: (...args: never[]) => unknown,
    args?: Readonly<A> | null,
    kwargs?: object,
  ) {
    if (typeof interval !== "number" || !(interval >= 0 && interval <= MAX_TIMER)) {
      const told = Deno.inspect(interval);
      throw new RangeError(`Cannot use ${told} ms: it must be a number from 0 to ${MAX_TIMER}`);
    }
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot call ${Deno.inspect(fn)}: it must be a function`);
    }
    this.#interval = interval;
    const all = kwargs === undefined ? args ?? [] : [...args ?? [], kwargs];
    this.#call = () => fn(...all as never[]);
  }

  /**
   * Whether the program may end while it waits.
   *
   * @default {false}
   */
  get daemon(): boolean {
    return this.#is_daemon;
  }

  /** @throws {TypeError} If it was started. */
  set daemon(daemon: boolean) {
    if (this.#state !== "new") throw new TypeError("Cannot set daemon of a timer that was started");
    this.#is_daemon = daemon;
  }

  /**
   * Starts to wait. A timer that was cancelled before is over at once.
   *
   * @throws {TypeError} If it was started before.
   */
  start(): void {
    if (this.#state !== "new") throw new TypeError("Cannot start a timer twice");
    if (this.#is_cancelled) return this.#end();
    this.#state = "waiting";
    const timer = this.#timer = setTimeout(() => void this.#run(), this.#interval);
    if (this.#is_daemon) Deno.unrefTimer(timer);
  }

  /** Stops it, if it still waits: the function is not called. */
  cancel(): void {
    this.#is_cancelled = true;
    if (this.#state !== "waiting") return;
    clearTimeout(this.#timer);
    this.#end();
  }

  /** Whether it waits, or the function runs. */
  is_alive(): boolean {
    return this.#state === "waiting" || this.#state === "running";
  }

  /**
   * Waits until it was cancelled, or the function has ended, be it well or not.
   *
   * @param timeout How long, in ms; `null`, as it is unless told, for ever. Whether it is over then,
   * {@linkcode Timer.is_alive} says.
   * @throws {TypeError} If it was not started, or its own function waits for it.
   * @throws {RangeError} If the timeout is negative.
   */
  join(timeout?: number | null): Promise<void>;
  /** The same with the arguments as one object. */
  join(options: HoldOptions): Promise<void>;
  join(first?: number | null | HoldOptions): Promise<void> {
    return attempt(() => {
      const { timeout, signal } = timeout_argument(first);
      const task = current_task();
      signal?.throwIfAborted();
      if (this.#state === "new") throw new TypeError("Cannot join a timer that was not started");
      if (task === this.#task) throw new TypeError("Cannot join a timer from its own function");
      if (this.#state === "over") return Promise.resolve();
      return task.follow(this.#joining.add(null, timeout, () => {}), "bring", signal);
    });
  }

  async #run(): Promise<void> {
    this.#state = "running";
    const tell = (error: unknown) => tell_excepthook(error, this);
    this.#task = new Task({ report: tell });
    try {
      await this.#task.run(this.#call);
    } catch (error) {
      tell(error);
    }
    this.#task.end();
    this.#end();
  }

  #end(): void {
    this.#state = "over";
    for (const wait of this.#joining.clear()) wait.grant();
  }
}
