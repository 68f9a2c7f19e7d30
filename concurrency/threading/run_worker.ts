import { has_descriptors } from "../../internal/runtime/free_descriptors.ts";
import type { FunctionHandle } from "../../internal/shared/functions.ts";
import { drop_connections, given_away } from "../../internal/shared/travel.ts";
import type { ClassPlace } from "../../internal/workers/class_place.ts";
import { descriptors_for, too_few_descriptors } from "../../internal/workers/descriptors.ts";
import type { Job, JobOutcome } from "../../internal/workers/job.ts";
import type { ProcessPlace } from "../../internal/workers/sharing.ts";
import type { StartHost } from "../../internal/workers/worker_host.ts";
import { type WorkerEnd, WorkerHandle } from "../../internal/workers/worker_handle.ts";
import {
  check_worker_modules,
  explain_start_error,
} from "../../internal/workers/worker_modules.ts";

/** What the worker of a thread or a process is told. */
export interface RunSettings {
  name: string;
  daemon: boolean;
  /** What it calls. */
  target: FunctionHandle | undefined;
  /** Its class, if that has a `run()` of its own. */
  place: ClassPlace | undefined;
}

/** What its worker shares with it. */
export interface RunValues {
  /** The arguments of its target. */
  args: readonly unknown[];
  /** Its own fields, if its class has a `run()` of its own. */
  fields: Record<string, unknown>;
}

/** What is told of it by its worker. */
export interface RunEvents {
  /** The fields as they are at the end. */
  brings(fields: Record<string, unknown>): void;
  /** Something was rejected, and nobody awaited it. */
  report(error: unknown): void;
}

/** How its worker is started. */
export interface RunStart {
  /** The URL of the module that runs it there. */
  service: string;
  start_host: StartHost;
  /** What its process is, if that is one of its own. */
  process?: Omit<ProcessPlace, "parent">;
}

/** The one thing that it does. */
class RunJob implements Job {
  readonly message = null;
  readonly is_plain = false;
  is_over = false;
  check(): void {}
  settled(): void {}
}

let last_id = 0;
/** How many are starting, and have not opened all that they need. */
let starting = 0;

/** The worker of a thread or a process: it ends when that has run. */
export class RunWorker {
  /** Resolves when it runs; rejects with what kept it from that. */
  readonly started: Promise<void>;
  /** Resolves when it has ended; rejects then with what it failed with while it ran. */
  readonly over: Promise<void>;
  #handle: WorkerHandle;
  #is_awaited: boolean;
  #is_terminated = false;

  /**
   * @throws {Deno.errors.NotCapable} If a module may not be read.
   * @throws {Error} With the code `EMFILE` where there are too few descriptors.
   */
  constructor(
    { service, start_host, process }: RunStart,
    settings: RunSettings,
    values: RunValues,
    events: RunEvents,
  ) {
    check_worker_modules(service, (settings.target ?? settings.place)!.module);
    const with_this = starting + 1;
    if (!has_descriptors(service, descriptors_for(with_this))) throw too_few_descriptors(with_this);
    starting = with_this;
    this.#is_awaited = !settings.daemon;
    const args = given_away(values.args);
    this.#handle = new WorkerHandle(
      ++last_id,
      start_host,
      { service, settings, shared: { ...values, args } },
      {
        call: (_job, _target, _method, [fields]) => events.brings(fields as RunValues["fields"]),
        report: (_job, error) => events.report(error),
      },
      { noun: "run", keeps_running: this.#is_awaited, ...(process && { process }) },
    );
    this.started = this.#start();
    this.over = this.#run(args);
  }

  /** Ends it at once, even in an endless loop. */
  terminate(): void {
    this.#is_terminated = true;
    this.#handle.kill(new DOMException("It was terminated", "AbortError"));
  }

  async #start(): Promise<void> {
    try {
      await this.#handle.ready;
    } catch (error) {
      if (!this.#is_terminated) throw explain_start_error(error);
    } finally {
      starting--;
    }
  }

  /** Has it run; rejects with what it fails with. */
  #outcome(): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = (outcome: JobOutcome) =>
        typeof outcome === "object" ? reject(outcome.error) : resolve();
      this.#handle.run(new RunJob(), (_job, _worker, outcome) => over(outcome));
    });
  }

  async #run(args: readonly unknown[]): Promise<void> {
    try {
      await this.#handle.ready.then(() => this.#do(), () => {});
    } catch (error) {
      if (!this.#is_terminated) throw error;
    } finally {
      await this.#end();
      // It may never have had what it was given.
      drop_connections(args);
    }
  }

  /** A promise that nobody awaits may be rejected when the run is done already. */
  async #do(): Promise<void> {
    await this.#outcome();
    const { reason, cause } = await this.#end();
    if (reason === "died") throw cause;
  }

  #end(): Promise<WorkerEnd> {
    if (this.#is_awaited) this.#handle.ref();
    this.#handle.end();
    return this.#handle.ended;
  }
}
