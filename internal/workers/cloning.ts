import { types } from "node:util";
import { deserialize, serialize } from "node:v8";
import { image_of } from "./error_image.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** How many objects a value may have that is small. */
const SMALL = 64;

/**
 * A copy of a value as a child process gets it: without shared memory, which `structuredClone()` takes.
 *
 * @throws What says that it cannot be cloned.
 */
export function process_copy(value: unknown): unknown {
  return deserialize(serialize(value));
}

/**
 * Refuses a message that cannot be sent to another process. Deno says so only when it has sent the
 * first half, and the channel is of no use from then on.
 *
 * @throws {DOMException} If it cannot be cloned.
 */
export function refuse_uncloneable(message: ToWorker | FromWorker): void {
  for (const value of foreign_values(message)) {
    try {
      if (!is_small_and_plain(value)) serialize(value);
    } catch (error) {
      throw new DOMException(image_of(error).message, "DataCloneError");
    }
  }
}

/** The error of a call whose argument or result cannot be cloned: says which. */
export function uncloneable(what: string, error: unknown): DOMException {
  return new DOMException(`Cannot pass ${what}: ${image_of(error).message}`, "DataCloneError");
}

/** What in a message is not made by this library, which sends only what can be cloned. */
function foreign_values(message: ToWorker | FromWorker): unknown[] {
  switch (message.type) {
    case "call":
      return message.args;
    case "answer":
      return [message.value];
    case "job":
      return [message.message];
    case "start":
      return [message.settings];
    case "peer":
      return message.body;
    default:
      return [];
  }
}

/** Tells quickly of most values that they can be cloned: `serialize()` takes a fifth as long as a call. */
export function is_small_and_plain(
  value: unknown,
  looks: { count: number } = { count: 0 },
): boolean {
  if (typeof value !== "object") return typeof value !== "function" && typeof value !== "symbol";
  if (value === null) return true;
  if (ArrayBuffer.isView(value)) return is_fixed(value.buffer);
  if (++looks.count > SMALL || types.isProxy(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) {
    return false;
  }
  return Object.values(value).every((item) => is_small_and_plain(item, looks));
}

/** Whether a view of the buffer can be cloned, whatever became of the buffer. */
function is_fixed(buffer: ArrayBufferLike): boolean {
  const { detached, resizable } = buffer as ArrayBuffer;
  return !detached && !resizable;
}
