import type { Scope } from "../../internal/shared/scopes.ts";
import { current_task, type Task, type TaskHold } from "../../internal/shared/task.ts";
import { Line, Wait, type Waiting } from "../../internal/shared/wait.ts";
import type { Lease } from "./lease.ts";

/** How often the tasks of an agent may pass a lock on among themselves while others wait for it. */
const MAX_PASSES = 16;
/** How long they may keep it then, in ms. */
const MAX_TENURE = 1;

/** A lock as a task has it. */
export class Held implements TaskHold, Disposable {
  /** Whether its last holder was lost while it had it: what the lock guards may be half done. */
  abandoned = false;
  readonly wish: Wish;
  /** How often it was taken: more than once only by an `RLock`. 0 when it is over. */
  depth = 1;
  #line: LockLine;

  constructor(line: LockLine, wish: Wish) {
    this.#line = line;
    this.wish = wish;
  }

  get task(): Task {
    return this.wish.task;
  }

  /** What of the task has it, if not all of it. */
  get scope(): Scope | undefined {
    return this.wish.scope;
  }

  ended(): void {
    if (this.wish.ends_with_task) this.release();
  }

  given_up(): void {
    this.#line.lost(this);
  }

  /** Gives it back, unless it was before. */
  release(): void {
    this.depth = 0;
    this.#line.release(this);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Who wants the lock. */
export interface Wish {
  task: Task;
  /** Whether it is given back when the task ends. */
  ends_with_task: boolean;
  /** What of the task wants it, if not all of it. */
  scope?: Scope | undefined;
  /** As what it had the lock before, and gave it back for a while. */
  again?: Held;
}

/**
 * The tasks of one agent that want a lock: one has it, the others wait in line. To other agents they are one:
 * they pass the lock on among themselves, but not for long while another agent waits for it.
 */
export class LockLine {
  #lease: Lease;
  /** Whether this agent has the lock. */
  #state: "idle" | "asking" | "held" = "idle";
  #line: Line<Held | null, Wish> = new Line();
  #holder: Held | undefined;
  #request: Waiting<boolean | null> | undefined;
  #passes = 0;
  #since = 0;

  constructor(lease: Lease) {
    this.#lease = lease;
  }

  /**
   * Takes the lock for a task.
   *
   * @param wish Who wants it.
   * @param timeout How long they wait, in ms; `null` for ever, 0 tries once.
   * @returns A wait that gives `null` when the timeout is over.
   */
  acquire(wish: Wish, timeout: number | null): Wait<Held | null> {
    if (this.#state === "idle") {
      const taken = this.#lease.take();
      if (taken) {
        return Wait.granted<Held | null>(this.#take(wish, taken.abandoned));
      }
      if (timeout === 0 && this.#lease.is_exact) return Wait.granted<Held | null>(null);
    } else if (timeout === 0) return Wait.granted<Held | null>(null);
    // What is tried once elsewhere is settled there.
    const clock = timeout === 0 ? null : timeout;
    const wait = this.#line.add(wish, clock, () => null, () => this.#left());
    if (this.#state === "idle") this.#ask(timeout === 0 ? wait : undefined);
    return wait;
  }

  #take(wish: Wish, abandoned: boolean): Held {
    if (this.#state !== "held") {
      this.#state = "held";
      this.#passes = 0;
      this.#since = performance.now();
    }
    const held = this.#holder = wish.again ?? new Held(this, wish);
    held.abandoned ||= abandoned;
    wish.task.add(held);
    return held;
  }

  /** Who of this agent has it. */
  get holder(): Held | undefined {
    return this.#holder;
  }

  /**
   * Gives the lock back.
   *
   * @param held Whose it is; whoever's it is unless told.
   * @returns Whether this agent had it.
   */
  release(held: Held | undefined = this.#holder): boolean {
    if (!held || held !== this.#holder) return false;
    this.#holder = undefined;
    held.task.remove(held);
    this.#pass_on(false);
    return true;
  }

  /**
   * Gives the lock back for a while: says as what it was held.
   *
   * @param holding As what it was held a moment ago: it may be another's by now.
   */
  let_go(holding: object): Held {
    const held = this.#holder;
    if (!held || held !== holding) {
      throw new TypeError("Cannot wait with a lock that was given back meanwhile");
    }
    this.release(held);
    return held;
  }

  /**
   * Takes the lock again for who gave it back for a while, as what they had it: even if their task must end, as what it
   * does at its end needs the lock. Only a task that is given up does not get it, and what has ended meanwhile.
   */
  async take_back(held: Held): Promise<void> {
    const task = current_task();
    task.check();
    if (held.depth === 0) return;
    const wait = this.acquire({ ...held.wish, again: held }, null);
    const leaving: TaskHold = { given_up: () => wait.cancel(LEFT) };
    task.add(leaving);
    try {
      await wait.promise;
    } catch (error) {
      task.check();
      throw error;
    } finally {
      task.remove(leaving);
    }
    if (held.depth === 0) this.release(held);
  }

  /** Its holder was given up. */
  lost(held: Held): void {
    if (held !== this.#holder) return;
    this.#holder = undefined;
    this.#lease.lost("a task that was given up");
    this.#pass_on(true);
  }

  /** Gives the lock to the next task here, or to another agent. */
  #pass_on(abandoned: boolean): void {
    if (this.#line.size > 0 && this.#may_keep()) return this.#grant(abandoned);
    this.#state = "idle";
    this.#lease.give(abandoned);
    if (this.#line.size > 0) this.#ask();
  }

  #may_keep(): boolean {
    if (!this.#lease.is_wanted) return true;
    return this.#passes++ < MAX_PASSES && performance.now() - this.#since < MAX_TENURE;
  }

  /** Gives the lock to the first task in line. */
  #grant(abandoned: boolean): void {
    const [wait, wish] = this.#line.shift()!;
    wait.grant(this.#take(wish, abandoned));
  }

  /** Asks for the lock, for all that are in line; once, if that is for one who only tries. */
  #ask(trying?: Wait<Held | null>): void {
    this.#state = "asking";
    let request: Waiting<boolean | null>;
    try {
      request = this.#lease.request(trying ? 0 : null);
    } catch (error) {
      return this.#refused(error);
    }
    this.#request = request;
    request.promise.then(
      (abandoned) => this.#answered(request, abandoned, trying),
      (error) => {
        if (this.#request === request) this.#refused(error);
      },
    );
  }

  #answered(
    request: Waiting<boolean | null>,
    abandoned: boolean | null,
    trying: Wait<Held | null> | undefined,
  ): void {
    if (this.#request !== request) return;
    this.#request = undefined;
    if (abandoned !== null) {
      if (this.#line.size > 0) return this.#grant(abandoned);
      this.#state = "idle";
      return this.#lease.give(abandoned);
    }
    // It was tried once, by one who may have left; others may have come that wait.
    this.#state = "idle";
    if (this.#line.first?.[0] === trying) this.#line.shift()![0].grant(null);
    if (this.#line.size > 0) this.#ask();
  }

  #refused(error: unknown): void {
    this.#request = undefined;
    this.#state = "idle";
    for (const wait of this.#line.clear()) wait.reject(error);
  }

  /** Somebody has left the line. */
  #left(): void {
    if (this.#state !== "asking" || this.#line.size > 0) return;
    const request = this.#request;
    this.#request = undefined;
    this.#state = "idle";
    request?.cancel(LEFT);
  }

  /** The lock is no more: who has it need not give it back. */
  withdraw(reason: Error): void {
    this.#holder?.task.remove(this.#holder);
    for (const wait of this.#line.clear()) wait.reject(reason);
  }
}

/** Why nobody waits any more: nobody hears of it. */
const LEFT = new Error("Nobody waits for the lock any more");
