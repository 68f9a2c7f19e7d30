import { begin, type Kind, SharedObject } from "../../../internal/shared/shared_object.ts";
import { copy_of, provide_class } from "../../../internal/shared/travel.ts";
import { ask } from "./ask.ts";
import { ListHome } from "./list_home.ts";

const KIND: Kind = {
  file: "concurrency/multiprocessing/manager/list_proxy.ts",
  name: "ListProxy",
};

/**
 * A list that several threads, processes and programs use: what `Manager.list()` of Python gives.
 *
 * Values go in and come out as copies: to change one, set it anew. Locks, queues and other proxies are themselves. An
 * index below 0 counts from the end. Calls reject with `Deno.errors.BadResource` when what made it is gone, or it was
 * withdrawn. Needs no permission.
 *
 * @typeParam T The type of a value.
 *
 * @example
 * ```ts
 * import { Manager } from "@socketserver/socketserver/multiprocessing";
 *
 * await using manager = new Manager();
 * const words = await manager.list(["one"]);
 * await words.append("two");
 * console.log(await words.copy(), await words.get(-1)); // [ "one", "two" ] two
 * ```
 */
export class ListProxy<T> extends SharedObject {
  /**
   * Makes a list, at home in this thread.
   *
   * @param values What is in it at first.
   * @throws {DOMException} If a value cannot be cloned (`DataCloneError`).
   */
  constructor(values: Iterable<T> = []) {
    super();
    begin(this, KIND, () => new ListHome(copy_of("an item", [...values])));
  }

  /**
   * The value at a place.
   *
   * @throws {RangeError} If there is no such place.
   */
  get(index: number): Promise<T> {
    return ask(this, "get", index);
  }

  /**
   * Sets the value at a place.
   *
   * @throws {RangeError} If there is no such place.
   * @throws {DOMException} If the value cannot be cloned (`DataCloneError`).
   */
  set(index: number, value: T): Promise<void> {
    return ask(this, "set", index, value);
  }

  /**
   * Adds a value at the end.
   *
   * @throws {DOMException} If it cannot be cloned (`DataCloneError`).
   */
  append(value: T): Promise<void> {
    return ask(this, "append", value);
  }

  /**
   * Adds many values at the end.
   *
   * @throws {DOMException} If one cannot be cloned (`DataCloneError`).
   */
  extend(values: Iterable<T>): Promise<void> {
    return ask(this, "extend", [...values]);
  }

  /**
   * Adds a value before the one at a place; at the nearest end where there is no such place.
   *
   * @throws {DOMException} If it cannot be cloned (`DataCloneError`).
   */
  insert(index: number, value: T): Promise<void> {
    return ask(this, "insert", index, value);
  }

  /**
   * Removes a value and gives it.
   *
   * @param index Its place: the last one unless told.
   * @throws {RangeError} If there is no such place.
   */
  pop(index = -1): Promise<T> {
    return ask(this, "pop", index);
  }

  /**
   * Removes the first value that is equal: objects are, whose parts are.
   *
   * @throws {RangeError} If there is none.
   */
  remove(value: T): Promise<void> {
    return ask(this, "remove", value);
  }

  /**
   * The place of the first value that is equal.
   *
   * @throws {RangeError} If there is none.
   */
  index(value: T): Promise<number> {
    return ask(this, "index", value);
  }

  /** All values. */
  copy(): Promise<T[]> {
    return ask(this, "copy");
  }

  /** How many values there are. */
  length(): Promise<number> {
    return ask(this, "length");
  }
}

provide_class(KIND, ListProxy);
