import { setImmediate } from "node:timers";
import { text_of } from "../../internal/runtime/error_text.ts";
import { may_fail } from "../../internal/runtime/pending.ts";
import { ToldObserver } from "../../internal/runtime/told_observer.ts";
import { Full, TimeoutError, WorkerDied } from "../../internal/shared/errors.ts";
import { current_task, type Task } from "../../internal/shared/task.ts";
import { drop_connections, given_away } from "../../internal/shared/travel.ts";
import { Line } from "../../internal/shared/wait.ts";
import {
  is_unexpected,
  worker_started,
  worker_stopped,
} from "../../internal/workers/worker_event.ts";
import type { WorkerEnd } from "../../internal/workers/worker_handle.ts";
import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import { Heap } from "../queue/heap.ts";
import { place_of, type TaskPlace } from "./current_task.ts";
import type { Engine, EngineEvents } from "./engine.ts";
import type { ExecutorInfo } from "./executor.ts";
import type { Future } from "./future.ts";
import { begin_wait, Given, task_at } from "./given.ts";
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

/** Hears what happens beside the observer; of what failed, with the error. */
export type Heard = (event: PoolEvent, error?: unknown) => void;

/** The tasks of an executor: those that wait, in their order, and those that its engine runs. */
export class Tasks implements TaskLine, EngineEvents {
  readonly id: string = crypto.randomUUID();
  readonly engine: Engine;
  #options: TasksOptions;
  #heap: Heap<Submitted> = new Heap(comes_first);
  /** How many wait that were not taken back. */
  waiting = 0;
  readonly given: Given;
  /** The least priority that any of them has had. */
  #least_priority = Infinity;
  #last = 0;
  /** How many have no outcome yet. */
  #unfinished = 0;
  #counts: Record<TaskOutcome, number> = { done: 0, failed: 0, cancelled: 0, timed_out: 0 };
  #observer: ToldObserver = new ToldObserver("an executor");
  #submitted_at: Map<Submitted, number> | undefined;
  #for_room: Line<void, null> = new Line();
  #is_waking = false;
  /** Whether more may come back of what was sent ahead, and go before what waits. */
  #takes_back = false;
  #is_shut_down = false;
  #is_terminated = false;
  #empty: PromiseWithResolvers<void> | undefined;
  #closing: Promise<void> | undefined;
  #watchers: Set<Heard> = new Set();
  #closed: PromiseWithResolvers<void> = Promise.withResolvers();
  #is_closed = false;

  constructor(options: TasksOptions, make_engine: (events: EngineEvents) => Engine) {
    this.#options = options;
    if (options.observer) this.#submitted_at = new Map();
    this.engine = make_engine(this);
    this.given = new Given(this.id, this.engine, this);
  }

