/**
 * The size of a buffer, in bytes.
 *
 * @param bufsize What was told; negative means the default, as in Python.
 * @param otherwise The default.
 * @param most The most that it may be.
 * @throws {RangeError} If it is not a whole number, or more than that.
 */
export function bufsize_of(bufsize: number, otherwise: number, most: number): number {
  if (bufsize !== most && !(Number.isInteger(bufsize) && bufsize <= most)) {
    const told = Deno.inspect(bufsize);
    throw new RangeError(`Cannot use bufsize = ${told}: it must be a whole number up to ${most}`);
  }
  return bufsize < 0 ? otherwise : bufsize;
}
