import "../../internal/shared/system.ts";
import "../threading/carried_stream.ts";
import { refuse_old_deno } from "../../internal/runtime/deno_internals.ts";
import { has_descriptors } from "../../internal/runtime/free_descriptors.ts";
import { BrokenExecutor, WorkerDied } from "../../internal/shared/errors.ts";
import { type FunctionHandle, handle_of_function } from "../../internal/shared/functions.ts";
import { refuse_while_loading } from "../../internal/workers/class_place.ts";
import type { Job, JobOutcome } from "../../internal/workers/job.ts";
import type { Sent } from "../../internal/workers/worker_handle.ts";
import { is_small_and_plain } from "../../internal/workers/look.ts";
import { WorkerEnded } from "../../internal/workers/worker_ended.ts";
import type { StartHost } from "../../internal/workers/worker_host.ts";
import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import { WorkerPool } from "../../internal/workers/worker_pool.ts";
import {
  check_worker_modules,
  explain_start_error,
} from "../../internal/workers/worker_modules.ts";
import type { Engine, EngineEvents } from "./engine.ts";
import type { Submitted, TaskFunction, TaskSettings } from "./submitted.ts";
import { NAMELESS, type TaskMessage, type WorkerSettings } from "./task_messages.ts";

/** The URL of the module that does tasks in workers. */
const SERVICE = new URL("./task_service.ts", import.meta.url).href;

/**
 * Never called: it makes the service's module a part of the module graph, so that `deno cache` and
 * `deno compile` know it.
 */
export const load_service = (): Promise<unknown> => import("./task_service.ts");

/** How long, in ms, a task that must end may go on: its worker is ended then. */
const GRACE = 1000;
/** How long its worker may take to say that it has heard: one that has not is in a loop. */
const LISTENING = 200;
/** Of how many ms at the most a busy thread may know nothing: see {@linkcode force_later}. */
const TICK = 20;
/** How long, in ms, the module of a function may take to load, beyond the time that the task has. */
const LOADING = 10_000;
/** How long, in ms, a worker may take to end. */
const ENDING = 1000;
/** The same for all when the executor is shut down: their tasks are over, but may have left something behind. */
const CLOSING = 5000;

/** What workers an executor has. */
export interface PoolKind {
  max_workers: number;
  /** How many tasks a worker runs until another one takes its place. */
  max_tasks_per_child: number;
  /** What each worker calls first. */
  initializer: TaskFunction | undefined;
  initargs: readonly unknown[];
  /** The module that exports functions which do not say where they are. */
  module: string | undefined;
  /** Whether something can be moved to workers. */
  can_move: boolean;
  /** How workers are started; asked once, before the first. */
  start_host(): StartHost | Promise<StartHost>;
}

/** A task as a job of the pool. */
class TaskJob implements Job {
  readonly message: TaskMessage;
  readonly is_plain: boolean;
  readonly may_share: boolean;
  readonly is_alone: boolean;
  readonly transfer?: readonly Transferable[];
  sent: Sent | undefined;
  result: unknown;
  is_over = false;
  /** Ends its worker. */
  force: ReturnType<typeof setTimeout> | undefined;
  readonly task: Submitted;
  #events: EngineEvents;

  constructor(task: Submitted, fn: string, events: EngineEvents) {
    this.#events = events;
    const { call: { args, is_chunk }, settings: { timeout, transfer } } = task;
    this.task = task;
    const { number } = task;
    this.message = [number, fn, args, is_chunk, timeout !== null];
    this.is_plain = args.every(is_small_and_plain) && transfer.length === 0;
    this.may_share = !this.is_plain;
    this.is_alone = task.is_alone;
    if (transfer.length > 0) this.transfer = transfer;
  }

  get is_blocked(): boolean {
    return this.task.waits;
  }

  check(): void {
    if (this.task.is_over) throw new Deno.errors.Interrupted("The task is over");
  }

  settled(outcome: JobOutcome): void {
    const { task } = this;
    if (this.force !== undefined) clearTimeout(this.force);
    task.run = undefined;
    if (outcome === "recalled") return this.#events.taken_back(task);
    if (typeof outcome !== "object") return this.#events.done(task, this.result);
    const { error } = outcome;
    this.#events.failed(task, error instanceof WorkerEnded ? worker_died(task, error) : error);
  }
}

/** Runs tasks in the workers of a pool, which start when there are tasks. */
export class PoolEngine implements Engine {
  readonly max_workers: number;
  readonly takes_chunks = true;
  readonly is_elsewhere = true;
  #kind: PoolKind;
  #events: EngineEvents;
  #settings: WorkerSettings;
  /** Where functions are, as JSON. */
  #handles: WeakMap<TaskFunction, string> = new WeakMap();
  #pool: WorkerPool | undefined;
  #opening: Promise<void> | undefined;

