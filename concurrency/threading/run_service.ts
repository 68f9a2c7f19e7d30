import "../../internal/shared/system.ts";
import { function_of } from "../../internal/shared/functions.ts";
import { Task } from "../../internal/shared/task.ts";
import { refuse_uncloneable_value } from "../../internal/shared/travel.ts";
import { load_class } from "../../internal/workers/class_place.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import type { WorkerJob } from "../../internal/workers/worker_job.ts";
import type { JobRun, Service } from "../../internal/workers/worker_side.ts";
import type { RunSettings, RunValues } from "./run_worker.ts";
import { type LifeState, set_state, type Startable } from "./startable.ts";

/** What stands for a thread or a process inside of it. */
export interface Inside {
  /** Its class, unless it has one of its own. */
  Class: { prototype: Startable };
  /** What is known of it there. */
  state: Pick<LifeState, "noun" | "ident">;
  /** What else may be done where its target is not found, for the error. */
  otherwise: string;
  /** Says which one this worker is. */
  introduce(it: Startable): void;
}

/** Finds what a worker runs: it is ready when that is done. */
export async function run_service(
  { name, daemon, target, place }: RunSettings,
  { args, fields }: RunValues,
  { Class, state, otherwise, introduce }: Inside,
): Promise<Service> {
  const { prototype } = place ? await load_class(place) as Inside["Class"] : Class;
  const fn = target && await function_of(target, otherwise) as (...args: unknown[]) => unknown;
  // Without its constructor: that has run where it was made.
  const it = Object.create(prototype) as Startable;
  const work = fn && (() => fn(...args));
  set_state(it, { ...state, name, daemon, work, life: "alive" });
  Object.assign(it, fields);
  introduce(it);
  return { begin: (job) => new Run(it, job, place !== undefined) };
}

/** The run, as a task of its own. */
class Run implements JobRun {
  readonly done: Promise<void>;
  #it: Startable;
  #job: WorkerJob;

  constructor(it: Startable, job: WorkerJob, brings_fields: boolean) {
    this.#it = it;
    this.#job = job;
    this.done = this.#run(brings_fields);
  }

  async #run(brings_fields: boolean): Promise<void> {
    const task = new Task({ job: this.#job.id });
    try {
      await task.run(() => this.#it.run());
    } catch (error) {
      // What it has failed with says more than a field that cannot be brought back.
      if (brings_fields) await this.#bring_fields().catch(() => {});
      throw error;
    } finally {
      task.end();
    }
    if (brings_fields) await this.#bring_fields();
  }

  /** Brings the fields back to where it was made. */
  async #bring_fields(): Promise<void> {
    const { name } = this.#it;
    const fields = Object.entries(this.#it).filter(([, value]) => is_cloneable(value));
    await this.#job.call("run", "fields", [Object.fromEntries(fields)]);
    for (const [key, value] of Object.entries(this.#it)) {
      refuse_uncloneable(`the field ${key} of ${name} back`, value);
    }
  }
}

function refuse_uncloneable(what: string, value: unknown): void {
  refuse_uncloneable_value(what, value, sharing.parent!.shares_memory);
}

function is_cloneable(value: unknown): boolean {
  try {
    refuse_uncloneable("", value);
    return true;
  } catch {
    return false;
  }
}
