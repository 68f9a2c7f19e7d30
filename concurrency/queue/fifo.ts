/** What has a place in the order in which it came. */
interface Numbered {
  readonly number: number;
}

/** How a queue keeps its items, and which one is next. */
export interface Store<E> {
  /** How many there are. */
  readonly size: number;
  /** Adds one. */
  add(entry: E): void;
  /** Takes the next one. */
  next(): E | undefined;
  /** Puts back one that was taken, to where it was. */
  put_back(entry: E): void;
  /** Takes all. */
  clear(): E[];
}

/** The first to come is the next to go. */
export class Fifo<E extends Numbered> implements Store<E> {
  #entries: (E | undefined)[] = [];
  /** Where the next one is. */
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** The next one, which stays. */
  get first(): E | undefined {
    return this.#entries[this.#head];
  }

  add(entry: E): void {
    this.#entries.push(entry);
  }

  next(): E | undefined {
    if (this.size === 0) return undefined;
    const entry = this.#entries[this.#head];
    this.#entries[this.#head++] = undefined;
    // Each entry is moved once at the most, on the average.
    if (this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    return entry;
  }

  /** To the front, but behind those that have come back and were there before it. */
  put_back(entry: E): void {
    let at = this.#head;
    while (at < this.#entries.length && this.#entries[at]!.number < entry.number) at++;
    if (at === this.#head && at > 0) this.#entries[--this.#head] = entry;
    else this.#entries.splice(at, 0, entry);
  }

  clear(): E[] {
    const entries = this.#entries.splice(0).slice(this.#head) as E[];
    this.#head = 0;
    return entries;
  }
}
