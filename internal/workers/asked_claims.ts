import { ClaimNumbers, JUMP } from "./claim_numbers.ts";

/**
 * The claims of a worker that shares no memory, as the server sees them: see {@linkcode ClaimCounter}. Which the
 * worker has taken is known only when it has answered.
 */
export class AskedClaims extends ClaimNumbers {
  /** Whether there was no answer yet. */
  is_asking = false;
  #ask: () => void;

  /** @param ask Asks the worker for the first claim that it has not taken: it takes none any more that was issued. */
  constructor(ask: () => void) {
    super();
    this.#ask = ask;
  }

  /** Makes all claims void that were not taken. */
  recall(): void {
    if (this.is_asking) return;
    this.is_asking = true;
    this.#ask();
  }

  /**
   * The worker has answered.
   *
   * @throws {TypeError} If it was not asked, or that is no claim: what it has begun must not be begun again.
   */
  recalled(first: number): void {
    if (!this.is_asking || !Number.isInteger(first)) {
      throw new TypeError("It was not asked for this");
    }
    this.is_asking = false;
    this.next = (first + JUMP) | 0;
  }
}
