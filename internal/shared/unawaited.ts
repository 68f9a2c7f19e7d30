import { sharing } from "../workers/sharing.ts";
import type { Task } from "./task.ts";

/** What calls of tasks were rejected with. */
const rejections = new WeakMap<object, Task>();

/** Notes what a call was rejected with: where nobody awaits it, that is reported and harms nobody. */
export function note_rejection(error: unknown, task: Task): void {
  if (typeof error !== "object" || error === null) return;
  if (sharing.parent) sharing.rejected(error, task.job);
  else rejections.set(error, task);
}

// In a worker, the worker does this.
if (!sharing.parent) {
  addEventListener("unhandledrejection", (event) => {
    const task = rejections.get(event.reason);
    if (!task) return;
    event.preventDefault();
    task.report(event.reason);
  });
}
