import { begin, type Kind } from "../../../internal/shared/shared_object.ts";
import { copy_of, provide_class } from "../../../internal/shared/travel.ts";
import { ListHome } from "./list_home.ts";
import { ValueProxy } from "./value_proxy.ts";

const KIND: Kind = {
  file: "concurrency/multiprocessing/manager/list_proxy.ts",
  name: "ListProxy",
};

/**
 * A list that several threads, processes and programs use: what `Manager.list()` of Python gives.
 *
 * Values go in and come out as copies: to change one, set it anew. Locks, queues and other proxies are themselves. An
 * index below 0 counts from the end.
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
export class ListProxy<T> extends ValueProxy {
  /**
   * Makes a list, at home in this thread.
   *
   * @param values What is in it at first.
   * @throws {DOMException} If a value cannot be cloned (`DataCloneError`).
   */
  constructor(values: Iterable<T> = []) {
    super();
    begin(this, KIND, () => new ListHome(copy_of([...values])));
  }

  /**
   * The value at a place.
   *
   * @throws {RangeError} If there is no such place.
   */
  get(index: number): Promise<T> {
    return this.ask("get", index);
  }

  /**
   * Sets the value at a place.
   *
   * @throws {RangeError} If there is no such place.
   * @throws {DOMException} If the value cannot be cloned (`DataCloneError`).
   */
  set(index: number, value: T): Promise<void> {
    return this.ask("set", index, value);
  }

  /**
   * Adds a value at the end.
   *
   * @throws {DOMException} If it cannot be cloned (`DataCloneError`).
   */
  append(value: T): Promise<void> {
    return this.ask("append", value);
  }

  /**
   * Adds many values at the end.
   *
   * @throws {DOMException} If one cannot be cloned (`DataCloneError`).
   */
  extend(values: Iterable<T>): Promise<void> {
    return this.ask("extend", [...values]);
  }

  /**
   * Adds a value before the one at a place; at the nearest end where there is no such place.
   *
   * @throws {DOMException} If it cannot be cloned (`DataCloneError`).
   */
  insert(index: number, value: T): Promise<void> {
    return this.ask("insert", index, value);
  }

  /**
   * Removes a value and gives it.
   *
   * @param index Its place: the last one unless told.
   * @throws {RangeError} If there is no such place.
   */
  pop(index = -1): Promise<T> {
    return this.ask("pop", index);
  }

  /**
   * Removes the first value that is equal: objects are, whose parts are.
   *
   * @throws {RangeError} If there is none.
   */
  remove(value: T): Promise<void> {
    return this.ask("remove", value);
  }

  /**
   * The place of the first value that is equal.
   *
   * @throws {RangeError} If there is none.
   */
  index(value: T): Promise<number> {
    return this.ask("index", value);
  }

  /** All values. */
  copy(): Promise<T[]> {
    return this.ask("copy");
  }

  /** How many values there are. */
  length(): Promise<number> {
    return this.ask("length");
  }
}

provide_class(KIND, ListProxy);
