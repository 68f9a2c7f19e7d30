import { setImmediate } from "node:timers";
import { may_fail } from "../../internal/runtime/pending.ts";
import { Full, TimeoutError, WorkerDied } from "../../internal/shared/errors.ts";
import { current_task, type Task } from "../../internal/shared/task.ts";
import { Line } from "../../internal/shared/wait.ts";
import { Heap } from "../queue/heap.ts";
import { place_of, type TaskPlace } from "./current_task.ts";
import type { Engine, EngineEvents } from "./engine.ts";
import type { Future } from "./future.ts";
import type { PoolEvent } from "./pool_event.ts";
import {
  type Call,
  Submitted,
  type TaskLine,
  type TaskOutcome,
  type TaskSettings,
} from "./submitted.ts";

/** What is told of the tasks. */
export interface TasksOptions {
  /** How many may wait for a worker. */
  max_pending: number;
  /** Told of failures that nobody awaits. */
  on_error: ((error: unknown, future: Future<unknown>) => void) | undefined;
  /** Told what happens. */
  observer: ((event: PoolEvent) => void) | undefined;
}

/** The tasks of an executor: those that wait, in their order, and those that its engine runs. */
export class Tasks implements TaskLine, EngineEvents {
  readonly id: string = crypto.randomUUID();
  readonly engine: Engine;
  #options: TasksOptions;
  #heap: Heap<Submitted> = new Heap(comes_first);
  /** How many wait that were not taken back. */
  waiting = 0;
  /** What the engine has, until it is over there, by the numbers. */
  #given: Map<number, Submitted> = new Map();
  /** How many of these wait for others. */
  #blocked = 0;
  #last = 0;
  /** How many have no outcome yet. */
  #unfinished = 0;
  #counts: Record<TaskOutcome, number> = { done: 0, failed: 0, cancelled: 0, timed_out: 0 };
  #submitted_at: Map<Submitted, number> | undefined;
  #for_room: Line<void, null> = new Line();
  #is_waking = false;
  #is_shut_down = false;
  #empty: PromiseWithResolvers<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: TasksOptions, make_engine: (events: EngineEvents) => Engine) {
    this.#options = options;
    if (options.observer) this.#submitted_at = new Map();
    this.engine = make_engine(this);
  }

  /**
   * Has a task run.
   *
   * @throws {Full} If as many wait as may.
   * @throws {Deno.errors.BadResource} If the executor was shut down.
   */
  add(call: Call, settings: TaskSettings): Future<unknown> {
    if (this.#is_shut_down) {
      throw new Deno.errors.BadResource("Cannot submit a task: the executor was shut down");
    }
    if (this.#places <= 0) {
      throw new Full(`Cannot submit a task: ${this.#options.max_pending} wait already`);
    }
    const task = new Submitted(++this.#last, call, settings, this);
    this.#unfinished++;
    if (this.#submitted_at) {
      this.#submitted_at.set(task, performance.now());
      this.#tell({ type: "task.start", time: Date.now(), task: task.number });
    }
    if (settings.signal?.aborted) {
      task.fail(settings.signal.reason, "cancelled");
      return task.future;
    }
    this.#heap.add(task);
    this.waiting++;
    this.room();
    return task.future;
  }

  /** How many more may be submitted. */
  get #places(): number {
    return this.engine.max_workers + this.#options.max_pending - this.#unfinished;
  }

  /** Waits until another task may be submitted. */
  for_room(timeout: number | null, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const wait = this.#for_room.add(null, timeout, () => {
      throw new TimeoutError(`There was no room for another task within ${timeout} ms`);
    });
    this.#wake_for_room();
    return current_task().follow(wait, "bring", signal);
  }

  /** Tells one after the other of those who wait for room, so that each finds it. */
  #wake_for_room(): void {
    if (this.#is_waking || this.#places <= 0) return;
    const first = this.#for_room.shift();
    if (!first) return;
    first[0].grant();
    this.#is_waking = true;
    setImmediate(() => {
      this.#is_waking = false;
      this.#wake_for_room();
    });
  }

  /** How many there are of each kind. */
  get counts(): { waiting: number; running: number; done: number; failed: number } {
    const given = [...this.#given.values()];
    const running = given.filter((task) => this.engine.has_begun(task)).length;
    const { done, failed, timed_out } = this.#counts;
    const waiting = this.waiting + given.length - running;
    return { waiting, running, done, failed: failed + timed_out };
  }

  /** Gives the engine what waits, as long as it has room. */
  room(): void {
    for (let task; (task = this.#first());) {
      if (!this.engine.has_room(task, this.#max_workers)) return;
      this.#heap.next();
      this.waiting--;
      this.#given.set(task.number, task);
      if (this.#submitted_at) task.given_at = performance.now();
      this.engine.start(task);
    }
  }

  #first(): Submitted | undefined {
    while (this.#heap.first?.is_over) this.#heap.next();
    return this.#heap.first;
  }

  /** How many may run: one more than may where all that run wait for others, as they would for ever. */
  get #max_workers(): number {
    const { max_workers } = this.engine;
    if (this.#blocked === 0) return max_workers;
    let running = 0;
    for (const task of this.#given.values()) {
      if (!this.engine.has_begun(task)) continue;
      if (task.waits_for === 0) return max_workers;
      running++;
    }
    return Math.max(max_workers, running + 1);
  }

  done(task: Submitted, value: unknown): void {
    this.#given.delete(task.number);
    task.succeed(value);
    this.#freed();
  }

  failed(task: Submitted, error: unknown): void {
    this.#given.delete(task.number);
    if (can_run_again(task, error)) this.#put_back(task);
    else task.fail(error);
    this.#freed();
  }

  #freed(): void {
    this.room();
    this.#look_whether_empty();
  }

  #look_whether_empty(): void {
    if (this.#given.size === 0 && this.waiting === 0) this.#empty?.resolve();
  }

  #put_back(task: Submitted): void {
    task.retries--;
    task.stop_clock();
    this.#heap.put_back(task);
    this.waiting++;
  }

  /** No worker can start: all that wait fail. */
  broken(error: unknown): void {
    for (const task of this.#heap.clear()) {
      if (task.is_over) continue;
      this.waiting--;
      task.fail(error);
    }
    this.#look_whether_empty();
  }

  has_begun(task: Submitted): boolean {
    return this.#given.has(task.number) && this.engine.has_begun(task);
  }

  take_back(task: Submitted): boolean {
    if (this.#given.has(task.number)) return this.engine.take_back(task);
    // The line passes it over.
    this.waiting--;
    this.#look_whether_empty();
    return true;
  }

  end(task: Submitted, reason: unknown): void {
    this.engine.end(task, reason);
  }

  awaited_by(task: Submitted, waiter: Task): (() => void) | undefined {
    const waiting = this.#task_at(place_of(waiter));
    return waiting && waiting !== task ? this.#waits(waiting) : undefined;
  }

  #task_at(place: TaskPlace | undefined): Submitted | undefined {
    return place?.executor === this.id ? this.#given.get(place.number) : undefined;
  }

  /** A task waits for another one; gives what ends that. */
  #waits(waiting: Submitted): () => void {
    if (waiting.waits_for++ === 0) this.#blocked++;
    this.room();
    return () => {
      if (--waiting.waits_for === 0) this.#blocked--;
    };
  }

  /** Has a task run for one that waits for it: of this executor, or of any other. */
  add_for(place: TaskPlace | undefined, call: Call, settings: TaskSettings): Future<unknown> {
    const waiting = this.#task_at(place);
    const over = waiting && this.#waits(waiting);
    try {
      const future = this.add(call, settings);
      if (over) future.add_done_callback(over);
      return future;
    } catch (error) {
      over?.();
      throw error;
    }
  }

  failed_unseen(task: Submitted, error: unknown, is_seen: () => boolean): void {
    const { on_error } = this.#options;
    if (on_error) setTimeout(() => is_seen() || on_error(error, task.future), 0);
  }

  report(task: Submitted | undefined, error: unknown): void {
    if (task && this.#options.on_error) this.#options.on_error(error, task.future);
    else console.error(error);
  }

  settled(task: Submitted, outcome: TaskOutcome): void {
    this.#unfinished--;
    this.#counts[outcome]++;
    this.#wake_for_room();
    const since = this.#submitted_at?.get(task);
    if (since === undefined) return;
    this.#submitted_at!.delete(task);
    const now = performance.now();
    const wait = (task.given_at || now) - since;
    const [time, duration] = [Date.now(), now - since];
    this.#tell({ type: "task.stop", time, task: task.number, outcome, duration, wait });
  }

  #tell(event: PoolEvent): void {
    try {
      this.#options.observer?.(event);
    } catch (error) {
      console.error("The observer of an executor failed:", error);
    }
  }

  /**
   * Takes no more tasks, and ends the workers when all are over.
   *
   * @param cancel Whether those that wait are cancelled.
   */
  shut_down(cancel: boolean): Promise<void> {
    this.#is_shut_down = true;
    for (const wait of this.#for_room.clear()) {
      wait.reject(new Deno.errors.BadResource("There will be no room: the executor was shut down"));
    }
    if (cancel) {
      const sent = [...this.#given.values()].filter((task) => !this.engine.has_begun(task));
      for (const { future } of [...sent, ...this.#heap.clear()]) future.cancel();
    }
    return this.#closing ??= may_fail(this.#close());
  }

  async #close(): Promise<void> {
    if (this.#given.size > 0 || this.waiting > 0) {
      this.#empty = Promise.withResolvers();
      await this.#empty.promise;
    }
    await this.engine.close(false);
  }

  /** Ends all workers now: what they run is lost. */
  async terminate(): Promise<void> {
    void this.shut_down(true);
    await this.engine.close(true);
  }
}

function can_run_again(task: Submitted, error: unknown): boolean {
  return error instanceof WorkerDied && !task.is_over && task.retries > 0;
}

function comes_first(one: Submitted, other: Submitted): number {
  return other.settings.priority - one.settings.priority || one.number - other.number;
}
