import { type Kind, SharedObject } from "../../internal/shared/shared_object.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import { attempt } from "../../internal/shared/waits.ts";
import type { Lock } from "../threading/lock.ts";
import type { RLock } from "../threading/rlock.ts";
import type { NumberFor, NumberOf, TypeCode } from "./number_type.ts";
import { begin_numbers, type Numbers, type NumbersOptions } from "./numbers.ts";

const KIND: Kind = { file: "concurrency/multiprocessing/array.ts", name: "Array" };

/**
 * Numbers that threads and processes share, as many as at first: Python's `multiprocessing.Array`. Each is like a
 * {@linkcode Value}. An index below 0 counts from the end.
 *
 * @typeParam C The typecode: see {@linkcode TypeCode}.
 *
 * @example Squares
 * ```ts
 * import * as multiprocessing from "@socketserver/socketserver/multiprocessing";
 *
 * const squares = new multiprocessing.Array("d", 4);
 * for (let at = 0; at < squares.length; at++) await squares.set(at, at ** 2);
 * console.log(await squares.slice()); // [ 0, 1, 4, 9 ]
 * console.log(await squares.get(-1)); // 9
 * ```
 */
export class Array<C extends TypeCode = TypeCode> extends SharedObject {
  #numbers: Numbers<C>;

  /**
   * Makes one.
   *
   * @param typecode How the numbers are stored.
   * @param size_or_values How many there are, all 0 at first; or what they are at first.
   * @param options Its lock.
   * @throws {TypeError} If there is no such typecode, or something has another type.
   * @throws {RangeError} If a number is out of the range of the typecode, or the size is not a whole number from 0.
   */
  constructor(
    typecode: C,
    size_or_values: number | Iterable<NumberFor<C>>,
    options: NumbersOptions = {},
  ) {
    super();
    this.#numbers = begin_numbers(this, KIND, typecode, options, () => size_or_values);
  }

  /** How many numbers there are. */
  get length(): number {
    return this.#numbers.length;
  }

  /**
   * A number.
   *
   * @throws {RangeError} If there is none at this index.
   */
  get(index: number): Promise<NumberOf<C>> {
    return attempt(() => this.#numbers.load(this.#place(index)));
  }

  /** A number, or `undefined` where there is none at this index. */
  at(index: number): Promise<NumberOf<C> | undefined> {
    const place = index < 0 ? index + this.length : index;
    return this.#has(place) ? this.#numbers.load(place) : Promise.resolve(undefined);
  }

  /**
   * Stores a number.
   *
   * @throws {TypeError} If it has another type.
   * @throws {RangeError} If there is no such index, or the number is out of the range of the typecode.
   */
  set(index: number, value: NumberFor<C>): Promise<void> {
    return attempt(() => this.#numbers.store(this.#place(index), value));
  }

  /**
   * Adds to a number, whoever else does so at the same time.
   *
   * @returns The sum.
   * @throws {RangeError} If there is no such index, or the sum is out of the range: then nothing is added.
   */
  add(index: number, value: NumberFor<C>): Promise<NumberOf<C>> {
    return attempt(() => this.#numbers.add(this.#place(index), value));
  }

  /**
   * Replaces a number by what a function makes of it: see {@linkcode Value.update}.
   *
   * @throws {RangeError} If there is no such index.
   */
  update(
    index: number,
    fn: (value: NumberOf<C>) => NumberFor<C>,
  ): Promise<NumberOf<C>> {
    return attempt(() => this.#numbers.update(this.#place(index), fn));
  }

  /**
   * A copy of some of the numbers, as `Array.prototype.slice` of JavaScript gives it.
   *
   * @param start The first; 0 unless told.
   * @param end The one after the last; the end unless told.
   */
  slice(start = 0, end: number = this.length): Promise<NumberOf<C>[]> {
    const from = this.#bound(start);
    return this.#numbers.slice(from, Math.max(from, this.#bound(end)));
  }

  /**
   * Stores numbers, one after the other: Python's `array[start:start + 2] = values`. They are not stored all at once: who
   * reads meanwhile may see some of them.
   *
   * @param start Where the first goes.
   * @param values The numbers. All are checked before one is stored.
   * @throws {RangeError} If they are not all inside, or one is out of the range.
   */
  set_slice(start: number, values: Iterable<NumberFor<C>>): Promise<void> {
    return attempt(() => {
      const numbers = [...values];
      const from = this.#bound(start);
      if (from + numbers.length <= this.length) return this.#numbers.assign(from, numbers);
      throw new RangeError(
        `Cannot store ${numbers.length} numbers from ${start}: the array has ${this.length}`,
      );
    });
  }

  /** The numbers as they are when this begins. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<NumberOf<C>> {
    yield* await this.slice();
  }

  /**
   * Its lock.
   *
   * @throws {TypeError} If it has none.
   */
  get_lock(): Lock | RLock {
    return this.#numbers.get_lock();
  }

  #has(place: number): boolean {
    return Number.isInteger(place) && place >= 0 && place < this.length;
  }

  #place(index: number): number {
    const place = index < 0 ? index + this.length : index;
    if (this.#has(place)) return place;
    throw new RangeError(`There is nothing at ${index}: the array has ${this.length} numbers`);
  }

  #bound(index: number): number {
    const whole = Math.trunc(index) || 0;
    return Math.min(Math.max(whole < 0 ? whole + this.length : whole, 0), this.length);
  }
}

provide_class(KIND, Array);
