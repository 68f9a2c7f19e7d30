import { Chain, type Link } from "./chain.ts";

/** How many buckets there are at first: a power of 2, as always. */
const LEAST = 16;
const WORD = 2 ** 32;

/**
 * What both halves of keys are multiplied with: odd numbers that no child knows, which could else have all its keys in
 * one bucket. They are near the golden ratio of a word, which spreads keys in a row, or each so many, best.
 */
const [LOW, HIGH] = [secret(), secret()] as const;

/** A key and its value, in a bucket and in the order. */
class Entry<V> implements Link {
  readonly key: number;
  value: V;
  before: this | undefined;
  after: this | undefined;
  /** The next one in its bucket. */
  next: Entry<V> | undefined;

  constructor(key: number, value: V) {
    this.key = key;
    this.value = value;
  }
}

/**
 * A `Map` with whole numbers for keys, for what comes and goes all the time. V8's own leaves tables behind each of
 * which knows the next one: once one is old, all that was in any of them stays until everything is collected. Where
 * requests were in one, the garbage collector took an eighth of a thread's time.
 *
 * @typeParam V The type of the values.
 */
export class NumberMap<V> {
  #buckets: (Entry<V> | undefined)[] = empty(LEAST);
  #order: Chain<Entry<V>> = new Chain();

  get size(): number {
    return this.#order.size;
  }

  /** The value that was set first of those that are there. */
  get first(): V | undefined {
    return this.#order.first?.value;
  }

  has(key: number): boolean {
    return this.#find(key) !== undefined;
  }

  get(key: number): V | undefined {
    return this.#find(key)?.value;
  }

  set(key: number, value: V): void {
    const found = this.#find(key);
    if (found) found.value = value;
    else this.#add(new Entry(key, value));
  }

  /** Takes a value out; `false` if there is none. */
  delete(key: number): boolean {
    const at = this.#place(key);
    let before: Entry<V> | undefined;
    let entry = this.#buckets[at];
    for (; entry && entry.key !== key; entry = entry.next) before = entry;
    if (!entry) return false;
    if (before) before.next = entry.next;
    else this.#buckets[at] = entry.next;
    // What is deleted must hold nothing that is not.
    entry.next = undefined;
    this.#order.delete(entry);
    return true;
  }

  clear(): void {
    for (const { key } of this.#order) this.delete(key);
  }

  /** The values that are there now, in the order in which they were set. */
  values(): V[] {
    return Array.from(this.#order, ({ value }) => value);
  }

  #find(key: number): Entry<V> | undefined {
    let entry = this.#buckets[this.#place(key)];
    while (entry && entry.key !== key) entry = entry.next;
    return entry;
  }

  #add(entry: Entry<V>): void {
    if (this.size >= this.#buckets.length) this.#grow();
    this.#put(entry);
    this.#order.add(entry);
  }

  #put(entry: Entry<V>): void {
    const at = this.#place(entry.key);
    entry.next = this.#buckets[at];
    this.#buckets[at] = entry;
  }

  #grow(): void {
    this.#buckets = empty(2 * this.#buckets.length);
    for (const entry of this.#order) this.#put(entry);
  }

  /** In which bucket a key is. A child may name what is no number: that is found nowhere. */
  #place(key: number): number {
    if (typeof key !== "number") return 0;
    const spread = Math.imul(key, LOW) + Math.imul(key / WORD, HIGH);
    return (spread >>> 16 ^ spread) & (this.#buckets.length - 1);
  }
}

function secret(): number {
  return 0x9e3779b1 ^ (Math.random() * 2 ** 24 & ~1);
}

function empty(length: number): undefined[] {
  return new Array(length).fill(undefined);
}
