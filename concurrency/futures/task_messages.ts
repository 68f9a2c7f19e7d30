/** What a worker of an executor is told when it starts. */
export interface WorkerSettings {
  /** Whose tasks it runs. */
  executor: string;
  /** The handle of what it calls before all tasks, with the `initargs` that it shares. */
  initializer: string | undefined;
}

/** A task on its way to a worker: an array, which is sent in half the time of an object. */
export type TaskMessage = [
  /** Its number in its executor. */
  number: number,
  /** The function's handle as JSON: what a worker has found is known by that. */
  fn: string,
  /** The arguments, or those of each call of a chunk. */
  args: readonly unknown[],
  is_chunk: boolean,
  /** Whether the pool is told that the function is called now: its clock starts then. */
  says_when: boolean,
];

/** What may be done with a function that has no name. */
export const NAMELESS = "; or take AsyncExecutor, which runs any function on this event loop";

/** What may be done with a function that its module does not export. */
export const OTHERWISE = ", or to the executor with { module: import.meta.url }";
