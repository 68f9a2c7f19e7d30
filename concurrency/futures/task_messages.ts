import type { FunctionHandle } from "../../internal/shared/functions.ts";

/** What a worker of an executor is told when it starts. */
export interface WorkerSettings {
  /** Whose tasks it runs. */
  executor: string;
  /** What it calls before all tasks, with the `initargs` that it shares. */
  initializer: FunctionHandle | undefined;
}

/** A task on its way to a worker. */
export interface TaskMessage {
  /** Its number in its executor. */
  number: number;
  fn: FunctionHandle;
  /** The arguments, or those of each call of a chunk. */
  args: readonly unknown[];
  is_chunk: boolean;
  /** Whether the pool is told that the function is called now: its clock starts then. */
  says_when: boolean;
}

/** What may be done with a function that has no name. */
export const NAMELESS = "; or take AsyncExecutor, which runs any function on this event loop";

/** What may be done with a function that its module does not export. */
export const OTHERWISE = ", or to the executor with { module: import.meta.url }";
