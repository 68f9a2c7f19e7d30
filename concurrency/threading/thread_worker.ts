import { has_descriptors } from "../../internal/runtime/free_descriptors.ts";
import type { FunctionHandle } from "../../internal/shared/functions.ts";
import type { ClassPlace } from "../../internal/workers/class_place.ts";
import { descriptors_for, too_few_descriptors } from "../../internal/workers/descriptors.ts";
import type { Job, JobOutcome } from "../../internal/workers/job.ts";
import { KILL_CLOCKS, ThreadHost } from "../../internal/workers/thread_host.ts";
import { WorkerHandle } from "../../internal/workers/worker_handle.ts";
import {
  check_worker_modules,
  explain_start_error,
} from "../../internal/workers/worker_modules.ts";

/** The URL of the module that runs a thread in its worker. */
const SERVICE = new URL("./thread_service.ts", import.meta.url).href;

/**
 * Never called: it makes the service's module a part of the module graph, so that `deno cache` and
 * `deno compile` know it.
 */
export const load_service = (): Promise<unknown> => import("./thread_service.ts");

/** What the worker of a thread is told. */
export interface ThreadSettings {
  name: string;
  daemon: boolean;
  /** What it calls. */
  target: FunctionHandle | undefined;
  /** Its class, if that has a `run()` of its own. */
  place: ClassPlace | undefined;
}

/** What its worker shares with it. */
export interface ThreadValues {
  /** The arguments of its target. */
  args: readonly unknown[];
  /** Its own fields, if its class has a `run()` of its own. */
  fields: Record<string, unknown>;
}

/** What is told of a thread by its worker. */
export interface ThreadEvents {
  /** The fields as they are at the end. */
  brings(fields: Record<string, unknown>): void;
  /** Something was rejected, and nobody awaited it. */
  report(error: unknown): void;
}

/** The one thing that a thread does. */
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

/** The worker of a thread: it ends when the thread has run. */
export class ThreadWorker {
  /** The number of the thread. */
  readonly ident: number;
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
  constructor(settings: ThreadSettings, values: ThreadValues, events: ThreadEvents) {
    check_worker_modules(SERVICE, (settings.target ?? settings.place)!.module);
    const with_this = starting + 1;
    if (!has_descriptors(SERVICE, descriptors_for(with_this))) throw too_few_descriptors(with_this);
    starting = with_this;
    this.#is_awaited = !settings.daemon;
    let ident = 0;
    this.#handle = new WorkerHandle(
      ++last_id,
      (id, host_events) => {
        const host = new ThreadHost(id, host_events, KILL_CLOCKS, settings.name);
        ident = host.thread_id + 1;
        return host;
      },
      { service: SERVICE, settings, shared: { ...values } },
      {
        call: (_job, _target, _method, [fields]) => events.brings(fields as ThreadValues["fields"]),
        report: (_job, error) => events.report(error),
      },
      { noun: "run", keeps_running: this.#is_awaited },
    );
    this.ident = ident;
    this.started = this.#start();
    this.over = this.#run();
  }

  /** Ends it at once, even in an endless loop. */
  terminate(): void {
    this.#is_terminated = true;
    this.#handle.kill(new DOMException("The thread was terminated", "AbortError"));
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

  async #run(): Promise<void> {
    try {
      await this.#handle.ready.then(() => this.#outcome(), () => {});
    } catch (error) {
      if (!this.#is_terminated) throw error;
    } finally {
      if (this.#is_awaited) this.#handle.ref();
      this.#handle.end();
      await this.#handle.ended;
    }
  }
}
