import { new_scope, run_in, type Scope, scope_of } from "../../internal/shared/scopes.ts";
import {
  begin,
  core_of,
  type Kind,
  LocalCore,
  SharedObject,
} from "../../internal/shared/shared_object.ts";
import { current_task, program, type Task, type TaskHold } from "../../internal/shared/task.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import type { WaitArguments } from "../../internal/shared/waits.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import { provide_condition_lock } from "./condition_lock.ts";
import { HomeLease, RemoteLease } from "./lease.ts";
import type { AcquireOptions, Hold, HoldOptions } from "./lock.ts";
import { LockHome } from "./lock_home.ts";
import { type Held, LockLine } from "./lock_line.ts";
import { acquire_by, hold_by, locked_by, run_with } from "./taking.ts";

const KIND: Kind = { file: "concurrency/threading/rlock.ts", name: "RLock" };

/** The lock as somebody has it: a task here, a part of one, or who calls from elsewhere. */
interface Possession {
  readonly task: Task;
  readonly abandoned: boolean;
  depth: number;
}

/** A lock that a caller in another thread or child holds, while a method runs for that one. */
class CarriedHold implements Possession {
  readonly task = current_task();
  readonly abandoned = false;
  depth = 1;
}

/** What the scopes of calls from other threads and children are of. */
const CALLS = {};

/** The locks that such callers hold, by the scopes of their calls. */
const carried = new WeakMap<Scope, Map<RLock, CarriedHold>>();

/** What taking a lock gives: `null` where it was not free in time. */
type Taking = Possession | null | Promise<Possession | null>;

/** The locks that somebody in this thread or child holds. */
const held_here = new Set<RLock>();

/** Those that what runs now holds. */
let held_locks: () => RLock[];

/**
 * A lock that its holder may take again: Python's `threading.RLock`, for tasks of one thread, of workers and of
 * child processes alike. It is free when it was given back as often as it was taken.
 *
 * Its holder is the task: the handler of a request, a thread, a task of a pool. A method of the server that a
 * handler calls while it holds the lock may take it again, wherever the handler runs. Branches of one task
 * (`Promise.all`) are one holder to `acquire()`; with {@linkcode RLock.run} each branch is one of its own.
 *
 * @example A method that takes the lock of its caller
 * ```ts
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * const lock = new threading.RLock();
 * let balance = 0;
 * const add = (amount: number) => lock.run(() => void (balance += amount));
 * await lock.run(async () => {
 *   await add(70);
 *   await add(30);
 * });
 * console.log(balance); // 100
 * ```
 */
export class RLock extends SharedObject {
  #line: LockLine;

