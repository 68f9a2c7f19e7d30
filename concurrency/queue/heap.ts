import type { Store } from "./fifo.ts";

/** The next to go is the one that comes first in an order, which tells any two apart. */
export class Heap<E> implements Store<E> {
  /** Each comes before those at twice its place plus 1 and plus 2. */
  #entries: E[] = [];
  #compare: (one: E, other: E) => number;

  /** @param compare Less than 0 where the first of two goes first. */
  constructor(compare: (one: E, other: E) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The next to go. */
  get first(): E | undefined {
    return this.#entries[0];
  }

  add(entry: E): void {
    const entries = this.#entries;
    let at = entries.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#compare(entries[above]!, entry) <= 0) break;
      entries[at] = entries[above]!;
      at = above;
    }
    entries[at] = entry;
  }

  next(): E | undefined {
    const [first] = this.#entries;
    const last = this.#entries.pop();
    if (this.#entries.length > 0) this.#sink(last!);
    return first;
  }

  /** Finds the place of an entry, from the top down, where there is a gap. */
  #sink(entry: E): void {
    const entries = this.#entries;
    let at = 0;
    for (let below; (below = 2 * at + 1) < entries.length; at = below) {
      const right = below + 1;
      if (right < entries.length && this.#compare(entries[right]!, entries[below]!) < 0) {
        below = right;
      }
      if (this.#compare(entry, entries[below]!) <= 0) break;
      entries[at] = entries[below]!;
    }
    entries[at] = entry;
  }

  /** The order says where its place is. */
  put_back(entry: E): void {
    this.add(entry);
  }

  clear(): E[] {
    return this.#entries.splice(0);
  }
}
