/** Whether what a hook gave must be waited for; waiting for nothing would cost a turn. */
export function is_pending<T>(result: T | PromiseLike<T>): result is PromiseLike<T> {
  return typeof (result as PromiseLike<T> | null | undefined)?.then === "function";
}

/**
 * The same promise, of which a failure need not be awaited. Where an `await` is forgotten, a client that
 * goes away would otherwise end the program: Deno ends it for a rejection that nobody handles.
 */
export function may_fail<T>(promise: Promise<T>): Promise<T> {
  promise.catch(pass_over);
  return promise;
}

function pass_over(): void {}
