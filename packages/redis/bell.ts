import type { Connection } from "./connection.ts";

/** What a queue tells to those who wait: an item came back, there is room, all is done. */
export type News = "item" | "room" | "done";

/** Hears the news of a queue. */
export class Bell {
  #connection: Connection;
  #key: string;
  #rings: Record<News, number> = { item: 0, room: 0, done: 0 };
  #heard: Set<News> = new Set();
  #listeners: Set<(news: News) => void> = new Set();

  constructor(connection: Connection, key: string) {
    this.#connection = connection;
    this.#key = key;
  }

  /** How often it rang. */
  rings(news: News): number {
    return this.#rings[news];
  }

  /** Begins to hear, and tells whether it did not before. */
  async hear(news: News): Promise<boolean> {
    if (this.#heard.has(news)) return false;
    const channel = `${this.#key}:${news}`;
    const ring = () => this.ring(news);
    await this.#connection.call((client) => client.subscribe(channel, ring), { again: true });
    this.#heard.add(news);
    return true;
  }

  ring(news: News): void {
    this.#rings[news]++;
    for (const listener of this.#listeners) listener(news);
  }

  /** For news that may have been missed. */
  ring_all(): void {
    for (const news of ["item", "room", "done"] as const) this.ring(news);
  }

  /** Calls a function at each ring. */
  on_ring(listener: (news: News) => void): void {
    this.#listeners.add(listener);
  }

  /** Waits until it rings more often than it had, `ms` at the most. */
  async next(news: News, had: number, ms: number): Promise<void> {
    if (this.#rings[news] !== had) return;
    const rung = Promise.withResolvers<void>();
    const listener = (other: News) => {
      if (other === news) rung.resolve();
    };
    this.#listeners.add(listener);
    const timer = setTimeout(rung.resolve, ms);
    await rung.promise;
    clearTimeout(timer);
    this.#listeners.delete(listener);
  }
}
