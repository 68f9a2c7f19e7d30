import { isDeepStrictEqual } from "node:util";
import type { Home } from "../../../internal/shared/home.ts";

/** A list in its home thread. */
export class ListHome implements Home {
  readonly methods: ReadonlySet<string> = new Set([
    "get",
    "set",
    "append",
    "extend",
    "insert",
    "pop",
    "remove",
    "index",
    "copy",
    "length",
  ]);
  #items: unknown[];

  /** @param items What is in it. */
  constructor(items: unknown[]) {
    this.#items = items;
  }

  get(_owner: unknown, index: number): unknown {
    return this.#items[this.#place_of(index)];
  }

  set(_owner: unknown, index: number, value: unknown): void {
    this.#items[this.#place_of(index)] = value;
  }

  append(_owner: unknown, value: unknown): void {
    this.#items.push(value);
  }

  extend(_owner: unknown, values: unknown[]): void {
    for (const value of values) this.#items.push(value);
  }

  /** Where there is no such place it goes to the nearest end, as in Python. */
  insert(_owner: unknown, index: number, value: unknown): void {
    this.#items.splice(index, 0, value);
  }

  pop(_owner: unknown, index: number): unknown {
    return this.#items.splice(this.#place_of(index), 1)[0];
  }

  remove(_owner: unknown, value: unknown): void {
    this.#items.splice(this.index(undefined, value), 1);
  }

  index(_owner: unknown, value: unknown): number {
    const at = this.#items.findIndex((item) => isDeepStrictEqual(item, value));
    if (at >= 0) return at;
    throw new RangeError("There is no such value in the list");
  }

  copy(): unknown[] {
    return this.#items;
  }

  length(): number {
    return this.#items.length;
  }

  /** Negative ones count from the end. */
  #place_of(index: number): number {
    const at = index < 0 ? index + this.#items.length : index;
    if (Number.isInteger(at) && at >= 0 && at < this.#items.length) return at;
    throw new RangeError(
      `There is no place ${index} in the list, which has ${this.#items.length} values`,
    );
  }

  withdraw(): void {
    this.#items = [];
  }
}
