import { TimeoutError } from "../../internal/shared/errors.ts";
import {
  attempt,
  attempt_later,
  timeout_argument,
  wait_arguments,
  type WaitArguments,
} from "../../internal/shared/waits.ts";
import type { LockLine } from "./lock_line.ts";
import type { Core } from "../../internal/shared/shared_object.ts";
import type { AcquireOptions, Hold, HoldOptions } from "./lock.ts";

/** Takes a lock; gives `null` if it was not free in time. Where it is free it gives it at once. */
export type Take<T> = (waits: WaitArguments) => T | null | Promise<T | null>;

/** `acquire()` of all locks. */
export function acquire_by(
  take: Take<object>,
  first: boolean | AcquireOptions | undefined,
  timeout: number | null | undefined,
): Promise<boolean> {
  return attempt(() => {
    const taken = take(wait_arguments(first, timeout, "blocking"));
    if (taken instanceof Promise) return taken.then((taken) => taken !== null);
    return Promise.resolve(taken !== null);
  });
}

/** `hold()` of all locks. */
export function hold_by(take: Take<Hold>, options: HoldOptions): Promise<Hold> {
  return attempt(() => {
    const waits = timeout_argument(options);
    const taken = take(waits);
    if (taken instanceof Promise) return attempt_later(async () => check_taken(await taken, waits));
    return Promise.resolve(check_taken(taken, waits));
  });
}

function check_taken(hold: Hold | null, { timeout }: WaitArguments): Hold {
  if (hold) return hold;
  throw new TimeoutError(`The lock was not free within ${timeout} ms`);
}

/** `locked()` of all locks. */
export function locked_by(line: LockLine, core: Core): Promise<boolean> {
  return attempt(() => {
    core.check();
    return line.holder ? Promise.resolve(true) : core.call("locked", []);
  });
}

/** Runs a function that has the lock for itself. */
export async function run_with<T>(
  hold: Promise<Hold>,
  work: (hold: Hold) => T | PromiseLike<T>,
): Promise<T> {
  using held = await hold;
  return await work(held);
}
