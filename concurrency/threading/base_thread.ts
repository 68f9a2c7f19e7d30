import { isMainThread, threadId } from "node:worker_threads";
import { current_task, type Task } from "../../internal/shared/task.ts";
import { Line } from "../../internal/shared/wait.ts";
import { attempt, timeout_argument } from "../../internal/shared/waits.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import { tell_excepthook } from "./excepthook.ts";
import type { HoldOptions } from "./lock.ts";

/** Below this are the numbers of the process's own threads; {@linkcode AsyncThread} counts above it. */
const THREADS = 2 ** 20;
/** Longer than any program runs: it is only there to keep one running. */
const FOR_EVER = 2 ** 30;

/** What there is to know of a thread. Not in its fields: those go to its worker and come back. */
export interface ThreadState {
  name: string;
  daemon: boolean;
  ident: number | null;
  life: "new" | "alive" | "over";
  exception: unknown;
  /** Calls its target, if it has one. */
  work: (() => unknown) | undefined;
  /** Those who wait until it is over. */
  joining: Line<void, null>;
  over: PromiseWithResolvers<void>;
}

const states = new WeakMap<BaseThread, ThreadState>();

/** What there is to know of a thread. */
export function state_of(thread: BaseThread): ThreadState {
  return states.get(thread)!;
}

/** Says what there is to know of a new thread, or of what stands for one inside of it. */
export function set_state(
  thread: BaseThread,
  state: Pick<ThreadState, "name" | "daemon"> & Partial<ThreadState>,
): void {
  states.set(thread, {
    ident: null,
    life: "new",
    exception: null,
    work: undefined,
    joining: new Line(),
    over: Promise.withResolvers(),
    ...state,
  });
}

/** What {@linkcode Thread} and {@linkcode AsyncThread} have in common. */
export abstract class BaseThread {
  /** What it is called: in reports, and for who looks at `current_thread().name`. */
  get name(): string {
    return state_of(this).name;
  }

  /** Another name; the thread itself does not hear of it once it runs. */
  set name(name: string) {
    state_of(this).name = String(name);
  }

  /** Its number, which no other living thread of the process has; `null` before it is started. */
  get ident(): number | null {
    return state_of(this).ident;
  }

  /** Whether the program may end while it is alive. */
  get daemon(): boolean {
    return state_of(this).daemon;
  }

  /** @throws {TypeError} If it was started. */
  set daemon(daemon: boolean) {
    const state = state_of(this);
    if (state.life !== "new") throw new TypeError("Cannot set daemon status of active thread");
    state.daemon = Boolean(daemon);
  }

  /** What it has ended with, if that was an error, or what kept it from starting; else `null`. */
  get exception(): unknown {
    return state_of(this).exception;
  }

  /** Whether it was started and is not over yet. */
  is_alive(): boolean {
    return state_of(this).life === "alive";
  }

  /**
   * Starts it.
   *
   * @returns A promise that resolves when it runs.
   * @throws {TypeError} If it was started before.
   */
  abstract start(): Promise<void>;

  /** What it does: calls its target, unless a subclass says something else. */
  run(): unknown {
    return state_of(this).work?.();
  }

  /**
   * Waits until it is over, be it well or not: an error of its own goes to the hook of
   * {@linkcode set_excepthook}. Whether it is over when the time is, {@linkcode is_alive} says.
   *
   * @param timeout How long, in ms; `null`, as it is unless told, for ever.
   * @throws {TypeError} If it was not started, or waits for itself.
   * @throws {RangeError} If the timeout is negative.
   */
  join(timeout?: number | null): Promise<void>;
  /** The same with the arguments as one object. */
  join(options: HoldOptions): Promise<void>;
  join(first?: number | null | HoldOptions): Promise<void> {
    return attempt(() => {
      const { timeout, signal } = timeout_argument(first);
      const { life, joining } = state_of(this);
      signal?.throwIfAborted();
      if (life === "new") throw new TypeError("Cannot join thread before it is started");
      if (current_thread() === this) throw new TypeError("Cannot join current thread");
      this.check_join();
      if (life === "over") return Promise.resolve();
      const wait = joining.add(null, timeout, () => {});
      wait.on_over(keep_running());
      return current_task().follow(wait, "bring", signal);
    });
  }

  /** Refuses what would wait for ever. */
  protected check_join(): void {}

  /** What `console.log()` shows of it, as Python does. */
  [Symbol.for("Deno.customInspect")](): string {
    const { name, life, ident, daemon } = state_of(this);
    const state = { new: "initial", alive: "started", over: "stopped" }[life];
    const number = ident === null ? "" : ` ${ident}`;
    return `<${this.constructor.name}(${name}, ${state}${daemon ? " daemon" : ""}${number})>`;
  }
}

/** Keeps the program running, until what it gives is called. */
export function keep_running(): () => void {
  const timer = setInterval(() => {}, FOR_EVER);
  return () => clearInterval(timer);
}

/** Those that were started here and are alive. */
const living = new Set<BaseThread>();

/** The threads that were started from this one and are alive. */
export function living_threads(): BaseThread[] {
  return [...living];
}

/** @throws {TypeError} If it was started before. */
export function refuse_second_start(thread: BaseThread): void {
  if (state_of(thread).life === "new") return;
  throw new TypeError("Threads can only be started once");
}

/** A thread is alive from now on. */
export function begin_life(thread: BaseThread, ident: number): void {
  const state = state_of(thread);
  state.ident = ident;
  state.life = "alive";
  living.add(thread);
  // Where this is a worker itself, it ends when the thread has.
  if (!state.daemon) sharing.hold(state.over.promise);
}

/**
 * A thread is over.
 *
 * @param error What it has ended with, if it failed.
 * @param is_told Whether somebody was told of that.
 */
export function end_life(thread: BaseThread, error?: { reason: unknown }, is_told = false): void {
  const state = state_of(thread);
  state.life = "over";
  living.delete(thread);
  if (error) {
    state.exception = error.reason;
    if (!is_told) tell_excepthook(error.reason, thread);
  }
  state.over.resolve();
  for (const wait of state.joining.clear()) wait.grant();
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
    set_state(this, { name, ident, daemon: false, life: "alive" });
  }

  override start(): Promise<void> {
    return attempt(() => Promise.reject(refuse_second_start(this)));
  }

  protected override check_join(): void {
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
