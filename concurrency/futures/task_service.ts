/**
 * What the workers of an executor do: each job is a task, one at a time.
 *
 * @module
 */
import "../../internal/shared/system.ts";
import { is_pending } from "../../internal/runtime/pending.ts";
import { function_of } from "../../internal/shared/functions.ts";
import { current_task } from "../../internal/shared/task.ts";
import { drop_connections } from "../../internal/shared/travel.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import type { WorkerJob } from "../../internal/workers/worker_job.ts";
import type { JobRun, Service, WorkerSide } from "../../internal/workers/worker_side.ts";
import { run_chunk } from "./chunk.ts";
import { ExecutorTask } from "./current_task.ts";
import type { TaskFunction } from "./submitted.ts";
import { OTHERWISE, type TaskMessage, type WorkerSettings } from "./task_messages.ts";

/** Calls the initializer: the worker is ready when that is done. */
export async function start(
  settings: unknown,
  _worker: WorkerSide,
  shared: Record<string, object>,
): Promise<Service> {
  const { executor, initializer } = settings as WorkerSettings;
  if (initializer) {
    const fn = await find(initializer);
    await fn(...shared.initargs as never[]);
  }
  return {
    is_serial: true,
    is_late: () => current_task().has_ended,
    begin: (job) => new TaskRun(job, executor),
  };
}

const found = new Map<string, TaskFunction>();

/** The function of a handle: a promise only where its module must be loaded. */
function find(handle: string): TaskFunction | Promise<TaskFunction> {
  return found.get(handle) ?? load(handle);
}

async function load(handle: string): Promise<TaskFunction> {
  sharing.is_loading = true;
  try {
    const fn = await function_of(JSON.parse(handle), OTHERWISE) as TaskFunction;
    found.set(handle, fn);
    return fn;
  } finally {
    sharing.is_loading = false;
  }
}

/** A task that runs. */
class TaskRun implements JobRun {
  readonly done: unknown;
  #task: ExecutorTask;

  constructor(job: WorkerJob, executor: string) {
    const [number] = job.message as TaskMessage;
    this.#task = new ExecutorTask({ executor, number }, { job: job.id });
    this.done = this.#run(job);
  }

  /** Runs it: a promise only where there is something to wait for. */
  #run(job: WorkerJob): unknown {
    const [, handle, args, is_chunk, says_when] = job.message as TaskMessage;
    const known = find(handle);
    const is_ready = typeof known === "function" && !says_when;
    const result = is_ready ? this.#call(known, args, is_chunk) : this.#run_later(job, known);
    if (is_pending(result)) return this.#end_with(result, args);
    this.#end(args);
    return result;
  }

  async #run_later(job: WorkerJob, known: TaskFunction | Promise<TaskFunction>): Promise<unknown> {
    const fn = await known;
    const [, , args, is_chunk, says_when] = job.message as TaskMessage;
    // Answered: what never lets go would keep the message from being sent.
    if (says_when) await job.call("task", "begun", []);
    return await this.#call(fn, args, is_chunk);
  }

  #call(fn: TaskFunction, args: readonly unknown[], is_chunk: boolean): unknown {
    try {
      return this.#task.run(() => is_chunk ? run_chunk(fn, args) : fn(...args as never[]));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #end_with(result: PromiseLike<unknown>, args: readonly unknown[]): Promise<unknown> {
    try {
      return await result;
    } finally {
      this.#end(args);
    }
  }

  #end(args: readonly unknown[]): void {
    this.#task.end();
    args.forEach(drop_connections);
  }

  cut(reason: Error): void {
    this.#task.abort(reason);
    this.#task.cut(reason);
  }
}
