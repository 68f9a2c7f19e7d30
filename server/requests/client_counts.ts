/** How many requests each client has under way. Who has none takes no memory. */
export class ClientCounts {
  #counts: Map<string, number> = new Map();

  /** How many clients have any. */
  get size(): number {
    return this.#counts.size;
  }

  /** Counts one more, unless the client has `max` already. */
  enter(key: string, max: number): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= max) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  /** One is over. */
  leave(key: string): void {
    const count = this.#counts.get(key)! - 1;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}
