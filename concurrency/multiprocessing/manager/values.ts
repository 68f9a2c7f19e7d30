import { types } from "node:util";
import { error_of, type ErrorImage, image_of } from "../../../internal/workers/error_image.ts";
import { MAX_DEPTH } from "../../../internal/workers/look.ts";
import { is_shared, type Packed, type Passenger } from "../../../internal/workers/sharing.ts";
import type { Link } from "../../../internal/shared/link.ts";
import { core_of, type SharedObject } from "../../../internal/shared/shared_object.ts";
import {
  type Handle as ObjectHandle,
  handle_of,
  put_in,
  resolve,
} from "../../../internal/shared/travel.ts";

/**
 * What JSON lacks, as it travels: the value has `null` in its place. Byte arrays travel beside the JSON, see
 * `message_frame.ts`.
 */
type Handle =
  | ObjectHandle
  | { plain: "undefined" | "null" | "NaN" | "Infinity" | "-Infinity" | "-0" }
  | { bigint: string }
  | { date: number | null }
  | { regexp: [source: string, flags: string] }
  | { map: Packed }
  | { set: Packed }
  | { error: ErrorImage }
  | { bytes: Uint8Array | number; of: string };

/** By how many levels what stands for a `Map` or a `Set` is nested deeper than these. */
const LEVELS = 5;

/** So many levels of a message are not the value's. */
const OWN_LEVELS = 40;

/** About how many bytes of JSON a handle takes. */
const HANDLE = 24;

/** What is that short need not be walked through. */
const SHORT_LIST = 8;
const SHORT_TEXT = 1024;

const PLAIN: Record<string, unknown> = {
  undefined,
  null: null,
  NaN,
  Infinity,
  "-Infinity": -Infinity,
  "-0": -0,
};

/** What byte arrays can be. */
const VIEWS: Record<string, new (buffer: ArrayBuffer) => unknown> = Object.fromEntries(
  [
    Uint8Array,
    Uint8ClampedArray,
    Uint16Array,
    Uint32Array,
    Int8Array,
    Int16Array,
    Int32Array,
    BigInt64Array,
    BigUint64Array,
    Float32Array,
    Float64Array,
    DataView,
  ].map((Class) => [Class.name, Class]),
);

/**
 * Shared objects that other programs may use: an executor would run what they name, and connections and ends of pipes go
 * to those only that this program has started.
 */
const USABLE = new Set([
  "concurrency/threading/barrier.ts",
  "concurrency/threading/condition.ts",
  "concurrency/threading/event.ts",
  "concurrency/threading/lock.ts",
  "concurrency/threading/rlock.ts",
  "concurrency/threading/semaphore.ts",
  "concurrency/queue/lifo_queue.ts",
  "concurrency/queue/priority_queue.ts",
  "concurrency/queue/queue.ts",
  "concurrency/multiprocessing/array.ts",
  "concurrency/multiprocessing/value.ts",
  "concurrency/multiprocessing/manager/dict_proxy.ts",
  "concurrency/multiprocessing/manager/list_proxy.ts",
  "concurrency/multiprocessing/manager/namespace_proxy.ts",
  "concurrency/multiprocessing/manager/object_proxy.ts",
]);

/**
 * Makes a value ready to be sent to another program: a copy that JSON can have, and what it cannot.
 *
 * @param max_size How large it may be, about, in bytes.
 * @throws {TypeError} If there is something in it that cannot be sent, or it is too large.
 */
export function to_wire(value: unknown, link: Link, max_size: number): Packed {
  if (is_short_list(value)) return { value: value.slice() };
  const walk = new Walk(link, { left: max_size });
  // At the top, JSON's null is what most calls give.
  const packed = value === undefined ? undefined : walk.visit(value, OWN_LEVELS);
  if (value === null) walk.passengers.push([[], { plain: "null" }]);
  return walk.passengers.length > 0
    ? { value: packed, passengers: walk.passengers }
    : { value: packed };
}

/** Whether it is what most calls have: an array of a few numbers and short texts. */
function is_short_list(value: unknown): value is unknown[] {
  if (!Array.isArray(value) || value.length > SHORT_LIST) return false;
  for (let at = 0; at < value.length; at++) {
    const item: unknown = value[at];
    const is_simple = item === null || typeof item === "boolean" ||
      (typeof item === "string" ? item.length < SHORT_TEXT : Number.isInteger(item) && item !== 0);
    if (!is_simple && !Object.is(item, 0)) return false;
  }
  return true;
}

/** A walk through a value, which takes out what JSON cannot have. */
class Walk {
  readonly passengers: Passenger[] = [];
  #link: Link;
  #room: { left: number };
  /** Where it is. */
  #path: (string | number)[] = [];

  constructor(link: Link, room: { left: number }) {
    this.#link = link;
    this.#room = room;
  }

  visit(value: unknown, depth: number): unknown {
    this.#takes_room(1);
    switch (typeof value) {
      case "string":
        this.#takes_room(value.length);
        return value;
      case "boolean":
        return value;
      case "number":
        if (Number.isFinite(value) && !Object.is(value, -0)) return value;
        return this.#put({ plain: Object.is(value, -0) ? "-0" : String(value) as "NaN" });
      case "undefined":
        return this.#put({ plain: "undefined" });
      case "bigint":
        return this.#put({ bigint: value.toString(16) });
      case "object":
        return value === null ? null : this.#visit_object(value, depth + 1);
      default:
        throw new TypeError(`A ${typeof value} cannot be sent to another program`);
    }
  }

