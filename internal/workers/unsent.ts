/** Messages that were given to the system, or not yet. */
export class Unsent {
  /** Resolves when all have been; `undefined` if they have. */
  sent: Promise<void> | undefined;
  #count = 0;
  #resolve: (() => void) | undefined;

  /** Notes one; gives what is to be called when the system has it. */
  add(): () => void {
    this.#count++;
    if (!this.sent) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.sent = promise;
      this.#resolve = resolve;
    }
    return () => {
      if (--this.#count > 0) return;
      this.#resolve!();
      this.sent = undefined;
    };
  }
}
