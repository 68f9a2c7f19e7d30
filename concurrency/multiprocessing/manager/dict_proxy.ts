import { begin, type Kind, SharedObject } from "../../../internal/shared/shared_object.ts";
import { copy_of, provide_class } from "../../../internal/shared/travel.ts";
import { attempt } from "../../../internal/shared/waits.ts";
import { ask } from "./ask.ts";
import { DictHome } from "./dict_home.ts";

const KIND: Kind = {
  file: "concurrency/multiprocessing/manager/dict_proxy.ts",
  name: "DictProxy",
};

/** Keys with values, to fill a dict. */
export type DictItems<K, V> = Iterable<readonly [K, V]>;

/**
 * A dict that several threads, processes and programs use: what `Manager.dict()` of Python gives.
 *
 * Values go in and come out as copies: to change one, set it anew. Locks, queues and other proxies are themselves. Calls
 * reject with `Deno.errors.BadResource` when what made it is gone, or it was withdrawn. Needs no permission.
 *
 * @typeParam K The type of a key, which is no object: that would be another one each time that it comes.
 * @typeParam V The type of a value.
 *
 * @example
 * ```ts
 * import { Manager } from "@socketserver/socketserver/multiprocessing";
 *
 * await using manager = new Manager();
 * const ages = await manager.dict<string, number>([["Ann", 40]]);
 * await ages.set("Bob", 30);
 * console.log(await ages.items()); // [ [ "Ann", 40 ], [ "Bob", 30 ] ]
 * ```
 */
export class DictProxy<K, V> extends SharedObject {
  /**
   * Makes a dict, at home in this thread.
   *
   * @param items What is in it at first.
   * @throws {TypeError} If a key is an object.
   * @throws {DOMException} If a value cannot be cloned (`DataCloneError`).
   */
  constructor(items: DictItems<K, V> = []) {
    super();
    begin(this, KIND, () => new DictHome(copy_of("an item", pairs_of(items))));
  }

  /**
   * The value of a key.
   *
   * @param key The key.
   * @param otherwise What is given where there is none: `undefined` unless told.
   */
  get(key: K): Promise<V | undefined>;
  /** The same with another value where there is none. */
  get<D>(key: K, otherwise: D): Promise<V | D>;
  get(key: K, otherwise?: unknown): Promise<unknown> {
    return ask(this, "get", key, otherwise);
  }

  /**
   * Sets the value of a key.
   *
   * @throws {TypeError} If the key is an object.
   * @throws {DOMException} If the value cannot be cloned (`DataCloneError`).
   */
  set(key: K, value: V): Promise<void> {
    return attempt(() => ask(this, "set", check_key(key), value));
  }

  /** Removes a key; gives whether there was one. */
  delete(key: K): Promise<boolean> {
    return ask(this, "delete", key);
  }

  /** Whether there is a key. */
  has(key: K): Promise<boolean> {
    return ask(this, "has", key);
  }

  /** The keys, in the order in which they came. */
  keys(): Promise<K[]> {
    return ask(this, "keys");
  }

  /** The values, in the order of their keys. */
  values(): Promise<V[]> {
    return ask(this, "values");
  }

  /** The keys with their values. */
  items(): Promise<[K, V][]> {
    return ask(this, "items");
  }

  /**
   * Removes a key and gives its value.
   *
   * @param key The key.
   * @param otherwise What is given where there is none: `undefined` unless told.
   */
  pop(key: K): Promise<V | undefined>;
  /** The same with another value where there is none. */
  pop<D>(key: K, otherwise: D): Promise<V | D>;
  pop(key: K, otherwise?: unknown): Promise<unknown> {
    return ask(this, "pop", key, otherwise);
  }

  /**
   * Sets the values of many keys at once.
   *
   * @throws {TypeError} If a key is an object.
   * @throws {DOMException} If a value cannot be cloned (`DataCloneError`).
   */
  update(items: DictItems<K, V>): Promise<void> {
    return attempt(() => ask(this, "update", pairs_of(items)));
  }

  /** Removes all keys. */
  clear(): Promise<void> {
    return ask(this, "clear");
  }

  /** How many keys there are. */
  size(): Promise<number> {
    return ask(this, "size");
  }
}

/**
 * The pairs to fill a dict with.
 *
 * @throws {TypeError} If they are none, or a key is an object.
 */
export function pairs_of<K, V>(items: DictItems<K, V>): (readonly [K, V])[] {
  if (typeof Object(items)[Symbol.iterator] !== "function") {
    throw new TypeError(
      `Cannot fill a dict with ${Deno.inspect(items)}: give it pairs, as of Object.entries()`,
    );
  }
  return [...items].map(([key, value]) => [check_key(key), value]);
}

function check_key<K>(key: K): K {
  if ((typeof key !== "object" || key === null) && typeof key !== "function") return key;
  throw new TypeError("A key cannot be an object: it would be another one each time that it comes");
}

provide_class(KIND, DictProxy);
