import type { Wait } from "./waits.ts";

/** The longest time of a timer, in ms: 24 days. */
const LONGEST = 2 ** 31 - 1;

/** When a wait ends without what it is for: at its timeout, or its signal. */
export class Limit implements Disposable {
  /** Aborts at the end; `undefined` if there is none. */
  readonly signal: AbortSignal | undefined;
  /** When the timeout is over, by `performance.now()`. */
  readonly end: number;
  #expired: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ timeout, signal }: Wait) {
    this.end = performance.now() + (timeout ?? Infinity);
    this.signal = signal;
    // What tries once ends by itself.
    if (timeout === null || timeout === 0 || timeout > LONGEST) return;
    const expired = this.#expired = new AbortController();
    this.#wait(expired);
    this.signal = signal ? AbortSignal.any([expired.signal, signal]) : expired.signal;
  }

  /** Timers may be early. */
  #wait(expired: AbortController): void {
    const left = this.end - performance.now();
    if (left > 0) this.#timer = setTimeout(() => this.#wait(expired), left);
    else expired.abort();
  }

  /** Whether it is over. */
  get is_over(): boolean {
    return this.signal?.aborted ?? false;
  }

  /** What the wait fails with, once it is over: the signal's reason, unless it was the timeout. */
  error(expired: () => Error): unknown {
    return this.#expired?.signal.aborted ? expired() : this.signal?.reason;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
