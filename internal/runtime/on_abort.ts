/** What is to be called when a signal aborts. */
class Calls extends Set<() => void> {
  readonly listener = (): void => {
    for (const call of this) call();
  };
}

const calls = new WeakMap<AbortSignal, Calls>();

/**
 * Has a function called when a signal aborts. However many share the signal, it has one listener: to remove one it
 * looks through all that it has.
 *
 * @returns Ends that.
 */
export function on_abort(signal: AbortSignal, call: () => void): () => void {
  let its_calls = calls.get(signal);
  if (!its_calls) {
    calls.set(signal, its_calls = new Calls());
    signal.addEventListener("abort", its_calls.listener);
  }
  its_calls.add(call);
  return () => {
    its_calls.delete(call);
    if (its_calls.size > 0 || calls.get(signal) !== its_calls) return;
    // The timer of a signal that has listeners keeps the program running.
    signal.removeEventListener("abort", its_calls.listener);
    calls.delete(signal);
  };
}
