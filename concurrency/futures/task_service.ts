/**
 * What the workers of an executor do: each job is a task, one at a time.
 *
 * @module
 */
import "../../internal/shared/system.ts";
import { function_of, type FunctionHandle } from "../../internal/shared/functions.ts";
import { current_task, Task } from "../../internal/shared/task.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import type { WorkerJob } from "../../internal/workers/worker_job.ts";
import type { JobRun, Service, WorkerSide } from "../../internal/workers/worker_side.ts";
import { run_chunk } from "./chunk.ts";
import { set_context } from "./current_task.ts";
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
function find(handle: FunctionHandle): TaskFunction | Promise<TaskFunction> {
  const { module, name, hash } = handle;
  return found.get(`${hash} ${name} ${module}`) ?? load(handle);
}

async function load(handle: FunctionHandle): Promise<TaskFunction> {
  const { module, name, hash } = handle;
  sharing.is_loading = true;
  try {
    const fn = await function_of(handle, OTHERWISE) as TaskFunction;
    found.set(`${hash} ${name} ${module}`, fn);
    return fn;
  } finally {
    sharing.is_loading = false;
  }
}

/** A task that runs. */
class TaskRun implements JobRun {
  readonly done: Promise<unknown>;
  #task: Task;
  #controller = new AbortController();
  #reason: unknown;

  constructor(job: WorkerJob, executor: string) {
    this.#task = new Task({ job: job.id });
    const { number } = job.message as TaskMessage;
    const { signal } = this.#controller;
    set_context(this.#task, { signal }, { executor, number });
    this.done = this.#run(job);
  }

  async #run(job: WorkerJob): Promise<unknown> {
    const { fn, args, is_chunk, says_when } = job.message as TaskMessage;
    try {
      const known = find(fn);
      const call = typeof known === "function" ? known : await known;
      // Answered: what never lets go would keep the message from being sent.
      if (says_when) await job.call("task", "begun", []);
      const run = () => is_chunk ? run_chunk(call, args) : call(...args as never[]);
      return await this.#task.run(run);
    } finally {
      this.#task.end();
    }
  }

  interrupt(reason: Error): void {
    this.#reason = reason;
    this.#controller.abort(reason);
    this.#task.interrupt(reason);
  }

  cut(reason: Error): void {
    this.interrupt(reason);
    this.#task.cut(reason);
  }

  abandon(): void {
    this.#task.give_up(this.#reason);
  }
}
