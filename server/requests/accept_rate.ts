/** How many requests are taken in a second: a bucket of tokens, one second deep, which is full at first. */
export class AcceptRate {
  #tokens = Infinity;
  #filled_at = 0;

  /** For how long, in ms, no request may be taken; 0 means that one may be. */
  delay(per_second: number): number {
    if (per_second === Infinity) return 0;
    const now = performance.now();
    const grown = (now - this.#filled_at) * per_second / 1000;
    this.#tokens = Math.min(this.#tokens + grown, per_second);
    this.#filled_at = now;
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * 1000 / per_second);
  }

  /** One is taken. */
  spend(per_second: number): void {
    if (per_second !== Infinity) this.#tokens--;
  }
}
