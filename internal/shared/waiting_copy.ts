import { types } from "node:util";

/** How many values a value may have in it that waits: more are sent at once, and not copied once more. */
const SMALL = 64;

/** Stands for the copy of a value that must be sent at once. */
export const CANNOT_WAIT: unique symbol = Symbol("cannot wait");

/**
 * A copy of a small and plain value, which waits to be sent: who has the value may change it meanwhile.
 *
 * @returns {@linkcode CANNOT_WAIT} for any other value.
 */
export function copy_that_waits(value: unknown, room: { left: number } = { left: SMALL }): unknown {
  if (typeof value === "function" || typeof value === "symbol") return CANNOT_WAIT;
  if (typeof value === "string") return takes_room(value, room) ? value : CANNOT_WAIT;
  if (typeof value !== "object" || value === null) return value;
  if (types.isProxy(value)) return CANNOT_WAIT;
  const is_array = Array.isArray(value);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== (is_array ? Array : Object).prototype) return CANNOT_WAIT;
  const keys = Object.keys(value);
  room.left -= keys.length;
  if (!is_array && !keys.every((key) => takes_room(key, room))) return CANNOT_WAIT;
  // An array may have holes, and names.
  if (room.left < 0 || (is_array && keys.length !== value.length)) return CANNOT_WAIT;
  if (is_array && value.every(is_short_primitive)) return value.slice();
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    const copy = copy_that_waits(item, room);
    if (copy === CANNOT_WAIT) return CANNOT_WAIT;
    entries.push([key, copy]);
  }
  return is_array ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

/** Whether there is room for a text: one of up to 1 KiB takes none. */
function takes_room({ length }: string, room: { left: number }): boolean {
  return (room.left -= length >> 10) >= 0;
}

/** Whether a value is none of those that others can change, or that cannot be cloned, and no long text. */
function is_short_primitive(value: unknown): boolean {
  const type = typeof value;
  if (type === "string") return (value as string).length < 1024;
  return type !== "object" ? type !== "function" && type !== "symbol" : value === null;
}
