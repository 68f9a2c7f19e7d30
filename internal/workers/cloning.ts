import { deserialize, serialize } from "node:v8";
import { image_of } from "./error_image.ts";
import { type Look, look_at, MAX_DEPTH } from "./look.ts";
import type { FromWorker, PlainJob, ToWorker } from "./messages.ts";
import { not_copied } from "./sharing.ts";

/** Copies a value. */
type Copy = (value: unknown) => unknown;

/**
 * A copy of a value as a thread gets it.
 *
 * @throws What says that it cannot be cloned, or is nested too deep to be read there.
 */
export function thread_copy(value: unknown): unknown {
  return structuredClone(readable(value, structuredClone));
}

/**
 * A copy of a value as a child process gets it: without shared memory, which `structuredClone()` takes.
 *
 * @throws What says that it cannot be cloned, or is nested too deep to be read there.
 */
export function process_copy(value: unknown): unknown {
  return serialized_copy(readable(value, serialized_copy));
}

/**
 * Makes a message ready to be sent to another thread, where what is nested too deep cannot be read: the
 * port delivers nothing any more from then on.
 *
 * @throws {DOMException} If it is nested too deep.
 */
export function prepare_for_thread(message: ToWorker | FromWorker): void {
  replace_foreign(message, (value) => readable(value, structuredClone));
}

/**
 * Makes a message ready to be sent to another process. Deno says that it cannot be sent only when it has
 * sent the first half, and the channel is of no use from then on.
 *
 * @throws {DOMException} If it cannot be cloned, or is nested too deep.
 */
export function prepare_for_process(message: ToWorker | FromWorker): void {
  replace_foreign(message, (value) => {
    const look = look_at(value);
    if (look.is_small_and_plain) return value;
    try {
      const sent = readable(value, serialized_copy, look);
      serialize(sent);
      return sent;
    } catch (error) {
      throw new DOMException(image_of(error).message, "DataCloneError");
    }
  });
}

/** What is said of a shared object that is not looked for. */
const ONLY_PLAIN =
  "A lock, a queue and the like can be passed by itself, or in plain objects and arrays: " +
  "not in a Map, a Set or an object of a class";

/** The error of a call whose argument or result cannot be cloned: says which. */
export function uncloneable(what: string, error: unknown): DOMException {
  const { message } = image_of(error);
  const reason = message.startsWith(String(not_copied)) ? ONLY_PLAIN : message;
  return new DOMException(`Cannot pass ${what}: ${reason}`, "DataCloneError");
}

function serialized_copy(value: unknown): unknown {
  return deserialize(serialize(value));
}

/**
 * A value as it can be read where it is sent to. One that has getters is copied: each runs once, and what
 * it gave is looked at, too.
 */
function readable(value: unknown, copy: Copy, look: Look = look_at(value)): unknown {
  if (look.is_deep) {
    const message = `It is nested deeper than ${MAX_DEPTH} levels`;
    throw new DOMException(message, "DataCloneError");
  }
  for (const object of look.platform_objects) refuse_empty_copy(object, copy);
  return look.has_getters ? readable(copy(value), copy) : value;
}

/**
 * Refuses an object of the platform of which a copy has nothing. Deno refuses it itself, but only where it
 * is not in another one.
 *
 * @throws {DOMException} If it is one.
 */
function refuse_empty_copy(object: object, copy: Copy): void {
  let inside: { object: unknown };
  try {
    inside = copy({ object }) as typeof inside;
  } catch {
    // It can be moved; where it is not, sending it says so.
    return;
  }
  if (Object.getPrototypeOf(inside.object) !== Object.prototype) return;
  const what = Object.prototype.toString.call(object).slice("[object ".length, -1);
  throw new DOMException(`Nothing of an object of ${what} would arrive`, "DataCloneError");
}

/**
 * Replaces what in a message is not made by this library, which sends only what can be cloned: settings
 * are copies.
 */
function replace_foreign(message: ToWorker | FromWorker, sent: Copy): void {
  // Of calls that want no answer the arguments are the library's.
  if (message.type === "call" && message.call === 0) return;
  if (message.type === "call") message.args = message.args.map(sent);
  else if (message.type === "jobs") message.jobs.forEach((job) => replace_in(job, sent));
  else if (message.type === "answer") message.value = sent(message.value);
  else if (message.type === "job") message.message = sent(message.message);
  else if (message.type === "done") {
    if (message.value !== undefined) message.value = sent(message.value);
  } else if (message.type === "start") {
    const { shared } = message;
    if (shared) message.shared = { ...shared, value: sent(shared.value) };
  } else if (message.type === "peer" && !message.is_plain) message.body = message.body.map(sent);
}

/** The same in a job. Messages that are arrays are the library's: mostly there is no object in them. */
function replace_in(job: PlainJob, sent: Copy): void {
  const [, message] = job;
  const is_flat = Array.isArray(message) && message.every(is_no_object);
  if (!is_flat) job[1] = sent(message);
}

function is_no_object(value: unknown): boolean {
  return typeof value !== "object";
}
