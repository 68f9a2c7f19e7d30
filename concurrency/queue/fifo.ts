/** An item in a queue. */
export interface Entry {
  readonly item: unknown;
  /** Its place in the order in which items came. */
  readonly number: number;
  /** How often it was taken. */
  deliveries: number;
}

/** How a queue keeps its items, and which one is next. */
export interface Store {
  /** How many there are. */
  readonly size: number;
  /** Adds one. */
  add(entry: Entry): void;
  /** Takes the next one. */
  next(): Entry | undefined;
  /** Puts back one that was taken, to where it was. */
  put_back(entry: Entry): void;
  /** Takes all. */
  clear(): Entry[];
}

/** The first to come is the next to go. */
export class Fifo implements Store {
  #entries: (Entry | undefined)[] = [];
  /** Where the next one is. */
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
  }

  next(): Entry | undefined {
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
  put_back(entry: Entry): void {
    let at = this.#head;
    while (at < this.#entries.length && this.#entries[at]!.number < entry.number) at++;
    if (at === this.#head && at > 0) this.#entries[--this.#head] = entry;
    else this.#entries.splice(at, 0, entry);
  }

  clear(): Entry[] {
    const entries = this.#entries.splice(0).slice(this.#head) as Entry[];
    this.#head = 0;
    return entries;
  }
}
