/** The `Deno.errors` class for each error code of `node:net` and `node:dgram`. */
const ERROR_CLASSES: Record<string, new (message: string) => Error> = {
  EACCES: Deno.errors.PermissionDenied,
  EADDRINUSE: Deno.errors.AddrInUse,
  EADDRNOTAVAIL: Deno.errors.AddrNotAvailable,
  ECANCELED: Deno.errors.Interrupted,
  ECONNABORTED: Deno.errors.ConnectionAborted,
  ECONNREFUSED: Deno.errors.ConnectionRefused,
  ECONNRESET: Deno.errors.ConnectionReset,
  ENETUNREACH: Deno.errors.NetworkUnreachable,
  ENOTCONN: Deno.errors.NotConnected,
  EPIPE: Deno.errors.BrokenPipe,
  ERR_STREAM_DESTROYED: Deno.errors.BadResource,
  ERR_STREAM_WRITE_AFTER_END: Deno.errors.BrokenPipe,
  ETIMEDOUT: Deno.errors.TimedOut,
};

/** An error of `node:net` or `node:dgram` as Deno's own sockets would have thrown it. */
export function deno_error(error: Error & { code?: string }): Error {
  const Class = ERROR_CLASSES[error.code ?? ""];
  return Class ? Object.assign(new Class(error.message), { code: error.code }) : error;
}
