/** What {@linkcode set_excepthook} has called: what was thrown, and the thread or timer where it was. */
export type ExceptHook = (args: { error: unknown; thread: unknown }) => void;

let hook: ExceptHook = print;

/**
 * Says what becomes of an error that a thread or a timer ends with: Python's `threading.excepthook`. It is
 * printed to standard error unless told.
 *
 * @param new_hook Called with the error and the thread; `null` for printing.
 */
export function set_excepthook(new_hook: ExceptHook | null): void {
  hook = new_hook ?? print;
}

/** Tells of an error that a thread has ended with. */
export function tell_excepthook(error: unknown, thread: { name: string }): void {
  try {
    hook({ error, thread });
  } catch (failure) {
    print({ error, thread });
    console.error("The hook of set_excepthook() has failed:", failure);
  }
}

function print({ error, thread }: { error: unknown; thread: unknown }): void {
  console.error(`Exception in ${(thread as { name: string }).name}:`, error);
}
