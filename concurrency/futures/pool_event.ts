import type { TaskOutcome } from "./submitted.ts";

/** What an executor's `observer` is told. Each start has one stop. */
export type PoolEvent =
  & {
    /** When, as `Date.now()` gives it. */
    time: number;
    /** The number of the task in its executor. */
    task: number;
  }
  & (
    | {
      /** A task was submitted. */
      type: "task.start";
    }
    | {
      /** It has an outcome. */
      type: "task.stop";
      /** Which. */
      outcome: TaskOutcome;
      /** How long it was there, in ms. */
      duration: number;
      /** How long of that it waited for a worker, in ms. */
      wait: number;
    }
  );
