import { current_task as own_task, Task } from "../../internal/shared/task.ts";
import type { ScopeOptions } from "../../internal/workers/sharing.ts";

/** What a task may know of itself. */
export interface CurrentTask {
  /**
   * Aborts when the task must end: past its `timeout`, when its own `signal` aborts, or when its future is
   * cancelled with `kill`. What still runs 1 s later is ended by force, where it runs in a worker.
   */
  readonly signal: AbortSignal;
}

/** Which task of which executor it is. */
export interface TaskPlace {
  executor: string;
  number: number;
}

/** Outside of any task: nothing ends that. */
const NO_TASK: CurrentTask = { signal: new AbortController().signal };

/**
 * The task of an executor that this runs in. Outside of any, its signal never aborts: a function can be called
 * directly, too.
 *
 * @example A task that ends when it must
 * ```ts
 * import { current_task } from "@socketserver/socketserver/futures";
 *
 * export async function fetch_text(url: string): Promise<string> {
 *   const response = await fetch(url, { signal: current_task().signal });
 *   return await response.text();
 * }
 * ```
 */
export function current_task(): CurrentTask {
  const task = own_task();
  return task instanceof ExecutorTask ? task.context : NO_TASK;
}

/** A task of an executor where it runs. */
export class ExecutorTask extends Task {
  readonly place: TaskPlace;
  // Most tasks never ask for it.
  #controller: AbortController | undefined;

  /**
   * @param place Which one it is.
   * @param options What it is told.
   */
  constructor(place: TaskPlace, options: ScopeOptions) {
    super(options);
    this.place = place;
  }

  /** What it may know of itself. */
  get context(): CurrentTask {
    return { signal: this.#abort.signal };
  }

  /** Has its signal abort. */
  abort(reason: unknown): void {
    this.#abort.abort(reason);
  }

  get #abort(): AbortController {
    return this.#controller ??= new AbortController();
  }
}

/** Which task of which executor runs as this one. */
export function place_of(task: Task): TaskPlace | undefined {
  return task instanceof ExecutorTask ? task.place : undefined;
}
