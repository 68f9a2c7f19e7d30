import { type Kind, SharedObject } from "../../internal/shared/shared_object.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import type { Lock } from "../threading/lock.ts";
import type { RLock } from "../threading/rlock.ts";
import type { NumberFor, NumberOf, TypeCode } from "./number_type.ts";
import { begin_numbers, type Numbers, type NumbersOptions } from "./numbers.ts";

const KIND: Kind = { file: "concurrency/multiprocessing/value.ts", name: "Value" };

/**
 * A number that threads and processes share: Python's `multiprocessing.Value`. Threads have it in memory that they share,
 * child processes reach it by calls; a number is stored whole, and seen by all at once.
 *
 * `get()` and `set()` together are two steps: use {@linkcode Value.add} or {@linkcode Value.update}, which are one, or have
 * all who change the number hold its lock. The lock stops only those who take it: `add()` and `update()` do not.
 *
 * @typeParam C The typecode: see {@linkcode TypeCode}.
 *
 * @example A counter
 * ```ts
 * import * as multiprocessing from "@socketserver/socketserver/multiprocessing";
 *
 * const counter = new multiprocessing.Value("i", 40);
 * await counter.add(1);
 * await counter.update((count) => count + 1);
 * console.log(await counter.get()); // 42
 * ```
 *
 * @example Python's `with counter.get_lock(): counter.value += 1`
 * ```ts
 * import * as multiprocessing from "@socketserver/socketserver/multiprocessing";
 *
 * const counter = new multiprocessing.Value("i");
 * {
 *   using _hold = await counter.get_lock().hold();
 *   await counter.set(await counter.get() + 1);
 * }
 * ```
 */
export class Value<C extends TypeCode = TypeCode> extends SharedObject {
  #numbers: Numbers<C>;

  /**
   * Makes one.
   *
   * @param typecode How it is stored.
   * @param value What it is at first: 0 unless told.
   * @param options Its lock.
   * @throws {TypeError} If there is no such typecode, or something has another type.
   * @throws {RangeError} If the value is out of the range of its typecode.
   */
  constructor(typecode: C, value: NumberFor<C> = 0, options: NumbersOptions = {}) {
    super();
    this.#numbers = begin_numbers(this, KIND, typecode, options, () => [value]);
  }

  /** The number. */
  get(): Promise<NumberOf<C>> {
    return this.#numbers.load(0);
  }

  /**
   * Stores another number.
   *
   * @throws {TypeError} If it has another type.
   * @throws {RangeError} If it is out of the range of the typecode, or not whole where it must be: C would cut it.
   */
  set(value: NumberFor<C>): Promise<void> {
    return this.#numbers.store(0, value);
  }

  /**
   * Adds to the number, whoever else does so at the same time.
   *
   * @returns The sum.
   * @throws {RangeError} If it is out of the range of the typecode: then nothing is added.
   */
  add(value: NumberFor<C>): Promise<NumberOf<C>> {
    return this.#numbers.add(0, value);
  }

  /**
   * Replaces the number by what a function makes of it, whoever else changes it at the same time.
   *
   * @param fn Is given the number. It is called again where another one has changed that meanwhile.
   * @returns What it gave.
   * @throws What it throws, and what {@linkcode Value.set} throws: then the number stays as it is.
   */
  update(fn: (value: NumberOf<C>) => NumberFor<C>): Promise<NumberOf<C>> {
    return this.#numbers.update(0, fn);
  }

  /**
   * Its lock.
   *
   * @throws {TypeError} If it has none.
   */
  get_lock(): Lock | RLock {
    return this.#numbers.get_lock();
  }
}

provide_class(KIND, Value);

// Where nobody checks types, Python's `value` would be `undefined`, and what is stored there lost.
Object.defineProperty(Value.prototype, "value", { get: refuse_property, set: refuse_property });

function refuse_property(): never {
  throw new TypeError("A Value has no property value: await its get(), set() or add()");
}
