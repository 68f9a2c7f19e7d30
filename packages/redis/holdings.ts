/** An entry of the stream, as a consumer has it. */
export interface Entry {
  readonly id: string;
  /** How often it was given to a consumer, this time included. */
  readonly deliveries: number;
  /** Names and values, one after the other. */
  readonly fields: readonly string[];
}

/** What a consumer has: the entries that it took, and how many items it got and has not done. */
export class Holdings {
  got = 0;
  #taken: Map<string, Entry> = new Map();

  add(entry: Entry): void {
    this.#taken.set(entry.id, entry);
  }

  /** Whether it had it: it may have it no more. */
  remove(entry: Entry): boolean {
    return this.#taken.get(entry.id) === entry && this.#taken.delete(entry.id);
  }

  /** The entries that it took. */
  get taken(): Entry[] {
    return [...this.#taken.values()];
  }
}
