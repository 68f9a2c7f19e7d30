import type { FunctionHandle } from "../../internal/shared/functions.ts";
import { TimeoutError } from "../../internal/shared/errors.ts";
import type { Task } from "../../internal/shared/task.ts";
import { set_timer } from "../../internal/runtime/timer.ts";
import { type Future, type FutureSource, inside } from "./future.ts";

/** Any function that can be a task. */
export type TaskFunction = (...args: never[]) => unknown;

/** How a task is run. */
export interface TaskSettings {
  /** How long it may run, in ms. */
  timeout: number | null;
  /** Ends it. */
  signal: AbortSignal | undefined;
  /** Those with a higher one go first. */
  priority: number;
  /** What is moved to its worker, and not copied. */
  transfer: readonly Transferable[];
  /** How often it is run again when its worker died. */
  retries: number;
}

/** What a task calls. */
export interface Call {
  /** The function; where it is to be found, if the task comes from elsewhere. */
  fn: TaskFunction | FunctionHandle;
  /** Its arguments; those of several calls for a chunk of a map. */
  args: readonly unknown[];
  is_chunk: boolean;
}

/** What the line of tasks does for a task. */
export interface TaskLine {
  has_begun(task: Submitted): boolean;
  take_back(task: Submitted): boolean;
  end(task: Submitted, reason: unknown): void;
  awaited_by(task: Submitted, waiter: Task): (() => void) | undefined;
  failed_unseen(task: Submitted, error: unknown, is_seen: () => boolean): void;
  settled(task: Submitted, outcome: TaskOutcome): void;
}

/** How a task came to its end. */
export type TaskOutcome = "done" | "failed" | "cancelled" | "timed_out";

/** A task that was submitted, until it has an outcome. */
export class Submitted implements FutureSource {
  readonly number: number;
  readonly call: Call;
  readonly settings: TaskSettings;
  readonly future: Future<unknown>;
  /** How often it may still be run again. */
  retries: number;
  /** When it was given to its engine, by `performance.now()`. */
  given_at = 0;
  /** What its engine knows of it while it runs there. */
  run: unknown;
  /** How many unfinished tasks of the same executor it waits for. */
  waits_for = 0;
  #line: TaskLine;
  #clock: ReturnType<typeof setTimeout> | undefined;
  #abort: (() => void) | undefined;

  constructor(number: number, call: Call, settings: TaskSettings, line: TaskLine) {
    this.number = number;
    this.call = call;
    this.settings = settings;
    this.retries = settings.retries;
    this.#line = line;
    this.future = inside.make(this);
    const { signal } = settings;
    if (!signal) return;
    this.#abort = () => this.#fail(signal.reason, "cancelled");
    signal.addEventListener("abort", this.#abort);
  }

  /** Whether it has an outcome: what still runs of it is nobody's business. */
  get is_over(): boolean {
    return this.future.done();
  }

  /** Whether nothing else may be where it runs: it may be ended by force. */
  get is_alone(): boolean {
    const { timeout, signal, transfer } = this.settings;
    return timeout !== null || signal !== undefined || transfer.length > 0;
  }

  /**
   * Starts its clock.
   *
   * @param extra How much longer it may take, in ms.
   */
  start_clock(extra = 0): void {
    const { timeout } = this.settings;
    if (timeout === null || this.is_over) return;
    clearTimeout(this.#clock);
    const error = () => new TimeoutError(`${this.name} took longer than ${timeout} ms`);
    this.#clock = set_timer(timeout + extra, () => this.#fail(error(), "timed_out"));
  }

  /** What it is called in messages. */
  get name(): string {
    return this.call.fn.name ? `The task ${this.call.fn.name}()` : "The task";
  }

  /** It is run again: its clock starts again then. */
  stop_clock(): void {
    clearTimeout(this.#clock);
  }

  /** It has given something. */
  succeed(value: unknown): void {
    if (this.is_over) return;
    this.#end("done");
    this.future.set_result(value);
  }

  /** It has failed. */
  fail(error: unknown, outcome: TaskOutcome = "failed"): void {
    if (this.is_over) return;
    this.#end(outcome);
    this.future.set_exception(error);
  }

  has_begun(): boolean {
    return this.#line.has_begun(this);
  }

  take_back(): boolean {
    const is_back = this.#line.take_back(this);
    if (is_back) this.#end("cancelled");
    return is_back;
  }

  kill(reason: unknown): void {
    this.#end("cancelled");
    this.#line.end(this, reason);
  }

  awaited_by(waiter: Task): (() => void) | undefined {
    return this.#line.awaited_by(this, waiter);
  }

  failed_unseen(error: unknown, is_seen: () => boolean): void {
    // The program knows that its own signal aborts.
    if (error !== this.settings.signal?.reason) this.#line.failed_unseen(this, error, is_seen);
  }

  /** Fails, whether it was begun or not, and ends what was begun. */
  #fail(reason: unknown, outcome: TaskOutcome): void {
    if (this.is_over) return;
    if (!this.#line.take_back(this)) this.#line.end(this, reason);
    this.fail(reason, outcome);
  }

  #end(outcome: TaskOutcome): void {
    if (this.#clock !== undefined) clearTimeout(this.#clock);
    if (this.#abort) this.settings.signal!.removeEventListener("abort", this.#abort);
    this.#line.settled(this, outcome);
  }
}
