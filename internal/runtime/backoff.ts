/** How long, in ms, beyond the delay the last failure must be ago for the next one to be news again. */
const QUIET = 5000;

/** Delays that double with each failure in a row, and whether a failure is worth a report. */
export class Backoff {
  #min: number;
  #max: number;
  #delay = 0;
  #failed_at = -Infinity;

  /**
   * @param min The first delay, in ms.
   * @param max The longest delay, in ms.
   */
  constructor(min: number, max: number) {
    this.#min = min;
    this.#max = max;
  }

  /** The delay after one more failure, in ms. */
  next(): number {
    return this.#delay = Math.min(Math.max(this.#min, this.#delay * 2), this.#max);
  }

  /** To be called after a success. */
  reset(): void {
    this.#delay = 0;
  }

  /** To be called at each failure: whether it is the first one for a while. */
  is_news(): boolean {
    const now = performance.now();
    const news = now - this.#failed_at > QUIET + this.#delay;
    this.#failed_at = now;
    return news;
  }
}
