// Types for @std/async/pool.

/** Maps `array` in order, with at most `poolLimit` calls at a time. */
export function pooledMap<T, R>(
  poolLimit: number,
  array: Iterable<T> | AsyncIterable<T>,
  iteratorFn: (data: T) => Promise<R>,
): AsyncIterableIterator<R>;
