import { current_task } from "../../internal/shared/task.ts";
import { Line } from "../../internal/shared/wait.ts";
import { attempt, timeout_argument } from "../../internal/shared/waits.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import { tell_excepthook } from "./excepthook.ts";
import type { HoldOptions } from "./lock.ts";

/** Longer than any program runs: it is only there to keep one running. */
const FOR_EVER = 2 ** 30;

/** What is called what in messages: one, and several of them. */
const PLURALS = { thread: "Threads", process: "Processes" } as const;

/** What there is to know of a thread or a process. Not in its fields: those go to its worker and come back. */
export interface LifeState {
  noun: keyof typeof PLURALS;
  name: string;
  daemon: boolean;
  ident: number | null;
  life: "new" | "alive" | "over" | "closed";
  exception: unknown;
  /** Calls its target, if it has one. */
  work: (() => unknown) | undefined;
  /** Those who wait until it is over. */
  joining: Line<void, null>;
  over: PromiseWithResolvers<void>;
}

const states = new WeakMap<Startable, LifeState>();

/** What there is to know of a thread or a process. */
export function state_of(it: Startable): LifeState {
  return states.get(it)!;
}

/** Says what there is to know of a new one, or of what stands for one inside of it. */
export function set_state(
  it: Startable,
  state: Pick<LifeState, "noun" | "name" | "daemon"> & Partial<LifeState>,
): void {
  states.set(it, {
    ident: null,
    life: "new",
    exception: null,
    work: undefined,
    joining: new Line(),
    over: Promise.withResolvers(),
    ...state,
  });
}

/** The same of one that must not be closed. */
function open_state(it: Startable): LifeState {
  const state = state_of(it);
  if (state.life !== "closed") return state;
  throw new Deno.errors.BadResource(`Cannot use ${state.name}: it is closed`);
}

/** What threads and processes have in common. */
export abstract class Startable {
  /** What it is called: in reports, and for who asks inside of it. */
  get name(): string {
    return state_of(this).name;
  }

  /** Another name; inside of it nobody hears of that once it runs. */
  set name(name: string) {
    state_of(this).name = String(name);
  }

  /** Its number, which no other has that is alive; `null` before it is started. */
  get ident(): number | null {
    return open_state(this).ident;
  }

  /** Whether the program may end while it is alive. */
  get daemon(): boolean {
    return state_of(this).daemon;
  }

  /** @throws {TypeError} If it was started. */
  set daemon(daemon: boolean) {
    const { life, noun } = state_of(this);
    if (life !== "new") throw new TypeError(`Cannot set daemon status of active ${noun}`);
    state_of(this).daemon = Boolean(daemon);
  }

  /** What it has ended with, if that was an error, or what kept it from starting; else `null`. */
  get exception(): unknown {
    return state_of(this).exception;
  }

  /** Whether it was started and is not over yet. */
  is_alive(): boolean {
    return open_state(this).life === "alive";
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
   * @throws {Deno.errors.BadResource} If it is a process that is closed.
   */
  join(timeout?: number | null): Promise<void>;
  /** The same with the arguments as one object. */
  join(options: HoldOptions): Promise<void>;
  join(first?: number | null | HoldOptions): Promise<void> {
    return attempt(() => {
      const { timeout, signal } = timeout_argument(first);
      const { life, joining, noun } = open_state(this);
      signal?.throwIfAborted();
      if (life === "new") throw new TypeError(`Cannot join ${noun} before it is started`);
      this.check_join();
      if (life === "over") return Promise.resolve();
      const wait = joining.add(null, timeout, () => {});
      wait.on_over(keep_running());
      return current_task().follow(wait, "bring", signal);
    });
  }

  /** Refuses what would wait for ever. */
  protected abstract check_join(): void;

  /** What `console.log()` shows of it, as Python does. */
  [Symbol.for("Deno.customInspect")](): string {
    const { name, life, ident, daemon } = state_of(this);
    const state = { new: "initial", alive: "started", over: "stopped", closed: "closed" }[life];
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
const living = new Set<Startable>();

/** The threads and processes that were started from this thread and are alive. */
export function all_living(): Startable[] {
  return [...living];
}

/** @throws {TypeError} If it was started before. */
export function refuse_second_start(it: Startable): void {
  const { life, noun } = open_state(it);
  if (life !== "new") throw new TypeError(`${PLURALS[noun]} can only be started once`);
}

/** It is alive from now on. */
export function begin_life(it: Startable): void {
  const state = state_of(it);
  state.life = "alive";
  living.add(it);
  // Where this is a worker itself, it ends when that has.
  if (!state.daemon) sharing.hold(state.over.promise);
}

/**
 * It is over.
 *
 * @param error What it has ended with, if it failed.
 * @param is_told Whether somebody was told of that.
 */
export function end_life(it: Startable, error?: { reason: unknown }, is_told = false): void {
  const state = state_of(it);
  state.life = "over";
  living.delete(it);
  if (error) {
    state.exception = error.reason;
    if (!is_told) tell_excepthook(error.reason, it);
  }
  state.over.resolve();
  for (const wait of state.joining.clear()) wait.grant();
}
