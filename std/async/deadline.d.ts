// Types for @std/async/deadline.

/** Options for {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Rejects early, with the reason of this signal. */
  signal?: AbortSignal;
}

/** Settles as `p` does, or rejects with a `TimeoutError` after `ms`. */
export function deadline<T>(
  p: Promise<T>,
  ms: number,
  options?: DeadlineOptions,
): Promise<T>;
