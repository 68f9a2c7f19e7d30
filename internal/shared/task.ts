import { AsyncLocalStorage } from "node:async_hooks";
import { text_of } from "../runtime/error_text.ts";
import { on_abort } from "../runtime/on_abort.ts";
import type { Scope, ScopeOptions } from "../workers/sharing.ts";
import { EndlessOwner, HERE, Owner } from "./owner.ts";
import { note_rejection } from "./unawaited.ts";
import type { Waiting } from "./wait.ts";

/**
 * What is waited for: what others bring, so that it is over when the server closes, or a turn at something
 * that a busy handler still needs then.
 */
export type WaitKind = "bring" | "turn";

/** What a task holds in this agent. */
export interface TaskHold {
  /** The task has ended. */
  ended?(): void;
  /** The task was given up. */
  given_up?(): void;
}

/** Told of what becomes of tasks: the links to agents where they hold something. */
export interface TaskWatcher {
  given_up(task: Task): void;
  ended(task: Task): void;
}

let last_ident = 0;
const storage = new AsyncLocalStorage<Task>();

/** Runs something outside of all that its caller runs in: of its task, and of any other storage. */
export const run_afresh: <T>(work: () => T) => T = AsyncLocalStorage.snapshot() as never;

/**
 * Who waits and holds: the handler of one request, for example. What runs outside of any belongs to the
 * program.
 */
export class Task implements Scope {
  /** Its number in this agent; 0 is the program's. */
  readonly ident: number;
  /** The number of its job, in a worker; 0 for none. */
  readonly job: number;
  #state: "running" | "interrupted" | "cut" | "given up" | "ended" = "running";
  #reason: unknown;
  #report: ((error: unknown) => void) | undefined;
  // There are many tasks, and most of them have none of these.
  #owner: Owner | undefined;
  #waits: Map<Waiting, WaitKind> | undefined;
  #holds: Set<TaskHold> | undefined;
  #watchers: Set<TaskWatcher> | undefined;

  constructor(options: ScopeOptions, ident: number = ++last_ident) {
    this.ident = ident;
    this.job = options.job ?? 0;
    this.#report = options.report;
  }

  /** What it holds of objects that are at home here; after its end the program holds it. */
  get owner(): Owner {
    if (!this.#owner && this.has_ended) return program.owner;
    return this.#owner ??= this.ident === 0 ? new EndlessOwner(HERE) : new Owner(HERE);
  }

  /** Whom other agents know it as: what it does after its end, the program does. */
  get key(): number {
    return this.has_ended ? program.ident : this.ident;
  }

  run<T>(work: () => T): T {
    return storage.run(this, work);
  }

  interrupt(reason: unknown): void {
    if (this.#state !== "running") return;
    this.#state = "interrupted";
    this.#reason = reason;
    this.#end_waits("bring");
  }

  cut(reason: unknown): void {
    if (this.#state !== "running" && this.#state !== "interrupted") return;
    this.#state = "cut";
    this.#reason = reason;
    this.#end_waits();
  }

  give_up(reason: unknown): void {
    if (this.is_given_up || this.has_ended) return;
    this.cut(reason);
    this.#state = "given up";
    const holds = this.#holds ?? [];
    this.#holds = undefined;
    for (const hold of holds) hold.given_up?.();
    this.#owner?.give_back();
    for (const watcher of this.#watchers ?? []) watcher.given_up(this);
  }

  end(): void {
    if (this.is_given_up || this.has_ended) return;
    this.#state = "ended";
    const holds = this.#holds ?? [];
    this.#holds = undefined;
    for (const hold of holds) hold.ended?.();
    this.#owner?.move_to(program.owner);
    for (const watcher of this.#watchers ?? []) watcher.ended(this);
  }

  /** Whether it was given up: what it does then changes nothing. */
  get is_given_up(): boolean {
    return this.#state === "given up";
  }

  /** Whether it has ended: some of it may still run, and nobody waits for that. */
  get has_ended(): boolean {
    return this.#state === "ended";
  }

  /** Notes what it holds, so that this goes back with it: at once, if it came too late. The program never ends. */
  add(hold: TaskHold): void {
    if (this.is_given_up) hold.given_up?.();
    else if (this.has_ended) hold.ended?.();
    else if (this !== program) (this.#holds ??= new Set()).add(hold);
  }

  remove(hold: TaskHold): void {
    this.#holds?.delete(hold);
  }

  /** Has somebody told when it ends or is given up; the program never is. */
  watch(watcher: TaskWatcher): void {
    if (this !== program && !this.has_ended) (this.#watchers ??= new Set()).add(watcher);
  }

  /**
   * Waits for something, until the task or a signal ends that.
   *
   * @param kind What is waited for.
   * @param signal Ends the wait; what was granted meanwhile goes back.
   */
  follow<T>(waiting: Waiting<T>, kind: WaitKind, signal?: AbortSignal): Promise<T> {
    if (!waiting.is_over && this.#must_end(kind)) waiting.end(this.#reason);
    if (waiting.is_over) {
      this.#note(waiting);
      return waiting.promise;
    }
    (this.#waits ??= new Map()).set(waiting, kind);
    const leave = signal && on_abort(signal, () => waiting.cancel(signal.reason));
    waiting.on_over(() => {
      this.#waits!.delete(waiting);
      leave?.();
      this.#note(waiting);
    });
    return waiting.promise;
  }

  #note({ error }: Waiting): void {
    if (error) this.note(error.reason);
  }

  /** Notes what a promise is rejected with: nobody may await it. */
  note(error: unknown): void {
    if (this !== program) note_rejection(error, this);
  }

  /** Reports what was rejected and nobody awaited, unless it only says why the task must end. */
  report(error: unknown): void {
    if (error === this.#reason) return;
    if (this.#report) this.#report(error);
    else console.error(text_of(error));
  }

  /** Refuses what a task may not begin any more. */
  check(): void {
    if (this.is_given_up) throw this.#reason;
  }

  #must_end(kind: WaitKind): boolean {
    return this.#state === "cut" || this.#state === "given up" ||
      (this.#state === "interrupted" && kind === "bring");
  }

  #end_waits(kind?: WaitKind): void {
    for (const [waiting, its_kind] of [...this.#waits ?? []]) {
      if (!kind || its_kind === kind) waiting.end(this.#reason);
    }
  }
}

/** What runs outside of any task. */
export const program: Task = new Task({}, 0);

/** The task that this runs for. */
export function current_task(): Task {
  return storage.getStore() ?? program;
}
