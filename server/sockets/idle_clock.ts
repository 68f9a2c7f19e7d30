import { MAX_TIMER } from "../../internal/runtime/timer.ts";

/** Rings when something waits for too long. One timer serves many waits, because most end in time. */
export class IdleClock {
  #timeout: number;
  #ring: () => void;
  #deadline = 0;
  #waiting = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param timeout How long something may wait, in ms.
   * @param ring Called when it has waited for so long.
   */
  constructor(timeout: number, ring: () => void) {
    this.#timeout = timeout;
    this.#ring = ring;
  }

  /** A wait begins. */
  start(): void {
    this.#waiting = true;
    this.#deadline = performance.now() + this.#timeout;
    this.#timer ??= setTimeout(this.#check, Math.min(this.#timeout, MAX_TIMER));
  }

  /** The wait has ended. The timer goes on, for the next one. */
  stop(): void {
    this.#waiting = false;
  }

  /** Nothing will wait any more. */
  end(): void {
    this.#waiting = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #check = (): void => {
    this.#timer = undefined;
    if (!this.#waiting) return;
    const left = this.#deadline - performance.now();
    if (left > 0) {
      this.#timer = setTimeout(this.#check, Math.min(left, MAX_TIMER));
    } else {
      this.#waiting = false;
      this.#ring();
    }
  };
}
