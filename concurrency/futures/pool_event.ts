import type { WorkerStarted, WorkerStopped } from "../../internal/workers/worker_event.ts";
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
    | WorkerStarted
    | WorkerStopped & {
      /** The error for which it was killed, or died. */
      cause?: unknown;
    }
  );
