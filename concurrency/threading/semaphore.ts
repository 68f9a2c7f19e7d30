import { TimeoutError } from "../../internal/shared/errors.ts";
import { begin, core_of, type Kind, SharedObject } from "../../internal/shared/shared_object.ts";
import { current_task, type Task, type TaskHold } from "../../internal/shared/task.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import {
  attempt,
  attempt_later,
  timeout_argument,
  wait_arguments,
  type WaitArguments,
} from "../../internal/shared/waits.ts";
import type { AcquireOptions, HoldOptions } from "./lock.ts";
import { check_count, SemaphoreHome } from "./semaphore_home.ts";

const KIND: Kind = { file: "concurrency/threading/semaphore.ts", name: "Semaphore" };
const BOUNDED: Kind = { ...KIND, name: "BoundedSemaphore" };

/**
 * So many at a time: Python's `threading.Semaphore`, for tasks of one thread, of workers and of child processes
 * alike. Each `acquire()` takes a permit, each `release()` adds one; where there is none, `acquire()` waits, first
 * come first served.
 *
 * The permits that a task took and has not released come back when its worker or child ends, or when its request is
 * given up. Permits may also be added without having been taken, as a signal to somebody who waits.
 *
 * @example No more than two at once
 * ```ts
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * const places = new threading.Semaphore(2);
 * const jobs = [1, 2, 3, 4].map((job) =>
 *   places.run(async () => {
 *     await new Promise((resolve) => setTimeout(resolve, 10));
 *     return job * job;
 *   })
 * );
 * console.log(await Promise.all(jobs)); // [ 1, 4, 9, 16 ]
 * ```
 */
export class Semaphore extends SharedObject {
  /**
   * Makes a semaphore.
   *
   * @param value How many permits there are; 1 unless told.
   * @throws {RangeError} If it is not a whole number from 0.
   * @throws {TypeError} If it is no number.
   */
  constructor(value = 1) {
    const is_bounded = new.target.prototype instanceof BoundedSemaphore ||
      new.target === BoundedSemaphore;
    const most = is_bounded ? value : Infinity;
    super();
    const make_home = () => new SemaphoreHome(check_count(value, 0), most);
    begin(this, is_bounded ? BOUNDED : KIND, make_home);
  }

  /**
   * Takes a permit, and waits for one as long as it takes.
   *
   * @param blocking Whether to wait: `true` unless told.
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever; 0 tries once.
   * @returns Whether one was taken.
   * @throws {RangeError} If the timeout is negative, or there is one although `blocking` is `false`.
   * @throws {Deno.errors.BadResource} If the semaphore was withdrawn.
   */
  acquire(blocking?: boolean, timeout?: number | null): Promise<boolean>;
  /** The same with the arguments as one object. */
  acquire(options: AcquireOptions): Promise<boolean>;
  acquire(first?: boolean | AcquireOptions, timeout?: number | null): Promise<boolean> {
    return attempt(() => this.#take(wait_arguments(first, timeout, "blocking")));
  }

  #take({ timeout, signal }: WaitArguments): Promise<boolean> {
    return core_of(this).call("acquire", [timeout], { kind: "turn", signal });
  }

  /**
   * Gives permits back, or adds new ones.
   *
   * @param count How many; 1 unless told.
   * @throws {RangeError} If it is not a whole number from 1; for a `BoundedSemaphore` also if there would be
   * more permits than at first.
   * @throws {TypeError} If it is no number.
   */
  release(count = 1): Promise<void> {
    return attempt(() => {
      check_count(count, 1);
      if (current_task().is_given_up) return Promise.resolve();
      return core_of(this).call("release", [count]);
    });
  }

  /**
   * Takes a permit until the end of the block: `using _ = await semaphore.hold()`. At the end of the task it
   * is given back in any case.
   *
   * @param options How long to wait, in ms, and what ends the wait.
   * @throws {TimeoutError} If there was none in time.
   */
  hold(options: HoldOptions = {}): Promise<Disposable> {
    return attempt_later(async () => {
      const task = current_task();
      const waits = timeout_argument(options);
      if (await this.#take(waits)) return new PermitHold(this, task);
      throw new TimeoutError(`No permit of the semaphore was free within ${waits.timeout} ms`);
    });
  }

  /**
   * Runs a function that has a permit.
   *
   * @param work What to run.
   * @param options How long to wait for the permit.
   * @returns What it gives.
   * @throws {TimeoutError} If there was none in time.
   */
  async run<T>(work: () => T | PromiseLike<T>, options?: HoldOptions): Promise<T> {
    using _hold = await this.hold(options);
    return await work();
  }
}

/**
 * The same with a bound: `release()` of more permits than there were at first is an error. Python's
 * `threading.BoundedSemaphore`.
 *
 * @example One too many
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * const places = new threading.BoundedSemaphore(2);
 * await assertRejects(() => places.release(), RangeError);
 * ```
 */
export class BoundedSemaphore extends Semaphore {}

class PermitHold implements TaskHold, Disposable {
  #semaphore: Semaphore;
  #task: Task;
  #is_over = false;

  constructor(semaphore: Semaphore, task: Task) {
    this.#semaphore = semaphore;
    this.#task = task;
    task.add(this);
  }

  ended(): void {
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.#task.remove(this);
    // It cannot fail but where the semaphore is no more.
    this.#task.run(() => this.#semaphore.release()).catch(() => {});
  }
}

provide_class(KIND, Semaphore);
provide_class(BOUNDED, BoundedSemaphore);
