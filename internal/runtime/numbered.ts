import { Chain, type Link } from "./chain.ts";

/** How many places there are at least: a power of 2. */
const LEAST = 16;

/** What has a number, and comes and goes. */
export interface NumberedLink extends Link {
  readonly id: number;
}

/**
 * Things that come and go, found by their numbers, and gone through in the order in which they came. Not a `Map`: one
 * that changes all the time leaves tables behind, each of which knows the next one, and what they had in them is
 * collected late.
 */
export class Numbered<T extends NumberedLink> implements Iterable<T> {
  /** Each is where the last digits of its number say, in binary. */
  #places: (T | undefined)[] = new Array(LEAST).fill(undefined);
  #chain: Chain<T> = new Chain();
  #last_id = 0;

  /** How many there are. */
  get size(): number {
    return this.#chain.size;
  }

  /** The one that came first. */
  get first(): T | undefined {
    return this.#chain.first;
  }

  /** A number for the next one: above all that were given before. */
  next_id(): number {
    if (2 * this.size >= this.#places.length) this.#grow();
    do this.#last_id++; while (this.#at(this.#last_id) !== undefined);
    return this.#last_id;
  }

  /** Takes in one with the next number, or with one of another `Numbered`, which has all that are here. */
  add(one: T): void {
    while (this.#at(one.id) !== undefined) this.#grow();
    this.#places[this.#place(one.id)] = one;
    this.#chain.add(one);
  }

  /** The one with a number, if there is one. */
  get(id: number): T | undefined {
    const one = this.#at(id);
    return one?.id === id ? one : undefined;
  }

  /** Takes out one that is there. */
  delete(one: T): void {
    this.#places[this.#place(one.id)] = undefined;
    this.#chain.delete(one);
  }

  /** Those that are there now, in their order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#chain[Symbol.iterator]();
  }

  #place(id: number): number {
    return id & (this.#places.length - 1);
  }

  #at(id: number): T | undefined {
    return this.#places[this.#place(id)];
  }

  #grow(): void {
    this.#places = new Array(2 * this.#places.length).fill(undefined);
    for (const one of this.#chain) this.#places[this.#place(one.id)] = one;
  }
}
