/**
 * What the worker of a thread does: it runs the thread, once.
 *
 * @module
 */
import "../../internal/shared/system.ts";
import { function_of } from "../../internal/shared/functions.ts";
import { Task } from "../../internal/shared/task.ts";
import { refuse_uncloneable_value } from "../../internal/shared/travel.ts";
import { load_class } from "../../internal/workers/class_place.ts";
import type { WorkerJob } from "../../internal/workers/worker_job.ts";
import type { JobRun, Service, WorkerSide } from "../../internal/workers/worker_side.ts";
import { OWN_IDENT, set_own_thread, set_state, set_thread_of } from "./base_thread.ts";
import { OTHERWISE, Thread } from "./thread.ts";
import type { ThreadSettings, ThreadValues } from "./thread_worker.ts";

/** Finds what the thread runs: it is ready when that is done. */
export async function start(
  settings: unknown,
  _worker: WorkerSide,
  shared: Record<string, object>,
): Promise<Service> {
  const { name, daemon, target, place } = settings as ThreadSettings;
  const { args, fields } = shared as unknown as ThreadValues;
  const Class = place ? await load_class(place) as typeof Thread : Thread;
  const fn = target && await function_of(target, OTHERWISE) as (...args: unknown[]) => unknown;
  // Without its constructor: that has run where the thread was made.
  const thread = Object.create(Class.prototype) as Thread;
  const work = fn && (() => fn(...args));
  set_state(thread, { name, daemon, work, ident: OWN_IDENT, life: "alive" });
  Object.assign(thread, fields);
  set_own_thread(thread);
  return { begin: (job) => new ThreadRun(thread, job, place !== undefined) };
}

/** The run of the thread, as a task of its own. */
class ThreadRun implements JobRun {
  readonly done: Promise<void>;
  #thread: Thread;
  #job: WorkerJob;
  #task: Task;

  constructor(thread: Thread, job: WorkerJob, brings_fields: boolean) {
    this.#thread = thread;
    this.#job = job;
    this.#task = new Task({ job: job.id });
    set_thread_of(this.#task, thread);
    this.done = this.#run(brings_fields);
  }

  async #run(brings_fields: boolean): Promise<void> {
    try {
      await this.#task.run(() => this.#thread.run());
    } catch (error) {
      // What it has failed with says more than a field that cannot be brought back.
      if (brings_fields) await this.#bring_fields().catch(() => {});
      throw error;
    } finally {
      this.#task.end();
    }
    if (brings_fields) await this.#bring_fields();
  }

  /** Brings the thread's fields back to where it was made. */
  async #bring_fields(): Promise<void> {
    const { name } = this.#thread;
    const fields = Object.entries(this.#thread).filter(([, value]) => is_cloneable(value));
    await this.#job.call("thread", "fields", [Object.fromEntries(fields)]);
    for (const [key, value] of Object.entries(this.#thread)) {
      refuse_uncloneable_value(`the field ${key} of ${name} back`, value);
    }
  }

  interrupt(reason: Error): void {
    this.#task.interrupt(reason);
  }

  cut(reason: Error): void {
    this.#task.cut(reason);
  }

  abandon(): void {
    this.#task.give_up(new DOMException("The thread was given up", "AbortError"));
  }
}

function is_cloneable(value: unknown): boolean {
  try {
    refuse_uncloneable_value("", value);
    return true;
  } catch {
    return false;
  }
}
