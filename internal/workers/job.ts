import type { Sent } from "./worker_handle.ts";

/** Something for a worker to do: a message, and an outcome. */
export interface Job {
  /** What the worker is told. */
  readonly message: unknown;
  /** Whether the message can surely be cloned: then it may wait a little, and go with others. */
  readonly is_plain: boolean;
  /** Whether shared objects and functions may be in the message. */
  readonly may_share?: boolean;
  /** Whether it is given only to a worker that has nothing else to do, which gets nothing else then. */
  readonly is_alone?: boolean;
  /** Whether it waits for other jobs of its pool: none must be behind it. */
  readonly is_blocked?: boolean;
  /** What is moved to the worker, and not copied: it cannot be taken back then. */
  readonly transfer?: readonly Transferable[];
  /** What it has given. */
  result?: unknown;
  /** The number of the worker that has it, or had it. */
  worker?: number | undefined;
  /** How many bytes it has read and written, as its worker has counted them. */
  bytes_in?: number;
  bytes_out?: number;
  /** A descriptor of this process that goes with it, and belongs to the worker that takes it. */
  readonly fd?: number;
  /** Why it must end, if it must. */
  must_end?: { reason: unknown };
  /** What its worker's handle knows of it, while it is there. */
  sent?: Sent | undefined;
  /** Whether its run is over; the pool says so. */
  is_over: boolean;
  /** Called before a worker is looked for; throws if it must not be begun any more. */
  check(): void;
  /** Called with how it went; `"recalled"` only where jobs wait elsewhere, and it waits there again. */
  settled(outcome: JobOutcome): void;
}

/** What a job failed with: an `Error` that says so if its worker ended. */
export interface Failure {
  error: unknown;
}

/** How a job went: it was done, no worker ever took it, it was given up, or it failed. */
export type JobOutcome = "done" | "recalled" | "abandoned" | Failure;

/** Answers workers. */
export interface JobCalls {
  /**
   * Calls a method for a job; what it gives or throws is sent to the worker.
   *
   * @param job The job; `undefined` where it is not known, or over.
   * @param target Whose method it is: words that the two sides agree on.
   */
  call(job: Job | undefined, target: string, method: string, args: unknown[]): unknown;
  /** Reports an error that belongs to a job, or to none that is known, and is not its outcome. */
  report(job: Job | undefined, error: unknown): void;
}
