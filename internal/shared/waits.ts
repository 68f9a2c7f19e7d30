import { check_names } from "../runtime/check_names.ts";
import { current_task } from "./task.ts";

/** How long a call waits. */
export interface WaitArguments {
  /** In ms; `null` for ever, 0 tries once. */
  timeout: number | null;
  /** Ends the wait. */
  signal: AbortSignal | undefined;
}

/** What a wait can be told as one object, under either of Python's two names for the first. */
export interface WaitObject {
  block?: boolean;
  blocking?: boolean;
  timeout?: number | null;
  signal?: AbortSignal;
}

/** The names of what a wait without Python's first argument can be told. */
const TIMEOUT_AND_SIGNAL = ["timeout", "signal"] as const;

/**
 * The arguments of a wait: Python's two positions, or one object.
 *
 * @param first Whether it waits at all, or the object.
 * @param timeout How long, in ms.
 * @param block The name of the first in the object.
 * @throws {RangeError} If the timeout is negative.
 * @throws {TypeError} If an argument has another type.
 */
export function wait_arguments(
  first: boolean | WaitObject | undefined,
  timeout: number | null | undefined,
  block: "block" | "blocking",
): WaitArguments {
  if (typeof first === "object" && first !== null) {
    check_names(first, [block, ...TIMEOUT_AND_SIGNAL]);
    return wait_of(first[block], first.timeout, first.signal, block);
  }
  return wait_of(first, timeout, undefined, block);
}

/** Python's locks refuse a timeout for what does not wait, its queues pass it over. */
function wait_of(
  block: boolean | undefined,
  timeout: number | null | undefined,
  signal: AbortSignal | undefined,
  name: "block" | "blocking",
): WaitArguments {
  if (name === "blocking" && block === false && timeout !== undefined && timeout !== null) {
    throw new RangeError("Cannot use a timeout for a call that does not wait");
  }
  return checked(block, timeout, signal);
}

/** The same where there is no first argument: `timeout`, or the object. */
export function timeout_argument(
  first: number | null | Omit<WaitObject, "block" | "blocking"> | undefined,
): WaitArguments {
  if (typeof first === "object" && first !== null) {
    check_names(first, TIMEOUT_AND_SIGNAL);
    return checked(true, first.timeout, first.signal);
  }
  return checked(true, first, undefined);
}

function checked(
  block: boolean | undefined = true,
  timeout: number | null | undefined = null,
  signal: AbortSignal | undefined,
): WaitArguments {
  if (typeof block !== "boolean") {
    throw new TypeError(`Cannot use ${Deno.inspect(block)}: whether to wait is true or false`);
  }
  if (timeout !== null && typeof timeout !== "number") {
    throw new TypeError(`Cannot use timeout = ${Deno.inspect(timeout)}: it must be ms, or null`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`Cannot use ${Deno.inspect(signal)} as signal: it must be an AbortSignal`);
  }
  if (block && timeout !== null && !(timeout >= 0)) {
    throw new RangeError(`Cannot use timeout = ${timeout}: it must be 0 or more ms, or null`);
  }
  return { timeout: block ? timeout : 0, signal };
}

/**
 * Has what is thrown before there is a promise be its rejection, and known to the task. What a wait fails with
 * is known to it already.
 */
export function attempt<T>(begin: () => Promise<T>): Promise<T> {
  try {
    return begin();
  } catch (error) {
    current_task().note(error);
    return Promise.reject(error);
  }
}

/** The same for what throws something of its own later, too. */
export async function attempt_later<T>(begin: () => Promise<T>): Promise<T> {
  try {
    return await begin();
  } catch (error) {
    current_task().note(error);
    throw error;
  }
}
