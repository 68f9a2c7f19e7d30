import { TimeoutError } from "../../internal/shared/errors.ts";
import {
  attempt,
  timeout_argument,
  wait_arguments,
  type WaitArguments,
} from "../../internal/shared/waits.ts";
import type { AcquireOptions, Hold, HoldOptions } from "./lock.ts";

/** Takes a lock; gives `null` if it was not free in time. */
export type Take<T> = (waits: WaitArguments) => Promise<T | null>;

/** `acquire()` of all locks. */
export function acquire_by(
  take: Take<unknown>,
  first: boolean | AcquireOptions | undefined,
  timeout: number | null | undefined,
): Promise<boolean> {
  return attempt(async () => {
    const waits = wait_arguments(first, timeout, "blocking");
    return await take(waits) !== null;
  });
}

/** `hold()` of all locks. */
export function hold_by(take: Take<Hold>, options: HoldOptions): Promise<Hold> {
  return attempt(async () => {
    const waits = timeout_argument(options);
    const hold = await take(waits);
    if (hold) return hold;
    throw new TimeoutError(`The lock was not free within ${waits.timeout} ms`);
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
