import { printable, text_of } from "../../internal/runtime/error_text.ts";

/** What {@linkcode set_excepthook} has called when a thread, a timer or a process ends with an error. */
export type ExceptHook = (args: ExceptHookArgs) => void;

/** What the hook of {@linkcode set_excepthook} is told. */
export interface ExceptHookArgs {
  /** What was thrown. */
  error: unknown;
  /** The thread, timer or process that ended with it. */
  thread: { readonly name: string };
}

let hook: ExceptHook = print;

/**
 * Says what becomes of an error that a thread or a timer ends with, or a `Process` of `./multiprocessing`: Python's
 * `threading.excepthook`. It is printed to standard error unless told.
 *
 * @param new_hook Called with the error and the thread; `null` for printing.
 */
export function set_excepthook(new_hook: ExceptHook | null): void {
  hook = new_hook ?? print;
}

/** Tells of an error that a thread or a process has ended with. */
export function tell_excepthook(error: unknown, thread: { readonly name: string }): void {
  try {
    hook({ error, thread });
  } catch (failure) {
    print({ error, thread });
    console.error(`The hook of set_excepthook() has failed: ${text_of(failure)}`);
  }
}

function print({ error, thread }: ExceptHookArgs): void {
  console.error(`Exception in ${printable(thread.name)}: ${text_of(error)}`);
}
