import { current_task as own_task, type Task } from "../../internal/shared/task.ts";

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

const contexts = new WeakMap<Task, CurrentTask>();
const places = new WeakMap<Task, TaskPlace>();

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
  return contexts.get(own_task()) ?? NO_TASK;
}

/** Says what a task may know of itself, and which one it is. */
export function set_context(task: Task, { signal }: CurrentTask, place: TaskPlace): void {
  contexts.set(task, { signal });
  places.set(task, place);
}

/** Which task of which executor runs as this one. */
export function place_of(task: Task): TaskPlace | undefined {
  return places.get(task);
}
