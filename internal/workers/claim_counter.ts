import { ClaimNumbers, JUMP } from "./claim_numbers.ts";

/**
 * Says, in shared memory, which of the requests sent to a worker the worker has taken: a request
 * belongs either to the worker or to the server that takes it back, and never to both, even while
 * the worker does not answer or is about to be killed.
 *
 * Claims are taken in the order of their numbers.
 */
export class ClaimCounter extends ClaimNumbers {
  readonly memory: SharedArrayBuffer;
  #count: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    super();
    this.memory = memory;
    this.#count = new Int32Array(memory);
  }

  /** Says that all issued claims were sent (server). */
  announce(): void {
    Atomics.store(this.#count, 1, this.next);
  }

  /** Whether a claim was sent that was not taken yet (worker). */
  readonly has_next = (): boolean => Atomics.load(this.#count, 0) !== Atomics.load(this.#count, 1);

  /** How many issued claims were not taken yet (server). */
  get open(): number {
    return (this.next - Atomics.load(this.#count, 0)) | 0;
  }

  /** Whether a claim was taken (server). */
  has_taken(claim: number): boolean {
    return ((Atomics.load(this.#count, 0) - claim) | 0) > 0;
  }

  /** Takes a claim; `false` if it was recalled (worker). */
  take(claim: number): boolean {
    return Atomics.compareExchange(this.#count, 0, claim, (claim + 1) | 0) === claim;
  }

  /** Makes all claims void that were not taken; returns the first of them (server). */
  recall(): number {
    const first = Atomics.add(this.#count, 0, JUMP);
    this.next = (first + JUMP) | 0;
    this.announce();
    return first;
  }
}
