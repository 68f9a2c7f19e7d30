/**
 * How the examples learn that they are to end.
 *
 * @module
 */

/** One Ctrl-C may come several times, from the terminal and from `deno task`, but not for so long, in ms. */
const REPEATS = 500;

/**
 * Aborts at Ctrl-C and SIGTERM: the server then ends within its grace. A second one, half a second later
 * or more, ends the program at once, as nothing listens for it any more.
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
