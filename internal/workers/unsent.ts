/** Counts messages that were given to the system, until it has them. */
export class Unsent {
  #count = 0;
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Resolves when the system has all of them; `undefined` if it has. */
  get sent(): Promise<void> | undefined {
    if (this.#count === 0) return undefined;
    return (this.#waiting ??= Promise.withResolvers()).promise;
  }

  /** Notes one. */
  add(): void {
    this.#count++;
  }

  /** The system has one. */
  readonly done = (): void => {
    if (--this.#count > 0) return;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  };
}