  /**
   * Has a task run.
   *
   * @param place Which task waits for it from the beginning, if one does: of this executor, or of any other.
   * @throws {Full} If as many wait as may.
   * @throws {Deno.errors.BadResource} If the executor was shut down.
   */
  add(call: Call, settings: TaskSettings, place?: TaskPlace): Future<unknown> {
    if (this.#is_shut_down) {
      throw new Deno.errors.BadResource("Cannot submit a task: the executor was shut down");
    }
    if (this.#places <= 0) {
      throw new Full(`Cannot submit a task: ${this.#options.max_pending} wait already`);
    }
    const given = { ...call, args: call.args.map(given_away) };
    const task = new Submitted(++this.#last, given, settings, this);
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
    const waiting = task_at(place);
    if (waiting) task.future.add_done_callback(begin_wait(waiting, task));
    // Mostly all have the same.
    if (settings.priority > this.#least_priority) this.engine.make_way(task);
    else this.#least_priority = settings.priority;
    this.room();
    return task.future;
  }

  /** Has somebody hear what happens from now on; what is given ends that. */
  watch(heard: Heard): () => void {
    this.#submitted_at ??= new Map();
    this.#watchers.add(heard);
    return () => this.#watchers.delete(heard);
  }

  /** Whether it takes tasks, waits for the last ones, or is over. */
  get state(): "open" | "stopping" | "closed" {
    if (this.#is_closed) return "closed";
    return this.#is_shut_down ? "stopping" : "open";
  }

  /** Resolves when all tasks are over, and all workers have ended. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** How many may wait. */
  get max_pending(): number {
    return this.#options.max_pending;
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
  get counts(): Pick<ExecutorInfo, "waiting" | "running" | "done" | "failed" | "cancelled"> {
    const running = this.given.which(true).length;
    const { done, failed, cancelled, timed_out } = this.#counts;
    const waiting = this.waiting + this.given.size - running;
    return { waiting, running, done, failed: failed + timed_out, cancelled };
  }

  /** Gives the engine what waits, as long as it has room. */
  room(): void {
    if (this.#takes_back) return;
    for (let task; (task = this.#first());) {
      if (!this.engine.has_room(task, this.given.max_workers)) return;
      this.#heap.next();
      this.waiting--;
      this.given.add(task);
      task.given_at = performance.now();
      this.engine.start(task);
    }
  }

  #first(): Submitted | undefined {
    while (this.#heap.first?.is_over) this.#heap.next();
    return this.#heap.first;
  }

  done(task: Submitted, value: unknown): void {
    this.given.delete(task);
    task.succeed(value);
    this.#freed();
  }

  failed(task: Submitted, error: unknown): void {
    this.given.delete(task);
    const is_again = error instanceof WorkerDied && task.retries > 0 && !this.#is_terminated;
    if (is_again) this.#run_again(task);
    else task.fail(error);
    this.#freed();
  }

  taken_back(task: Submitted): void {
    this.given.delete(task);
    this.#put_back(task);
    if (task.is_unwanted) task.future.cancel();
    if (this.#takes_back) return;
    this.#takes_back = true;
    queueMicrotask(() => {
      this.#takes_back = false;
      this.#freed();
    });
  }

  #freed(): void {
    this.room();
    this.#look_whether_empty();
  }

  #look_whether_empty(): void {
    if (this.given.size === 0 && this.waiting === 0) this.#empty?.resolve();
  }

  #run_again(task: Submitted): void {
    task.retries--;
    this.#put_back(task);
  }

  /** It waits again. */
  #put_back(task: Submitted): void {
    if (task.is_over) return;
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
    return this.given.has(task) && this.engine.has_begun(task);
  }

  take_back(task: Submitted): boolean {
    if (this.given.has(task) && !this.engine.take_back(task)) {
      task.is_unwanted = !this.engine.has_begun(task);
      return false;
    }
    // The line passes over what waits; what could not be sent is about to fail.
    if (!this.given.has(task)) this.waiting--;
    this.#look_whether_empty();
    return true;
  }

  end(task: Submitted, reason: unknown): void {
    this.engine.end(task, reason);
  }

  awaited_by(task: Submitted, waiter: Task): (() => void) | undefined {
    const waiting = task_at(place_of(waiter));
    return waiting && waiting !== task ? begin_wait(waiting, task) : undefined;
  }

  failed_unseen(task: Submitted, error: unknown, is_seen: () => boolean): void {
    if (this.#options.on_error) setTimeout(() => is_seen() || this.report(task, error), 0);
  }

  report(task: Submitted | undefined, error: unknown): void {
    const { on_error } = this.#options;
    // As text: Deno keeps what it prints, and the error itself has the worker with it.
    if (!task || !on_error) console.error(text_of(error));
    else void tell(() => on_error(error, task.future));
  }

  settled(task: Submitted, outcome: TaskOutcome, error?: unknown): void {
    // What it was given and never had is nobody's.
    const is_lost = this.engine.is_elsewhere || task.given_at === 0;
    if (outcome !== "done" && is_lost) task.call.args.forEach(drop_connections);
    this.#unfinished--;
    this.#counts[outcome]++;
    this.#wake_for_room();
    const since = this.#submitted_at?.get(task);
    if (since === undefined) return;
    this.#submitted_at!.delete(task);
    const now = performance.now();
    const wait = (task.given_at || now) - since;
    const [time, duration] = [Date.now(), now - since];
    this.#tell({ type: "task.stop", time, task: task.number, outcome, duration, wait }, error);
  }

  worker_started(worker: WorkerInfo): void {
    this.#tell({ time: Date.now(), ...worker_started(worker) });
  }

  worker_ended(worker: WorkerInfo, end: WorkerEnd): void {
    const { cause } = end;
    const told = is_unexpected(end) && { cause };
    this.#tell({ time: Date.now(), ...worker_stopped(worker, end), ...told }, cause);
  }

  #tell(event: PoolEvent, error?: unknown): void {
    const { observer } = this.#options;
    if (observer) this.#observer.tell(() => observer(event));
    for (const heard of this.#watchers) heard(event, error);
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
      for (const { future } of [...this.given.which(false), ...this.#heap.clear()]) future.cancel();
    }
    return this.#closing ??= may_fail(this.#close());
  }

  async #close(): Promise<void> {
    if (this.given.size > 0 || this.waiting > 0) {
      this.#empty = Promise.withResolvers();
      await this.#empty.promise;
    }
    await this.engine.close(false);
    this.#is_closed = true;
    this.#closed.resolve();
  }

  /** Ends all workers now: what they run is lost. */
  async terminate(): Promise<void> {
    this.#is_terminated = true;
    void this.shut_down(true);
    await this.engine.close(true);
  }
}

/** Calls `on_error`: what goes wrong in it is printed, and harms no task. */
async function tell(call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    console.error(`The on_error of an executor failed: ${text_of(error)}`);
  }
}

function comes_first(one: Submitted, other: Submitted): number {
  return other.settings.priority - one.settings.priority || one.number - other.number;
}
