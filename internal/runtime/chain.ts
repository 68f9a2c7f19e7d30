/** What can be in a {@linkcode Chain}, in one at a time. */
export interface Link {
  before?: this | undefined;
  after?: this | undefined;
}

/** A set of objects that hold each other: to be in it takes no memory of its own, and hardly any time. */
export class Chain<T extends Link> implements Iterable<T> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  /** How many are in it. */
  get size(): number {
    return this.#size;
  }

  /** The one that has been in it for the longest time. */
  get first(): T | undefined {
    return this.#first;
  }

  /** Takes in one that is in none. */
  add(link: T): void {
    link.before = this.#last;
    if (this.#last) this.#last.after = link;
    else this.#first = link;
    this.#last = link;
    this.#size++;
  }

  /** Takes out one that is in it. */
  delete(link: T): void {
    const { before, after } = link;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    link.before = link.after = undefined;
    this.#size--;
  }

  /** Those that are in it now, in their order: what is done with one may take others out. */
  [Symbol.iterator](): Iterator<T> {
    const links: T[] = [];
    for (let link = this.#first; link; link = link.after) links.push(link);
    return links.values();
  }
}
