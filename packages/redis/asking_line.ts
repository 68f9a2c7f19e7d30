import type { Bell, News } from "./bell.ts";
import type { Limit } from "./limit.ts";
import { Line, type Waiter } from "./line.ts";

/** How often they ask where nobody rings, in ms: peers of other languages may not. */
const INTERVAL = 1000;

/** Those who wait for what only asking tells: the first one asks again each time that the bell rings. */
export class AskingLine<V> {
  #line: Line<V, void> = new Line();
  #bell: Bell;
  #news: News;
  #ask: (value: V, signal: AbortSignal | undefined) => Promise<boolean>;
  #is_asking = false;

  constructor(
    bell: Bell,
    news: News,
    ask: (value: V, signal: AbortSignal | undefined) => Promise<boolean>,
  ) {
    this.#bell = bell;
    this.#news = news;
    this.#ask = ask;
  }

  get size(): number {
    return this.#line.size;
  }

  /** Waits; past its timeout it fails with what `expired` makes. */
  add(value: V, limit: Limit, expired: () => Error): Promise<void> {
    const outcome = this.#line.add(value, limit, expired);
    this.#ask_all();
    return outcome;
  }

  /** Ends all waits. */
  reject(error: unknown): void {
    this.#line.reject(error);
    this.#bell.ring(this.#news);
  }

  async #ask_all(): Promise<void> {
    if (this.#is_asking) return;
    this.#is_asking = true;
    try {
      while (this.#line.size > 0) {
        const rings = this.#bell.rings(this.#news);
        const [first] = this.#line.first(1);
        if (await this.#ask_for(first!)) continue;
        if (await this.#bell.hear(this.#news)) continue;
        if (this.#line.size > 0) await this.#bell.next(this.#news, rings, INTERVAL);
      }
    } catch (error) {
      this.#line.reject(error);
    } finally {
      this.#is_asking = false;
    }
  }

  /** Tells whether it waits no more. */
  async #ask_for(waiter: Waiter<V, void>): Promise<boolean> {
    waiter.is_promised = true;
    try {
      if (await this.#ask(waiter.value, waiter.limit.signal)) waiter.resolve();
    } catch (error) {
      // The end of its limit has a word of its own.
      if (!waiter.limit.is_over) waiter.reject(error);
    }
    waiter.is_promised = false;
    return !waiter.waits;
  }
}
