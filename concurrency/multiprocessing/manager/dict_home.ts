import type { Home } from "../../../internal/shared/home.ts";

/** A dict, or a namespace, in its home thread. */
export class DictHome implements Home {
  readonly methods: ReadonlySet<string> = new Set([
    "get",
    "set",
    "delete",
    "has",
    "keys",
    "values",
    "items",
    "pop",
    "update",
    "clear",
    "size",
  ]);
  #map: Map<unknown, unknown>;

  /** @param items What is in it. */
  constructor(items: Iterable<readonly [unknown, unknown]>) {
    this.#map = new Map(items);
  }

  get(_owner: unknown, key: unknown, otherwise: unknown): unknown {
    return this.#map.has(key) ? this.#map.get(key) : otherwise;
  }

  set(_owner: unknown, key: unknown, value: unknown): void {
    this.#map.set(key, value);
  }

  delete(_owner: unknown, key: unknown): boolean {
    return this.#map.delete(key);
  }

  has(_owner: unknown, key: unknown): boolean {
    return this.#map.has(key);
  }

  keys(): unknown[] {
    return [...this.#map.keys()];
  }

  values(): unknown[] {
    return [...this.#map.values()];
  }

  items(): [unknown, unknown][] {
    return [...this.#map];
  }

  pop(owner: unknown, key: unknown, otherwise: unknown): unknown {
    const value = this.get(owner, key, otherwise);
    this.#map.delete(key);
    return value;
  }

  update(_owner: unknown, items: [unknown, unknown][]): void {
    for (const [key, value] of items) this.#map.set(key, value);
  }

  clear(): void {
    this.#map.clear();
  }

  size(): number {
    return this.#map.size;
  }

  withdraw(): void {
    this.#map.clear();
  }
}
