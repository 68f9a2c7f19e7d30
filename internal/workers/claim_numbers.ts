/** By how much claims move on that are recalled: more than any worker can miss. */
export const JUMP = 2 ** 20;

/** Gives claims their numbers, modulo 2³², as `Int32Array` counts. */
export class ClaimNumbers {
  /** The number of the next one. */
  protected next = 0;

  /** The number of the next claim (server). */
  issue(): number {
    const claim = this.next;
    this.next = (claim + 1) | 0;
    return claim;
  }

  /** Takes the last claim back, which was not sent (server). */
  withdraw(): void {
    this.next = (this.next - 1) | 0;
  }
}
