import { isMainThread, threadId } from "node:worker_threads";
import { current_task, type Task } from "../../internal/shared/task.ts";
import { attempt } from "../../internal/shared/waits.ts";
import { all_living, refuse_second_start, set_state, Startable } from "./startable.ts";

/** Below this are the numbers of the process's own threads; {@linkcode AsyncThread} counts above it. */
const THREADS = 2 ** 20;

/** What {@linkcode Thread} and {@linkcode AsyncThread} have in common. */
export abstract class BaseThread extends Startable {
  /** Refuses to wait for itself. */
  protected override check_join(): void {
    if (current_thread() === this) throw new TypeError("Cannot join current thread");
  }
}

/** The threads that were started from this one and are alive. */
export function living_threads(): BaseThread[] {
  return all_living().filter((one) => one instanceof BaseThread);
}

/** The number of this thread in the process, from 1. */
export const OWN_IDENT: number = threadId + 1;

let last_async = 0;

/** A number for what runs on this event loop and is a thread of its own. */
export function async_ident(): number {
  return OWN_IDENT + THREADS * ++last_async;
}

/** A thread that nobody has started as such: the main one, or a worker of a server or pool. */
class FoundThread extends BaseThread {
  constructor(name: string, ident: number) {
    super();
    set_state(this, { noun: "thread", name, ident, daemon: false, life: "alive" });
  }

  override start(): Promise<void> {
    return attempt(() => Promise.reject(refuse_second_start(this)));
  }

  protected override check_join(): void {
    super.check_join();
    throw new TypeError(`Cannot join ${this.name}: it was not started as a thread`);
  }
}

let main: BaseThread | undefined;

/**
 * The main thread of the program, as Python's `threading.main_thread()`: in a thread, what stands for it there. Each
 * child process has one of its own.
 */
export function main_thread(): BaseThread {
  return main ??= new FoundThread("MainThread", 1);
}

let own: BaseThread | undefined;

/** Says which thread this worker is. */
export function set_own_thread(thread: BaseThread): void {
  own = thread;
}

/** The thread that this event loop runs in. */
export function own_thread(): BaseThread {
  return own ??= isMainThread ? main_thread() : new FoundThread(`Worker-${threadId}`, OWN_IDENT);
}

/** The threads of tasks that are one. */
const threads = new WeakMap<Task, BaseThread>();

/** Says which thread a task is. */
export function set_thread_of(task: Task, thread: BaseThread): void {
  threads.set(task, thread);
}

/**
 * The thread that this runs in, as Python's `threading.current_thread()`: a {@linkcode Thread}, an
 * {@linkcode AsyncThread}, the main thread, or the worker of a server, where the handlers of all its requests have the
 * same.
 */
export function current_thread(): BaseThread {
  return threads.get(current_task()) ?? own_thread();
}
