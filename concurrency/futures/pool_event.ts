import type { EndReason } from "../../internal/workers/worker_handle.ts";
import type { TaskOutcome } from "./submitted.ts";

/** What an executor's `observer` is told. Each start has one stop. */
export type PoolEvent =
  & {
    /** When, as `Date.now()` gives it. */
    time: number;
  }
  & (
    | {
      /** A task was submitted. */
      type: "task.start";
      /** The number of the task in its executor. */
      task: number;
    }
    | {
      /** It has an outcome. */
      type: "task.stop";
      /** The number of the task in its executor. */
      task: number;
      /** Which. */
      outcome: TaskOutcome;
      /** How long it was there, in ms. */
      duration: number;
      /** How long of that it waited for a worker, in ms. */
      wait: number;
    }
    | {
      /** A worker was started: it is not ready yet. */
      type: "worker.start";
      /** The number of the worker in its executor. */
      worker: number;
      /** The number of its process, where it is a child process. */
      pid?: number;
    }
    | {
      /** It has ended. */
      type: "worker.stop";
      /** The number of the worker in its executor. */
      worker: number;
      /** The number of its process, where it is a child process. */
      pid?: number;
      /** Why. */
      reason: EndReason;
      /** How many tasks it had begun that ended with it. */
      lost: number;
      /** How long it was there, in ms. */
      duration: number;
      /** What it said at its end; `null` where it was ended. */
      exitcode: number | null;
      /** The signal that ended a process. */
      signal: string | null;
      /** The error for which it was killed, or died. */
      cause?: unknown;
      /** The name of the class of `cause`. */
      error_type?: string;
    }
  );
