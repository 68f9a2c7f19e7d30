import type { Limit } from "./limit.ts";

/** One that waits in a line. */
export class Waiter<V, R> {
  /** What it waits with. */
  readonly value: V;
  readonly limit: Limit;
  #line: Set<Waiter<V, R>>;
  #expired: () => Error;
  #settled = Promise.withResolvers<R>();
  #is_promised = false;
  #give_up = () => {
    if (!this.#is_promised) this.reject(this.limit.error(this.#expired));
  };

  constructor(line: Set<Waiter<V, R>>, value: V, limit: Limit, expired: () => Error) {
    this.#line = line;
    this.value = value;
    this.limit = limit;
    this.#expired = expired;
    line.add(this);
    limit.signal?.addEventListener("abort", this.#give_up, { once: true });
    if (limit.is_over) this.#give_up();
  }

  /** What it waits for, or why it did in vain. */
  get outcome(): Promise<R> {
    return this.#settled.promise;
  }

  /** Whether it is still in the line. */
  get waits(): boolean {
    return this.#line.has(this);
  }

  /** Whether it may have what it waits for already, so that its end would come too late. */
  set is_promised(is_promised: boolean) {
    this.#is_promised = is_promised;
    if (this.waits && this.limit.is_over) this.#give_up();
  }

  resolve(result: R): void {
    this.#leave();
    this.#settled.resolve(result);
  }

  reject(error: unknown): void {
    this.#leave();
    this.#settled.reject(error);
  }

  #leave(): void {
    this.#line.delete(this);
    this.limit.signal?.removeEventListener("abort", this.#give_up);
  }
}

/** Those who wait for the same, the first to come at its front. */
export class Line<V, R> implements Iterable<Waiter<V, R>> {
  #waiters: Set<Waiter<V, R>> = new Set();

  get size(): number {
    return this.#waiters.size;
  }

  [Symbol.iterator](): Iterator<Waiter<V, R>> {
    return this.#waiters.values();
  }

  /** The first ones. */
  first(count: number): Waiter<V, R>[] {
    return this.#waiters.values().take(count).toArray();
  }

  /** Waits; past its timeout it fails with what `expired` makes. */
  add(value: V, limit: Limit, expired: () => Error): Promise<R> {
    return new Waiter(this.#waiters, value, limit, expired).outcome;
  }

  /** Ends all waits. */
  reject(error: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }
}
