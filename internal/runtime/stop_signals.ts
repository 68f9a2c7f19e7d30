import { constants } from "node:os";

/** The signals that Windows has. */
const ON_WINDOWS = new Set<Deno.Signal>(["SIGINT", "SIGBREAK", "SIGHUP"]);

/** What a shell adds to the number of a signal for the exit code of a program that it ended. */
const BY_SIGNAL = 128;

/**
 * So soon after the first, in ms, the same signal is the same wish: at Ctrl-C the terminal sends one to the
 * whole group of processes, and `deno task` passes on what it was sent itself.
 */
const ECHO = 300;

/** Listens for signals that stop a program: in order at the first, at once at the second. */
export class StopSignals implements AsyncDisposable {
  #listeners: Map<Deno.Signal, () => void> = new Map();
  #first: { signal: Deno.Signal; at: number } | undefined;

  /**
   * @param signals The signals.
   * @param stop Called at the first.
   * @throws {TypeError} If there is no such signal; what only Windows lacks is passed over there.
   */
  constructor(signals: readonly Deno.Signal[], stop: () => void) {
    try {
      for (const signal of new Set(signals)) {
        if (Deno.build.os === "windows" && !ON_WINDOWS.has(signal)) continue;
        const listener = () => this.#received(signal, stop);
        Deno.addSignalListener(signal, listener);
        this.#listeners.set(signal, listener);
      }
    } catch (error) {
      this.#remove();
      throw error;
    }
  }

  #received(signal: Deno.Signal, stop: () => void): void {
    if (!this.#first) {
      this.#first = { signal, at: performance.now() };
      return stop();
    }
    const is_echo = signal === this.#first.signal && this.#echo_time() > 0;
    if (!is_echo) Deno.exit(BY_SIGNAL + constants.signals[signal as "SIGINT"]);
  }

  /** For how long, in ms, the first signal may still come again as an echo. */
  #echo_time(): number {
    return this.#first ? this.#first.at + ECHO - performance.now() : 0;
  }

  /** Stops listening, but not before an echo: it would end the program, which is just ending in order. */
  async [Symbol.asyncDispose](): Promise<void> {
    const rest = this.#echo_time();
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    this.#remove();
  }

  #remove(): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
    this.#listeners.clear();
  }
}
