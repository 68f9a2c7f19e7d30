import { check_names } from "../server/options.ts";
import { check_time } from "../server/sockets/check_time.ts";

/** How long a line may be unless the caller says otherwise, in bytes. */
const DEFAULT_LIMIT = 65_536;
/** The longest block, in bytes: 4 GiB. */
export const MAX_BLOCK: number = 2 ** 32;

/** What bounds a read of a {@linkcode BufferedReader}, by names. */
export interface ReadBounds {
  /**
   * The most bytes of a line or block, its end included.
   *
   * @default {65536}
   */
  limit?: number;
  /**
   * How long the read may take from its first byte on, in ms; `null` means for ever. Unless told, it is
   * the reader's.
   */
  read_deadline?: number | null;
}

/** The limit that a call was given, as a number or by name. */
export function limit_of(given: number | ReadBounds = DEFAULT_LIMIT): number {
  return check_size(typeof given === "object" ? given.limit ?? DEFAULT_LIMIT : given);
}

/** The deadline that a call was given, as a number or by name; else the reader's own. */
export function deadline_of(
  given: number | ReadBounds | null | undefined,
  own: number | null,
): number | null {
  if (typeof given !== "object" || given === null) return time_of(given, own);
  check_names(given, ["limit", "read_deadline"]);
  return time_of(given.read_deadline, own);
}

function time_of(time: number | null | undefined, own: number | null): number | null {
  return time === undefined ? own : check_time("read_deadline", time);
}

/** The size, if it is one. */
export function check_size(size: number): number {
  if (size === Infinity || (Number.isInteger(size) && size >= 0)) return size;
  throw new RangeError(`Cannot read ${size} bytes: it must be a whole number from 0`);
}

/** The size of a block, if there can be one of that size. */
export function check_block(size: number): number {
  if (check_size(size) <= MAX_BLOCK) return size;
  throw new RangeError(`Cannot read a block of ${size} bytes: it has at most ${MAX_BLOCK}`);
}
