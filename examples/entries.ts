/**
 * The entries of key_value_store.ts, in a bounded amount of memory. Each may expire.
 *
 * @module
 */

const MAX_SIZE = 67_108_864; // of all entries, in bytes
const OVERHEAD = 200; // of an entry, beside its key and value, in bytes
const SWEEP = 400; // entries at a time

export interface Entry {
  value: string;
  /** When it expires, in the time of `performance.now()`. */
  expires: number;
}

export class Entries {
  #entries = new Map<string, Entry>();
  #round = this.#entries.keys();
  #room = MAX_SIZE;

  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry && entry.expires > performance.now()) return entry;
    this.#drop(key);
  }

  /** Adds an entry, or takes it in place of another one; `false` if there is no room. */
  put(key: string, entry: Entry): boolean {
    const room = this.#room + size_of(key, this.#entries.get(key)) - size_of(key, entry);
    if (room < 0) return false;
    this.#room = room;
    this.#entries.set(key, entry);
    return true;
  }

  delete(key: string): boolean {
    return this.get(key) !== undefined && this.#drop(key);
  }

  /** Drops expired entries; as in Redis, it goes on while a quarter is expired. */
  sweep(): void {
    for (let expired = SWEEP; expired > SWEEP / 4;) {
      const keys = this.#round.take(SWEEP).toArray();
      if (keys.length < SWEEP) this.#round = this.#entries.keys();
      expired = keys.filter((key) => !this.get(key)).length;
    }
  }

  #drop(key: string): boolean {
    this.#room += size_of(key, this.#entries.get(key));
    return this.#entries.delete(key);
  }
}

function size_of(key: string, entry?: Entry): number {
  return entry ? key.length + entry.value.length + OVERHEAD : 0;
}
