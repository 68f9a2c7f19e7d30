import { begin, core_of, type Kind, SharedObject } from "../../internal/shared/shared_object.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import { attempt, timeout_argument } from "../../internal/shared/waits.ts";
import { BarrierHome, type BarrierSettings } from "./barrier_home.ts";
import type { HoldOptions } from "./lock.ts";

const KIND: Kind = { file: "concurrency/threading/barrier.ts", name: "Barrier" };

/**
 * So many wait for each other, and go on together: Python's `threading.Barrier`, for tasks of one thread, of workers
 * and of child processes alike. Then it can be used again.
 *
 * Where somebody will not come, it breaks, and nobody waits in vain: all `wait()` reject with
 * {@linkcode BrokenBarrierError} until it is `reset()`. So it is after a timeout, when the wait of one is ended by its
 * signal, when the worker or child of one ends, and when its request is given up.
 *
 * @example Three that start together
 * ```ts
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * const start = new threading.Barrier(3, () => console.log("All are there"));
 * const runners = [1, 2, 3].map(async () => await start.wait());
 * console.log(await Promise.all(runners)); // All are there, then [ 0, 1, 2 ]
 * ```
 */
export class Barrier extends SharedObject {
  /**
   * Makes a barrier where nobody waits.
   *
   * @param parties How many wait for each other.
   * @param action Called when all are there, just before they go on, in the thread where the barrier was made. They
   * wait until its promise is resolved, if it gives one. If it fails, who came last gets its error.
   * @param timeout How long `wait()` waits unless told, in ms; `null`, as it is unless told, for ever.
   * @throws {RangeError} If `parties` is not a whole number from 1, or the timeout is negative.
   * @throws {TypeError} If `action` is no function.
   */
  constructor(parties: number, action?: (() => unknown) | null, timeout?: number | null) {
    super();
    begin(this, KIND, () => new BarrierHome(settings_of(parties, action, timeout)));
  }

  /**
   * Waits until all are there.
   *
   * @param timeout How long, in ms; left out or `null`, as the barrier was told. Then it is broken, for all.
   * @returns A number from 0 to `parties - 1`, another one for each of those who go on together, in the order in
   * which they came.
   * @throws {BrokenBarrierError} If the barrier is broken, or breaks, or is reset.
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If the barrier was withdrawn.
   */
  wait(timeout?: number | null): Promise<number>;
  /** The same with the arguments as one object. */
  wait(options: HoldOptions): Promise<number>;
  wait(first?: number | null | HoldOptions): Promise<number> {
    return attempt(() => {
      const { timeout, signal } = timeout_argument(first);
      return core_of(this).call("wait", [timeout], { kind: "bring", signal });
    });
  }

  /** Makes it as new: whole, with nobody in it. For those who wait it is broken. */
  reset(): Promise<void> {
    return core_of(this).call("reset", []);
  }

  /** Breaks it, for those who wait and those who come, until it is reset. */
  abort(): Promise<void> {
    return core_of(this).call("abort", []);
  }

  /** How many wait for each other. */
  get parties(): number {
    return core_of(this).fixed as number;
  }

  /** How many wait. */
  n_waiting(): Promise<number> {
    return core_of(this).call("n_waiting", []);
  }

  /** Whether it is broken. */
  broken(): Promise<boolean> {
    return core_of(this).call("broken", []);
  }
}

function settings_of(
  parties: number,
  action: (() => unknown) | null = null,
  timeout?: number | null,
): BarrierSettings {
  if (!Number.isInteger(parties) || parties < 1) {
    const told = Deno.inspect(parties);
    throw new RangeError(`Cannot use ${told} parties: it must be a whole number from 1`);
  }
  if (action !== null && typeof action !== "function") {
    throw new TypeError(`Cannot use ${Deno.inspect(action)} as action: it must be a function`);
  }
  return { parties, action, timeout: timeout_argument({ timeout: timeout ?? null }).timeout };
}

provide_class(KIND, Barrier);
