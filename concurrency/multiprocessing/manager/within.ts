/**
 * What a promise gives, if that is in time.
 *
 * @param limit How long it may take, in ms.
 * @param late Called when it took too long: gives the error.
 */
export async function within<T>(limit: number, work: Promise<T>, late: () => Error): Promise<T> {
  let error: Error | undefined;
  const timer = setTimeout(() => error = late(), limit);
  try {
    return await work;
  } catch (cause) {
    throw error ?? cause;
  } finally {
    clearTimeout(timer);
  }
}
