import { types } from "node:util";
import { is_platform_object } from "../runtime/deno_internals.ts";

/**
 * How many objects may be nested in each other in what is sent. Deno sends more than it can read: with
 * the stack that it has, it reads 2,100 to 5,000 of them, by their kind, and after one that is deeper the
 * port delivers nothing any more.
 */
export const MAX_DEPTH = 500;

/** How many objects a value may have that is small. */
const SMALL = 64;

/** So long may an array be whose elements are looked at by their names, as structured cloning does. */
const SHORT = 1000;

/** The prototypes of what is cloned property by property; others are looked at more closely. */
const PLAIN: Set<unknown> = new Set([Object.prototype, Array.prototype, null]);

/** What a look through a value has shown. */
export interface Look {
  /** Whether it can surely be cloned, and is so small that this was quick to tell. */
  is_small_and_plain: boolean;
  /** Whether it is nested deeper than {@linkcode MAX_DEPTH}. */
  is_deep: boolean;
  /** Whether it has getters of its own, so that nobody knows what they will give. */
  has_getters: boolean;
  /** Objects of the platform, such as a `URL`: of many of them a copy is an empty object. */
  platform_objects: object[];
}

/**
 * Looks through a value as structured cloning does, in its order, and runs no code of the value, but for
 * the getter of an element in a long array.
 */
export function look_at(value: unknown): Look {
  const first = new Walk(SMALL);
  first.visit(value, 1);
  if (!first.has_ended) return first.look;
  // Only a value with many objects is worth the memory for which of them it has seen.
  const second = new Walk(Infinity, new Set());
  second.visit(value, 1);
  return { ...second.look, is_small_and_plain: false };
}

/** Tells quickly of most values that they can be cloned: `serialize()` takes a fifth as long as a call. */
export function is_small_and_plain(value: unknown): boolean {
  if (typeof value === "number" || typeof value === "string" || value === null) return true;
  const walk = new Walk(SMALL);
  walk.visit(value, 1);
  return !walk.has_ended && walk.look.is_small_and_plain;
}

/** A walk through a value: no deeper than {@linkcode MAX_DEPTH}, and each object once. */
class Walk {
  readonly look: Look = {
    is_small_and_plain: true,
    is_deep: false,
    has_getters: false,
    platform_objects: [],
  };
  has_ended = false;
  /** How many objects it may look at. */
  #left: number;
  /** Which it has looked at; where it may look at few only, it does not care. */
  #seen: Set<object> | undefined;

  constructor(left: number, seen?: Set<object>) {
    this.#left = left;
    this.#seen = seen;
  }

  /** Looks at what is in `depth - 1` objects. */
  visit(value: unknown, depth: number): void {
    if (this.has_ended) return;
    if (typeof value === "object") {
      if (value !== null) this.#visit_object(value, depth);
    } else if (typeof value === "function" || typeof value === "symbol") {
      this.look.is_small_and_plain = false;
    }
  }

  #visit_object(value: object, depth: number): void {
    if (ArrayBuffer.isView(value)) {
      if (!is_fixed(value.buffer)) this.look.is_small_and_plain = false;
    } else if (types.isProxy(value) || types.isArgumentsObject(value)) {
      this.look.is_small_and_plain = false;
    } else if (this.#is_new(value)) {
      if (--this.#left < 0) this.has_ended = true;
      else if (depth > MAX_DEPTH) this.has_ended = this.look.is_deep = true;
      else this.#visit_content(value, depth + 1);
    }
  }

  #is_new(value: object): boolean {
    if (!this.#seen) return true;
    if (this.#seen.has(value)) return false;
    this.#seen.add(value);
    return true;
  }

  #visit_content(value: object, depth: number): void {
    if (!PLAIN.has(Object.getPrototypeOf(value))) {
      this.look.is_small_and_plain = false;
      if (types.isNativeError(value)) return this.#visit_property(value, "cause", depth);
      if (types.isMap(value)) return this.#visit_map(value, depth);
      if (types.isSet(value)) return this.#visit_set(value, depth);
      if (is_platform_object(value)) this.look.platform_objects.push(value);
    }
    if (!Array.isArray(value) || !this.#visit_elements(value, depth)) {
      for (const name of Object.keys(value)) {
        this.#visit_property(value, name, depth);
        if (this.has_ended) return;
      }
    }
  }

  #visit_property(value: object, name: string, depth: number): void {
    const property = Object.getOwnPropertyDescriptor(value, name);
    if (!property) return;
    if ("value" in property) return this.visit(property.value, depth);
    this.look.has_getters = true;
    this.look.is_small_and_plain = false;
  }

  #visit_map(map: Map<unknown, unknown>, depth: number): void {
    Map.prototype.forEach.call(map, (value, key) => {
      this.visit(key, depth);
      this.visit(value, depth);
    });
  }

  #visit_set(set: Set<unknown>, depth: number): void {
    Set.prototype.forEach.call(set, (value) => this.visit(value, depth));
  }

  /** Looks at the elements of a long array; not if it is short, or one of them is not there. */
  #visit_elements(array: unknown[], depth: number): boolean {
    const { length } = array;
    if (length <= SHORT) return false;
    for (let at = 0; at < length && !this.has_ended; at++) {
      const element = array[at];
      if (element === undefined && !Object.hasOwn(array, at)) return false;
      this.visit(element, depth);
    }
    return true;
  }
}

/** Whether a view of the buffer can be cloned, whatever became of the buffer. */
function is_fixed(buffer: ArrayBufferLike): boolean {
  const { detached, resizable } = buffer as ArrayBuffer;
  return !detached && !resizable;
}