  #takes_room(size: number): void {
    if ((this.#room.left -= size) >= 0) return;
    throw new TypeError("It is larger than max_message_size");
  }

  #put(handle: Handle): null {
    this.#takes_room(HANDLE);
    this.passengers.push([[...this.#path], handle]);
    return null;
  }

  #visit_at(key: string | number, item: unknown, depth: number): unknown {
    this.#path.push(key);
    const packed = this.visit(item, depth);
    this.#path.pop();
    return packed;
  }

  #visit_object(value: object, depth: number): unknown {
    if (depth > MAX_DEPTH) {
      throw new TypeError(
        `It is nested deeper than ${MAX_DEPTH - OWN_LEVELS} levels, or is in itself`,
      );
    }
    if (Array.isArray(value)) {
      const copy: unknown[] = [];
      for (let at = 0; at < value.length; at++) copy.push(this.#visit_at(at, value[at], depth));
      return copy;
    }
    const handle = this.#handle_of(value, depth);
    if (handle) return this.#put(handle);
    const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
    if (tag !== "Object") throw new TypeError(`A ${tag} cannot be sent to another program`);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        this.#takes_room(key.length);
        return [key, this.#visit_at(key, item, depth)];
      }),
    );
  }

  #handle_of(value: object, depth: number): Handle | undefined {
    if (is_shared(value as unknown)) return this.#handle_of_shared(value as SharedObject);
    if (ArrayBuffer.isView(value) || types.isArrayBuffer(value)) return this.#bytes_of(value);
    if (types.isDate(value)) {
      const time = value.getTime();
      return { date: Number.isNaN(time) ? null : time };
    }
    if (types.isMap(value)) return { map: this.#packed([...value].flat(1), depth) };
    if (types.isSet(value)) return { set: this.#packed([...value], depth) };
    if (types.isRegExp(value)) return { regexp: [value.source, value.flags] };
    if (types.isNativeError(value) || value instanceof Error) return { error: image_of(value) };
  }

  #handle_of_shared(object: SharedObject): Handle {
    const { kind } = core_of(object);
    if (USABLE.has(kind.file)) return handle_of(object, this.#link);
    throw new TypeError(`A ${kind.name} cannot be sent to another program`);
  }

  #bytes_of(value: ArrayBufferView | ArrayBuffer): Handle {
    const is_view = ArrayBuffer.isView(value);
    const bytes = is_view
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value);
    this.#takes_room(bytes.length);
    // A copy: it may be changed until it is sent.
    const of = is_view ? Object.prototype.toString.call(value).slice(8, -1) : "ArrayBuffer";
    return { bytes: bytes.slice(), of };
  }

  /** What is in a `Map` or a `Set`, with handles of its own. */
  #packed(items: unknown[], depth: number): Packed {
    const walk = new Walk(this.#link, this.#room);
    return { value: walk.visit(items, depth + LEVELS), passengers: walk.passengers };
  }
}

/**
 * The value that came; a promise where a module must be loaded first.
 *
 * @throws {TypeError} If it makes no sense.
 */
export function from_wire(packed: Packed, link: Link): unknown {
  return put_in(packed, (handle) => value_of(handle as Handle, link));
}

function value_of(handle: Handle, link: Link): unknown {
  if ("plain" in handle) return PLAIN[handle.plain];
  if ("bigint" in handle) return bigint_of(handle.bigint);
  if ("date" in handle) return new Date(handle.date ?? NaN);
  if ("regexp" in handle) return new RegExp(...handle.regexp);
  if ("error" in handle) return error_of(handle.error);
  if ("bytes" in handle) return view_of(handle.bytes, handle.of);
  if ("map" in handle) return then(from_wire(handle.map, link), map_of);
  if ("set" in handle) return then(from_wire(handle.set, link), (items) => new Set(items));
  if ("mine" in handle && !USABLE.has(handle.kind.file)) {
    throw new TypeError(`A ${handle.kind.name} does not come from another program`);
  }
  return resolve(handle, link);
}

/** From hexadecimal digits: unlike decimal ones, many are no more work than few. */
function bigint_of(text: string): bigint {
  return text.startsWith("-") ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}

function view_of(bytes: unknown, of: string): unknown {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("There are no such bytes");
  if (of === "ArrayBuffer") return bytes.buffer;
  const View = Object.hasOwn(VIEWS, of) ? VIEWS[of] : undefined;
  if (!View) throw new TypeError(`There is no byte array called ${of}`);
  return new View(bytes.buffer as ArrayBuffer);
}

function map_of(items: unknown[]): Map<unknown, unknown> {
  const pairs = Array.from(
    { length: items.length / 2 },
    (_, at) => [items[2 * at], items[2 * at + 1]] as const,
  );
  return new Map(pairs);
}

/** Goes on with what is in a `Map` or a `Set`, where all of it is there. */
function then(items: unknown, go_on: (items: unknown[]) => unknown): unknown {
  if (items instanceof Promise) return items.then((all) => then(all, go_on));
  // What only has a length would be as long as it says.
  if (!Array.isArray(items)) throw new TypeError("What is in it must be an array");
  return go_on(items);
}
