/**
 * How the examples learn that they are to end.
 *
 * @module
 */

/** For so long, in ms, one Ctrl-C may come again, from the terminal and from `deno task`. */
const REPEATS = 500;

/**
 * Aborts at Ctrl-C and SIGTERM: the server then ends within its grace. After half a second nothing
 * listens for them any more, so a second one ends the program at once.
 */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const stop = () => {
    controller.abort();
    Deno.unrefTimer(setTimeout(() => {
      for (const signal of signals) Deno.removeSignalListener(signal, stop);
    }, REPEATS));
  };
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  return controller.signal;
}
