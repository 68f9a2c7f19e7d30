import { constants } from "node:os";

/** What a shell adds to the number of a signal for the exit code of a program that it ended. */
const BY_SIGNAL = 128;

/** Listens for signals that stop a program: in order at the first, at once at the second. */
export class StopSignals implements Disposable {
  #listeners: Map<Deno.Signal, () => void> = new Map();
  #stopping = false;

  /**
   * @param signals The signals.
   * @param stop Called at the first.
   * @throws {TypeError} If the system has no such signal.
   */
  constructor(signals: readonly Deno.Signal[], stop: () => void) {
    try {
      for (const signal of new Set(signals)) {
        const listener = () => this.#received(signal, stop);
        Deno.addSignalListener(signal, listener);
        this.#listeners.set(signal, listener);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #received(signal: Deno.Signal, stop: () => void): void {
    if (this.#stopping) Deno.exit(BY_SIGNAL + constants.signals[signal as "SIGINT"]);
    this.#stopping = true;
    stop();
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
    this.#listeners.clear();
  }
}
