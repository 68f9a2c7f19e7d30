import { constants } from "node:os";
import type { EndSignal } from "../../internal/runtime/deno_internals.ts";
import { child_commands, type ChildCommand } from "../../internal/workers/child_command.ts";
import { UNHEARD } from "../../internal/workers/messages.ts";
import { ProcessHost, SINGLE_PROCESS_ENTRY } from "../../internal/workers/process_host.ts";
import { type Exit, NO_EXIT, WorkerEnded } from "../../internal/workers/worker_ended.ts";
import type { HostEvents } from "../../internal/workers/worker_host.ts";
import {
  type RunEvents,
  type RunSettings,
  type RunValues,
  RunWorker,
} from "../threading/run_worker.ts";

/** The URL of the module that runs a process in its child. */
const SERVICE = new URL("./process_service.ts", import.meta.url).href;

/**
 * Never called: it makes the service's module a part of the module graph, so that `deno cache` knows it.
 */
export const load_service = (): Promise<unknown> => import("./process_service.ts");

let commands: Promise<() => ChildCommand> | undefined;

/** How a child starts: asked once, unless it was refused. */
async function child_command(): Promise<ChildCommand> {
  try {
    commands ??= child_commands(SINGLE_PROCESS_ENTRY);
    return (await commands)();
  } catch (error) {
    commands = undefined;
    throw error;
  }
}

/** What is told of a process. */
export interface ProcessEvents extends RunEvents {
  /** Its child has this number. */
  has_pid(pid: number): void;
}

/** The child that a process is: it ends when that has run. */
export class ProcessWorker {
  /** Resolves when it runs; rejects with what kept it from that. */
  readonly started: Promise<void>;
  /** Resolves when it has ended; rejects then with what it failed with while it ran. */
  readonly over: Promise<void>;
  #name: string;
  #number: string;
  #events: ProcessEvents;
  #worker: Promise<RunWorker | undefined>;
  #host: ProcessHost | undefined;
  /** The last signal that it was sent. */
  #signal: EndSignal | undefined;
  #exit: Exit = NO_EXIT;
  /** What is said of how it has ended by itself. */
  #own_end: unknown;

  /**
   * @param number Its number among the children of this process, after that one's.
   * @param settings What it is told.
   * @param values What it gets.
   * @param events What is told of it.
   */
  constructor(number: string, settings: RunSettings, values: RunValues, events: ProcessEvents) {
    this.#name = settings.name;
    this.#number = number;
    this.#events = events;
    this.#worker = this.#spawn(settings, values);
    this.started = this.#start();
    this.over = this.#run();
  }

  /** Sends it a signal that ends it. */
  end(signal: EndSignal): void {
    this.#signal = signal;
    this.#host?.signal(signal);
  }

  /** How it has ended, as a number; what it has failed with is not asked for. */
  get exitcode(): number {
    const { exitcode, signal } = this.#exit;
    const number = constants.signals[(signal ?? this.#signal) as EndSignal];
    return exitcode ?? (number === undefined ? 1 : -number);
  }

  async #spawn(settings: RunSettings, values: RunValues): Promise<RunWorker | undefined> {
    const command = await child_command();
    // It has ended before it has begun.
    if (this.#signal) return undefined;
    const { name, daemon } = settings;
    const start = {
      service: SERVICE,
      start_host: (_id: number, events: HostEvents) => this.#start_host(command, events),
      process: { name, daemon, number: this.#number },
    };
    return new RunWorker(start, settings, values, this.#events);
  }

  #start_host(command: ChildCommand, events: HostEvents): ProcessHost {
    const host = this.#host = new ProcessHost(command, {
      ...events,
      ended: (cause, is_gone, exit = NO_EXIT) => {
        this.#exit = exit;
        this.#own_end = cause;
        events.ended(cause, is_gone, exit);
      },
    });
    if (host.pid !== undefined) this.#events.has_pid(host.pid);
    return host;
  }

  async #start(): Promise<void> {
    try {
      await (await this.#worker)?.started;
    } catch (error) {
      if (this.#signal) return;
      throw error === this.#own_end ? this.#explain(error as Error) : error;
    }
  }

  /** Says what to do about a child that has ended before it was ready, or was never there. */
  #explain(cause: Error): Error {
    // The permission was there at first: what Deno says of it is enough.
    if (cause instanceof Deno.errors.NotCapable) return cause;
    const what_to_do = this.#host?.pid === undefined
      ? "the system refuses another process"
      : "what it has printed says why, perhaps that the system has no room for it";
    const limit = "end others, or raise the limit (ulimit -u)";
    const message = `Cannot start ${this.#name}: ${cause.message}: ${what_to_do}; ${limit}`;
    return new Error(message, { cause });
  }

  async #run(): Promise<void> {
    const worker = await this.#worker.catch(() => undefined);
    try {
      await worker?.over;
    } catch (error) {
      if (!this.#ended_by_itself(error)) throw error;
    }
  }

  /** Whether it was ended by its own `Deno.exit()`, or by a signal: its exit code says so. */
  #ended_by_itself(error: unknown): boolean {
    return error instanceof WorkerEnded && error.cause === this.#own_end &&
      this.#exit.exitcode !== UNHEARD;
  }
}
