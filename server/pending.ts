/** Whether what a hook gave must be waited for; waiting for nothing would cost a turn. */
export function is_pending<T>(result: T | PromiseLike<T>): result is PromiseLike<T> {
  return typeof (result as PromiseLike<T> | null | undefined)?.then === "function";
}
