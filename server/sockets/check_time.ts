/**
 * A time that may be none: `null` for ever, which `Infinity` means, too.
 *
 * @param name What it is called, for the error.
 * @param time Milliseconds, or `null`.
 * @throws {RangeError} If it is negative or not a number.
 */
export function check_time(name: string, time: number | null): number | null {
  if (time === null || time === Infinity) return null;
  if (typeof time === "number" && time >= 0) return time;
  const told = Deno.inspect(time);
  throw new RangeError(`Cannot set a ${name} of ${told} ms: it must be 0 or more, or null`);
}
