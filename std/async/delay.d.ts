// Types for @std/async/delay.

/** Options for {@linkcode delay}. */
export interface DelayOptions {
  /** Rejects early, with the reason of this signal. */
  signal?: AbortSignal;
  /** Whether the timer keeps the process alive (it does by default). */
  persistent?: boolean;
}

/** Resolves after `ms` milliseconds. */
export function delay(ms: number, options?: DelayOptions): Promise<void>;