  constructor(kind: PoolKind, events: EngineEvents) {
    refuse_old_deno();
    this.max_workers = kind.max_workers;
    this.#kind = kind;
    this.#events = events;
    const { initializer } = kind;
    this.#settings = {
      executor: events.id,
      initializer: initializer && this.#handle_of(initializer),
    };
  }

  check_function(fn: TaskFunction): void {
    refuse_while_loading("A task is submitted");
    this.#handle_of(fn);
  }

  check_settings({ transfer }: TaskSettings): void {
    if (transfer.length === 0 || this.#kind.can_move) return;
    throw new TypeError("Cannot use transfer: nothing can be moved to another process");
  }

  #handle_of(fn: TaskFunction | FunctionHandle): string {
    if (typeof fn !== "function") return JSON.stringify(fn);
    let handle = this.#handles.get(fn);
    if (handle === undefined) {
      const { module } = this.#kind;
      handle = JSON.stringify(handle_of_function(fn, { module, otherwise: NAMELESS }));
      this.#handles.set(fn, handle);
    }
    return handle;
  }

  get workers(): WorkerInfo[] {
    return this.#pool?.info ?? [];
  }

  has_room(task: Submitted, max_workers: number): boolean {
    if (!this.#pool) {
      this.#opening ??= this.#open(task);
      return false;
    }
    this.#pool.max_workers = max_workers;
    task.run ??= new TaskJob(task, this.#handle_of(task.call.fn), this.#events);
    return this.#pool.has_room(job_of(task)!);
  }

  start(task: Submitted): void {
    task.start_clock(LOADING);
    this.#pool!.run(job_of(task)!);
  }

  /** Makes the pool. */
  async #open(first: Submitted): Promise<void> {
    // So that it is known that this goes on.
    await undefined;
    try {
      check_worker_modules(SERVICE, JSON.parse(this.#handle_of(first.call.fn)).module);
      const start_host = await this.#kind.start_host();
      this.#pool = this.#make_pool(start_host);
    } catch (error) {
      this.#events.broken(broken(error));
    }
    this.#opening = undefined;
    this.#events.room();
  }

  #make_pool(start_host: StartHost): WorkerPool {
    const { max_workers, max_tasks_per_child, initargs } = this.#kind;
    const events = this.#events;
    const pool = new WorkerPool({
      min_workers: 0,
      max_workers,
      max_jobs_per_worker: 1,
      is_serial: true,
      max_jobs_per_life: max_tasks_per_child,
      noun: "task",
      start: { service: SERVICE, settings: this.#settings, shared: { initargs } },
      start_host,
      ending: ENDING,
      keeps_running: true,
      has_descriptors: (count) => has_descriptors(SERVICE, count),
      call: (job, target, method) => this.#call(job as TaskJob | undefined, target, method),
      report: (job, error) => this.#events.report((job as TaskJob | undefined)?.task, error),
      line: {
        get size() {
          return events.waiting;
        },
        room: () => events.room(),
        broken: (cause) => events.broken(broken(explain_start_error(cause))),
      },
      watch: {
        started: (worker) => events.worker_started(worker),
        ended: (worker, end) => events.worker_ended(worker, end),
      },
    });
    pool.open();
    return pool;
  }

  make_way({ settings: { priority } }: Submitted): void {
    this.#pool?.make_way((job) => (job as TaskJob).task.settings.priority < priority);
  }

  has_begun(task: Submitted): boolean {
    const job = job_of(task);
    return job !== undefined && this.#pool!.has_begun(job);
  }

  take_back(task: Submitted): boolean {
    return this.#pool!.take_back(job_of(task)!);
  }

  end(task: Submitted, reason: unknown): void {
    const job = job_of(task);
    if (job && job.force === undefined) this.#end(job, reason);
  }

  #end(job: TaskJob, reason: unknown): void {
    const pool = this.#pool!;
    if (!pool.has_begun(job)) {
      // It is about to be taken back, or to begin: the worker of another job must not be ended.
      job.force = setTimeout(() => this.#end(job, reason), TICK);
      return;
    }
    pool.cut(job, reason);
    force_later(job, LISTENING, () => {
      pool.kill_if_deaf(job, reason);
      force_later(job, GRACE - LISTENING, () => pool.kill(job, reason));
    });
  }

  async close(now: boolean): Promise<void> {
    await this.#opening;
    const { promise: overdue, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSING);
    if (now) resolve();
    await this.#pool?.close(overdue);
    clearTimeout(timer);
  }

  /** Answers a worker, which may ask for anything. */
  #call(job: TaskJob | undefined, target: string, method: string): void {
    if (target !== "task" || method !== "begun") {
      throw new TypeError(`A worker cannot call ${method}() of the ${target}`);
    }
    job?.task.start_clock();
  }
}

/** The job of a task, while the pool has it. */
function job_of(task: Submitted): TaskJob | undefined {
  return task.run as TaskJob | undefined;
}

/** Does something to a job after a while, of which only that counts in which this thread could hear its worker. */
function force_later(job: TaskJob, delay: number, force: () => void): void {
  const look = () => {
    if (delay <= 0) return force();
    delay -= TICK;
    job.force = setTimeout(look, TICK);
  };
  look();
}

function broken(cause: unknown): BrokenExecutor {
  const message = cause instanceof Error ? cause.message : Deno.inspect(cause);
  return new BrokenExecutor(`No worker could start: ${message}`, { cause });
}

function worker_died(task: Submitted, { message, exit, cause }: WorkerEnded): WorkerDied {
  const how = exit.signal ?? (exit.exitcode === null ? undefined : `exit code ${exit.exitcode}`);
  const told = how === undefined ? message : `${message} (${how})`;
  return new WorkerDied(`${task.name} was lost: ${told}`, { ...exit, cause });
}
