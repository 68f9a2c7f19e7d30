import type { FunctionHandle } from "../../internal/shared/functions.ts";
import { TimeoutError } from "../../internal/shared/errors.ts";
import type { Task } from "../../internal/shared/task.ts";
import { on_abort } from "../../internal/runtime/on_abort.ts";
import { set_timer } from "../../internal/runtime/timer.ts";
import type { Given } from "./given.ts";
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
  /** What its engine has. */
  readonly given: Given;
  has_begun(task: Submitted): boolean;
  take_back(task: Submitted): boolean;
  end(task: Submitted, reason: unknown): void;
  awaited_by(task: Submitted, waiter: Task): (() => void) | undefined;
  failed_unseen(task: Submitted, error: unknown, is_seen: () => boolean): void;
  settled(task: Submitted, outcome: TaskOutcome, error?: unknown): void;
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
  /** Whether it is to be cancelled if it is taken back. */
  is_unwanted = false;
  /** What its engine knows of it while it runs there. */
  run: unknown;
  /** Unfinished tasks that it waits for, by what the engines have that will run them. */
  #awaited: Map<Given, Set<Submitted>> | undefined;
  #line: TaskLine;
  #clock: ReturnType<typeof setTimeout> | undefined;
  /** It hears of its signal no longer. */
  #leave: (() => void) | undefined;

  constructor(number: number, call: Call, settings: TaskSettings, line: TaskLine) {
    this.number = number;
    this.call = call;
    this.settings = settings;
    this.retries = settings.retries;
    this.#line = line;
    this.future = inside.make(this);
    const { signal } = settings;
    if (!signal) return;
    this.#leave = on_abort(signal, () => this.#fail(signal.reason, "cancelled"));
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

  /** Whether it waits for another task. */
  get waits(): boolean {
    return this.#awaited !== undefined && this.#awaited.size > 0;
  }

  /** It waits for another one; gives what ends that. */
  wait_for(other: Submitted): () => void {
    const awaited = this.#awaited ??= new Map();
    const { given } = other.#line;
    const others = awaited.get(given) ?? new Set();
    awaited.set(given, others.add(other));
    this.#line.given.waits++;
    return () => {
      this.#line.given.waits--;
      others.delete(other);
      if (others.size === 0 && awaited.get(given) === others) awaited.delete(given);
    };
  }

  /**
   * Whether it comes to its end, now that it was begun, without more workers.
   *
   * @param seen What was looked at: it waits for itself.
   */
  goes_on(seen: Set<unknown>): boolean {
    if (!this.waits) return true;
    if (seen.has(this)) return false;
    seen.add(this);
    return [...this.#awaited!].some(([given, others]) => given.go_on(others, seen));
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
    this.#end(outcome, error);
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

  #end(outcome: TaskOutcome, error?: unknown): void {
    if (this.#clock !== undefined) clearTimeout(this.#clock);
    this.#leave?.();
    this.#line.settled(this, outcome, error);
  }
}