  static {
    provide_condition_lock(RLock, {
      is_owned: (lock) => lock.#releasable() !== undefined,
      let_go: (lock) => lock.#let_go(),
      async take_back(lock, held) {
        core_of(lock).check();
        await lock.#line.take_back(held);
        lock.#note();
      },
    });
    held_locks = () => [...held_here].filter((lock) => lock.#note() && lock.#possession());
  }

  /** Makes a lock that is free. */
  constructor() {
    super();
    const core = begin(this, KIND, () => new LockHome());
    const lease = core instanceof LocalCore ? new HomeLease(core.home) : new RemoteLease(core);
    this.#line = new LockLine(lease);
    core.when_withdrawn((reason) => {
      this.#line.withdraw(reason);
      held_here.delete(this);
    });
    provide_scopes();
  }

  /**
   * Takes the lock, once more if the task holds it, and waits for it as long as it takes.
   *
   * @param blocking Whether to wait: `true` unless told.
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever; 0 tries once.
   * @returns Whether it was taken.
   * @throws {RangeError} If the timeout is negative, or there is one although `blocking` is `false`.
   * @throws {TypeError} If it is held already outside of any handler, thread or task: who holds it there cannot
   * be told.
   * @throws {Deno.errors.BadResource} If the lock was withdrawn.
   */
  acquire(blocking?: boolean, timeout?: number | null): Promise<boolean>;
  /** The same with the arguments as one object. */
  acquire(options: AcquireOptions): Promise<boolean>;
  acquire(first?: boolean | AcquireOptions, timeout?: number | null): Promise<boolean> {
    return acquire_by((waits) => this.#take_again(waits), first, timeout);
  }

  /**
   * Gives the lock back once.
   *
   * @throws {TypeError} If the task does not hold it.
   */
  release(): void {
    if (current_task().is_given_up) return;
    const possession = this.#releasable();
    const is_callers = possession instanceof CarriedHold && possession.depth === 1;
    if (!possession || is_callers) {
      throw new TypeError("Cannot release a lock that this task does not hold");
    }
    this.#leave(possession);
  }

  /** Whether somebody has it, here or elsewhere. */
  locked(): Promise<boolean> {
    return locked_by(this.#line, core_of(this));
  }

  /**
   * Takes the lock until the end of the block: `using hold = await lock.hold()`. At the end of the task it
   * is given back in any case.
   *
   * @param options How long to wait, in ms, and what ends the wait.
   * @throws {TimeoutError} If it was not free in time.
   * @throws {RangeError} If the timeout is negative.
   * @throws {TypeError} As {@linkcode RLock.acquire}.
   */
  hold(options: HoldOptions = {}): Promise<Hold> {
    return hold_by((waits) => this.#level(this.#take_again(waits)), options);
  }

  /**
   * Runs a function that has the lock for itself. Only what runs in it, and what that calls, takes the lock again:
   * not another branch of the same task.
   *
   * @param work What to run; it is told whether the last holder was lost.
   * @param options How long to wait for the lock.
   * @returns What it gives.
   * @throws {TimeoutError} If the lock was not free in time.
   */
  run<T>(work: (hold: Hold) => T | PromiseLike<T>, options: HoldOptions = {}): Promise<T> {
    // What has it already runs on as what it is: a scope of its own would not have it.
    const scope = this.#possession() ? undefined : new_scope(this);
    const hold = hold_by((waits) => this.#level(this.#take(waits, scope)), options);
    return run_with(hold, (held) => scope ? run_in(scope, () => work(held)) : work(held));
  }

  #let_go(): Held {
    const possession = this.#releasable();
    if (possession instanceof CarriedHold) {
      throw new TypeError("Cannot wait with a lock that the caller of this method holds");
    }
    if (!possession) throw new TypeError("Cannot wait with a lock that this task does not hold");
    const held = this.#line.let_go();
    this.#note();
    return held;
  }

  /** The lock as what runs now holds it. */
  #possession(): Possession | undefined {
    const call = scope_of(CALLS);
    const possession = (call && carried.get(call)?.get(this)) ?? this.#line.holder;
    // A task that is begun in a scope is another holder.
    if (possession?.task !== current_task()) return undefined;
    if (possession instanceof CarriedHold) return possession;
    const { scope, task } = possession as Held;
    const is_mine = scope ? scope === scope_of(this) || scope === call : task !== program;
    return is_mine ? possession : undefined;
  }

  /** The same, or what nobody else could give back: a task that has ended left it, or the program took it. */
  #releasable(): Possession | undefined {
    const possession = this.#possession();
    const { holder } = this.#line;
    if (possession || !holder || holder.scope?.object === this) return possession;
    return holder.task.has_ended || holder.task === current_task() ? holder : undefined;
  }

  #take_again(waits: WaitArguments): Taking {
    const { holder } = this.#line;
    const call = scope_of(CALLS);
    const is_program = current_task() === program && !call;
    const is_unclear = is_program && holder?.task === program && !holder.scope;
    if (!is_unclear) return this.#take(waits, call);
    throw new TypeError(
      "Cannot take an RLock again outside of a handler, a thread or a task: who holds it cannot be told " +
        "there. Use lock.run(), or an AsyncThread",
    );
  }

  #take({ timeout, signal }: WaitArguments, scope: Scope | undefined): Taking {
    const task = current_task();
    task.check();
    core_of(this).check();
    signal?.throwIfAborted();
    const possession = this.#possession();
    if (possession) {
      possession.depth++;
      return possession;
    }
    const wish = { task, ends_with_task: scope?.object === this, scope };
    const wait = this.#line.acquire(wish, timeout);
    const taken = (held: Held | null) => {
      this.#note();
      return held;
    };
    if (wait.value !== undefined) return taken(wait.value);
    return task.follow(wait, "turn", signal).then(taken);
  }

  #level(taking: Taking): Level | null | Promise<Level | null> {
    const task = current_task();
    const level = (possession: Possession | null) =>
      possession && new Level(task, possession, () => this.#leave(possession));
    return taking instanceof Promise ? taking.then(level) : level(taking);
  }

  #leave(possession: Possession): void {
    if (--possession.depth > 0 || possession instanceof CarriedHold) return;
    this.#line.release(possession as Held);
    this.#note();
  }

  /** Notes whether somebody here has it. */
  #note(): boolean {
    const is_held = this.#line.holder !== undefined;
    if (is_held) held_here.add(this);
    else held_here.delete(this);
    return is_held;
  }
}

/** One level of a lock, until the end of a block. */
class Level implements Hold, TaskHold {
  #task: Task;
  #possession: Possession;
  #leave: (() => void) | undefined;

  constructor(task: Task, possession: Possession, leave: () => void) {
    this.#task = task;
    this.#possession = possession;
    this.#leave = leave;
    task.add(this);
  }

  get abandoned(): boolean {
    return this.#possession.abandoned;
  }

  ended(): void {
    this[Symbol.dispose]();
  }

  given_up(): void {
    this.#leave = undefined;
  }

  [Symbol.dispose](): void {
    const leave = this.#leave;
    this.#leave = undefined;
    this.#task.remove(this);
    leave?.();
  }
}

/** Has calls of the server carry along which locks their callers hold. */
function provide_scopes(): void {
  sharing.scopes ??= {
    held: held_locks,
    run(objects, work) {
      const scope = new_scope(CALLS);
      carried.set(scope, new Map((objects as RLock[]).map((lock) => [lock, new CarriedHold()])));
      // What goes on after the call holds nothing: its caller may have given the lock back.
      const over = () => void carried.delete(scope);
      const result = run_in(scope, work);
      Promise.resolve(result).then(over, over);
      return result;
    },
  };
}

provide_class(KIND, RLock);
