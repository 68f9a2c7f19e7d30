import { may_fail } from "../../internal/runtime/pending.ts";
import { begin, core_of, type Kind, SharedObject } from "../../internal/shared/shared_object.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import {
  attempt,
  attempt_later,
  timeout_argument,
  type WaitArguments,
} from "../../internal/shared/waits.ts";
import { ConditionHome } from "./condition_home.ts";
import { condition_lock_of, type ConditionLock } from "./condition_lock.ts";
import type { Held } from "./lock_line.ts";
import type { AcquireOptions, Hold, HoldOptions, Lock } from "./lock.ts";
import type { RLock } from "./rlock.ts";

const KIND: Kind = { file: "concurrency/threading/condition.ts", name: "Condition" };

/**
 * To wait, with a lock, until others say that something has changed: Python's `threading.Condition`, for tasks of
 * one thread, of workers and of child processes alike. Those that wait are woken in the order in which they came, and
 * never without having been notified.
 *
 * @example One that waits until there is enough
 * ```ts
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * const changed = new threading.Condition();
 * const shelf: string[] = [];
 * const customer = changed.run(async () => {
 *   await changed.wait_for(() => shelf.length >= 2);
 *   return shelf.splice(0);
 * });
 * for (const thing of ["bread", "milk"]) {
 *   await changed.run(async () => {
 *     shelf.push(thing);
 *     await changed.notify();
 *   });
 * }
 * console.log(await customer); // [ "bread", "milk" ]
 * ```
 */
export class Condition extends SharedObject {
  #lock: Lock | RLock;
  #how: ConditionLock<object>;

  /**
   * Makes a condition.
   *
   * @param lock Its lock: a new `Lock` unless told, which is withdrawn with it. Python makes an `RLock`.
   * @throws {TypeError} If it is no lock.
   */
  constructor(lock?: Lock | RLock) {
    super();
    const core = begin(this, KIND, () => new ConditionHome(lock));
    this.#lock = core.fixed as Lock | RLock;
    this.#how = condition_lock_of(this.#lock);
  }

  /** Takes the lock: see {@linkcode Lock.acquire}. */
  acquire(blocking?: boolean, timeout?: number | null): Promise<boolean>;
  /** The same with the arguments as one object. */
  acquire(options: AcquireOptions): Promise<boolean>;
  acquire(first?: boolean | AcquireOptions, timeout?: number | null): Promise<boolean> {
    return this.#lock.acquire(first as boolean, timeout);
  }

  /** Gives the lock back: see {@linkcode Lock.release}. */
  release(): void {
    this.#lock.release();
  }

  /** Takes the lock until the end of the block: see {@linkcode Lock.hold}. */
  hold(options?: HoldOptions): Promise<Hold> {
    return this.#lock.hold(options);
  }

  /** Runs a function that has the lock: see {@linkcode Lock.run}. */
  run<T>(work: (hold: Hold) => T | PromiseLike<T>, options?: HoldOptions): Promise<T> {
    return this.#lock.run(work, options);
  }

  /**
   * Gives the lock back, waits until it is notified, and takes the lock again.
   *
   * @param timeout How long to wait for the notification, in ms; `null`, as it is unless told, for ever.
   * @returns `false` if there was none in time.
   * @throws {TypeError} If the lock is not held.
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If the condition was withdrawn.
   */
  wait(timeout?: number | null): Promise<boolean>;
  /** The same with the arguments as one object. */
  wait(options: HoldOptions): Promise<boolean>;
  wait(first?: number | null | HoldOptions): Promise<boolean> {
    return attempt_later(async () => await this.#wait(timeout_argument(first)));
  }

  async #wait({ timeout, signal }: WaitArguments): Promise<boolean> {
    const holding = this.#check("wait for");
    signal?.throwIfAborted();
    const core = core_of(this);
    // It must be in the line before the lock is free: else the next holder would notify nobody.
    const ticket = await core.call<number>("begin", []);
    let held: Held | undefined;
    let is_notified = false;
    try {
      held = this.#how.let_go(this.#lock, holding);
      is_notified = await core.call("wait", [ticket, timeout], { kind: "bring", signal });
    } catch (error) {
      await core.call("leave_by", [ticket]).catch(() => {});
      throw error;
    } finally {
      if (held) await this.#take_back(held, ticket);
    }
    // Until now the notification would have gone to the next, had this one been lost.
    if (is_notified) void may_fail(core.call("heard", [ticket]));
    return is_notified;
  }

  async #take_back(held: Held, ticket: number): Promise<void> {
    try {
      await this.#how.take_back(this.#lock, held);
    } catch (error) {
      await core_of(this).call("leave_by", [ticket]).catch(() => {});
      throw error;
    }
  }

  /**
   * Waits until something is so: looks at first, and after each notification, with the lock.
   *
   * @param predicate Says whether it is so; it may give a promise.
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever.
   * @returns What the predicate gave at last: what is not true if the time was over.
   * @throws {TypeError} If the lock is not held.
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If the condition was withdrawn.
   */
  wait_for<T>(predicate: () => T | PromiseLike<T>, timeout?: number | null): Promise<T>;
  /** The same with the arguments as one object. */
  wait_for<T>(predicate: () => T | PromiseLike<T>, options: HoldOptions): Promise<T>;
  wait_for<T>(
    predicate: () => T | PromiseLike<T>,
    first?: number | null | HoldOptions,
  ): Promise<T> {
    return attempt_later(async () => {
      const { timeout, signal } = timeout_argument(first);
      this.#check("wait for");
      const end = timeout === null ? Infinity : performance.now() + timeout;
      for (;;) {
        const value = await predicate();
        const left = end - performance.now();
        if (value || left <= 0) return value;
        await this.#wait({ timeout: timeout === null ? null : left, signal });
      }
    });
  }

  /**
   * Wakes those that have waited longest. They go on when the lock is free.
   *
   * @param count How many; 1 unless told.
   * @throws {TypeError} If the lock is not held.
   * @throws {RangeError} If `count` is not a whole number from 0.
   */
  notify(count = 1): Promise<void> {
    return attempt(() => {
      this.#check("notify");
      if (!(Number.isInteger(count) && count >= 0)) {
        throw new RangeError(`Cannot notify ${count}: it must be a whole number from 0`);
      }
      return core_of(this).call("notify", [count]);
    });
  }

  /**
   * Wakes all that wait.
   *
   * @throws {TypeError} If the lock is not held.
   */
  notify_all(): Promise<void> {
    return this.notify(Number.MAX_SAFE_INTEGER);
  }

  /** As what the lock is held, which it must be. */
  #check(what: string): object {
    const holding = this.#how.holding(this.#lock);
    if (holding) return holding;
    throw new TypeError(`Cannot ${what} a condition whose lock is not held`);
  }
}

provide_class(KIND, Condition);
