import type { QueueWaitOptions } from "@socketserver/socketserver/queue";

/** How long a call waits. */
export interface Wait {
  /** In ms; `null` for ever, 0 tries once. */
  timeout: number | null;
  /** Ends the wait. */
  signal: AbortSignal | undefined;
}

/**
 * The arguments of a wait: Python's two positions, or one object.
 *
 * @throws {RangeError} If the timeout is negative.
 * @throws {TypeError} If an argument has another type, or the object another name.
 */
export function wait_arguments(
  first: boolean | QueueWaitOptions | undefined,
  timeout: number | null | undefined,
): Wait {
  if (typeof first !== "object" || first === null) return checked({ block: first, timeout });
  check_names(first, ["block", "timeout", "signal"]);
  return checked(first);
}

/** The same where there is no first argument: `timeout`, or the object. */
export function timeout_argument(
  first: number | null | Omit<QueueWaitOptions, "block"> | undefined,
): Wait {
  if (typeof first !== "object" || first === null) return checked({ timeout: first });
  check_names(first, ["timeout", "signal"]);
  return checked(first);
}

type Unchecked = { [K in keyof QueueWaitOptions]?: QueueWaitOptions[K] | undefined };

function checked({ block = true, timeout = null, signal }: Unchecked): Wait {
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
 * Refuses options that nothing would look at.
 *
 * @throws {TypeError} If there is an unknown name.
 */
export function check_names(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new TypeError(`Cannot use the option "${name}": there is no option of this name`);
  }
}
