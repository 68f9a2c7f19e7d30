import {
  begin,
  core_of,
  type Kind,
  LocalCore,
  SharedObject,
} from "../../internal/shared/shared_object.ts";
import { current_task } from "../../internal/shared/task.ts";
import { named_object, provide_class, provide_named } from "../../internal/shared/travel.ts";
import type { WaitArguments } from "../../internal/shared/waits.ts";
import { provide_condition_lock } from "./condition_lock.ts";
import { HomeLease, RemoteLease } from "./lease.ts";
import { LockHome } from "./lock_home.ts";
import { type Held, LockLine } from "./lock_line.ts";
import { acquire_by, hold_by, locked_by, run_with } from "./taking.ts";

/** How long `acquire()` waits, as one object. */
export interface AcquireOptions {
  /**
   * Whether to wait at all.
   *
   * @default {true}
   */
  blocking?: boolean;
  /**
   * How long to wait, in ms; `null` for ever, 0 tries once.
   *
   * @default {null}
   */
  timeout?: number | null;
  /** Ends the wait: it rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** How long `hold()` and `run()` wait. */
export type HoldOptions = Omit<AcquireOptions, "blocking">;

/** A lock as one has it until the end of a block: `using hold = await lock.hold()`. */
export interface Hold extends Disposable {
  /**
   * Whether the lock came here because its last holder was lost: its worker or child ended, or its request was given
   * up. What the lock guards may be half done.
   */
  readonly abandoned: boolean;
}

const KIND: Kind = { file: "concurrency/threading/lock.ts", name: "Lock" };

/**
 * Only one at a time has it: Python's `threading.Lock`, for tasks of one thread, of workers and of child
 * processes alike. Handlers share one as a field of their server.
 *
 * It belongs to the task that took it: the handler of a request, a thread, or else the program. When the worker or child of
 * its holder ends, or its request is given up, the next one has it, and is told by {@linkcode Hold.abandoned}.
 * Any task of the same thread or child may release it.
 *
 * @example Handlers that count together
 * ```ts
 * import { type Remote, StreamRequestHandler, ThreadingTCPServer } from "@socketserver/socketserver";
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * class Counter extends ThreadingTCPServer {
 *   lock = new threading.Lock();
 *   #value = 0;
 *   value(): number {
 *     return this.#value;
 *   }
 *   set_value(value: number): void {
 *     this.#value = value;
 *   }
 * }
 *
 * export class CountHandler extends StreamRequestHandler<Remote<Counter>> {
 *   override async handle(): Promise<void> {
 *     for await (const _line of this.rfile) {
 *       using _hold = await this.server.lock.hold();
 *       await this.server.set_value(await this.server.value() + 1);
 *     }
 *   }
 * }
 * ```
 */
export class Lock extends SharedObject {
  #line: LockLine;
  #name: string | undefined;

  static {
    provide_condition_lock(Lock, {
      holding: (lock) => lock.#line.holder,
      let_go: (lock, holding) => lock.#line.let_go(holding),
      take_back(lock, held) {
        core_of(lock).check();
        return lock.#line.take_back(held);
      },
    });
  }

  /** Makes a lock that is free. */
  constructor() {
    super();
    const core = begin(this, KIND, () => new LockHome());
    const lease = core instanceof LocalCore ? new HomeLease(core.home) : new RemoteLease(core);
    this.#line = new LockLine(lease);
    core.when_withdrawn((reason) => this.#line.withdraw(reason));
  }

  /**
   * The lock of a name: the same one in the whole program, in its workers and in its child processes, wherever it is
   * asked for. It lasts as long as the program: to dispose of it does nothing.
   *
   * @param name Any name.
   */
  static named(name: string): Lock {
    let lock = named.get(name);
    if (!lock) {
      named.set(name, lock = named_object(Lock, KIND, name));
      lock.#name = name;
    }
    return lock;
  }

  /**
   * Takes the lock, and waits for it as long as it takes.
   *
   * @param blocking Whether to wait: `true` unless told.
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever; 0 tries once.
   * @returns Whether it was taken.
   * @throws {RangeError} If the timeout is negative, or there is one although `blocking` is `false`.
   * @throws {Deno.errors.BadResource} If the lock was withdrawn.
   */
  acquire(blocking?: boolean, timeout?: number | null): Promise<boolean>;
  /** The same with the arguments as one object. */
  acquire(options: AcquireOptions): Promise<boolean>;
  acquire(first?: boolean | AcquireOptions, timeout?: number | null): Promise<boolean> {
    return acquire_by((waits) => this.#take(waits, false), first, timeout);
  }

  /**
   * Gives the lock back. Any task of the thread or child that has it may do so.
   *
   * @throws {TypeError} If no task of this thread or child has it.
   */
  release(): void {
    if (current_task().is_given_up || this.#line.release()) return;
    throw new TypeError("Cannot release a lock that this thread or child does not hold");
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
   * @throws {Deno.errors.BadResource} If the lock was withdrawn.
   */
  hold(options: HoldOptions = {}): Promise<Hold> {
    return hold_by((waits) => this.#take(waits, true), options);
  }

  /**
   * Runs a function that has the lock for itself.
   *
   * @param work What to run; it is told whether the last holder was lost.
   * @param options How long to wait for the lock.
   * @returns What it gives.
   * @throws {TimeoutError} If the lock was not free in time.
   */
  run<T>(work: (hold: Hold) => T | PromiseLike<T>, options?: HoldOptions): Promise<T> {
    return run_with(this.hold(options), work);
  }

  /** Withdraws the lock, for all who use it, unless it has a name: what waits for it rejects. */
  override [Symbol.dispose](): void {
    if (this.#name === undefined) super[Symbol.dispose]();
  }

  #take(
    { timeout, signal }: WaitArguments,
    ends_with_task: boolean,
  ): Held | null | Promise<Held | null> {
    const task = current_task();
    task.check();
    core_of(this).check();
    signal?.throwIfAborted();
    const wait = this.#line.acquire({ task, ends_with_task }, timeout);
    return wait.value !== undefined ? wait.value : task.follow(wait, "turn", signal);
  }
}

/** The locks that have names, as far as this thread or child knows them. */
const named = new Map<string, Lock>();

provide_class(KIND, Lock);
provide_named(KIND, (name) => Lock.named(name));
