// Types for @std/async/retry.

/** The error of the last attempt, as its `cause`. */
export class RetryError extends Error {
  constructor(cause: unknown, attempts: number);
}

/** Options for {@linkcode retry}. */
export interface RetryOptions {
  /** Growth of the wait from one attempt to the next (2). */
  multiplier?: number;
  /** Longest wait in milliseconds (60000). */
  maxTimeout?: number;
  /** Number of attempts (5). */
  maxAttempts?: number;
  /** First wait in milliseconds (1000). */
  minTimeout?: number;
  /** Random share of each wait, from 0 to 1 (1). */
  jitter?: number;
  /** Whether to try again after this error (always). */
  isRetriable?: (err: unknown) => boolean;
  /** Stops retrying, and rejects with the reason of this signal. */
  signal?: AbortSignal;
}

/** Calls `fn` until it succeeds, waiting longer after each failure. */
export function retry<T>(
  fn: (() => Promise<T>) | (() => T),
  options?: RetryOptions,
): Promise<T>;
