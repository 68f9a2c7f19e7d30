/**
 * How the examples learn that they are to end.
 *
 * @module
 */

/** Aborts at Ctrl-C and SIGTERM. Repeated ones change nothing: the server ends within its grace. */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, () => controller.abort());
  return controller.signal;
}
