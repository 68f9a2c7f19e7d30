/** What a failed accept means for the accept loop. */
export type AcceptErrorClass = "retry" | "pause" | "stop";

/**
 * The classes of accept errors, by code where an error has one and else by name. What is not here
 * pauses: an unknown error must neither end the server nor spin.
 */
const ACCEPT_ERRORS: Record<string, AcceptErrorClass> = {
  // One connection failed before it was taken; accept(2) says to treat these like EAGAIN.
  ConnectionAborted: "retry",
  ConnectionReset: "retry",
  ECONNABORTED: "retry",
  ECONNRESET: "retry",
  EHOSTDOWN: "retry",
  EHOSTUNREACH: "retry",
  EINTR: "retry",
  EINVAL: "retry", // macOS: the peer of a Unix socket is gone
  ENETDOWN: "retry",
  ENETUNREACH: "retry",
  ENOTCONN: "retry",
  EPERM: "retry", // a firewall said no
  EPROTO: "retry",
  ETIMEDOUT: "retry",
  NotConnected: "retry",
  // Descriptors or buffers ran out: trying again at once would spin.
  EMFILE: "pause",
  ENFILE: "pause",
  ENOBUFS: "pause",
  ENOMEM: "pause",
  // The listener is closed.
  BadResource: "stop",
  EBADF: "stop",
  ENOTSOCK: "stop",
  Interrupted: "stop",
};

/** The errors by which one learns that the client has gone; no faults of the program. */
const CLIENT_GONE = new Set([
  "BrokenPipe",
  "ConnectionAborted",
  "ConnectionReset",
  "ECONNABORTED",
  "ECONNRESET",
  "ENOTCONN",
  "EPIPE",
  "NotConnected",
  "UnexpectedEof",
]);

/** The class of an accept error. */
export function accept_error_class(error: unknown): AcceptErrorClass {
  const { code, name } = names_of(error);
  return ACCEPT_ERRORS[code] ?? ACCEPT_ERRORS[name] ?? "pause";
}

/** Whether an error only says that the client went away. */
export function is_client_gone(error: unknown): boolean {
  const { code, name } = names_of(error);
  return CLIENT_GONE.has(code) || CLIENT_GONE.has(name);
}

function names_of(error: unknown): { code: string; name: string } {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  return { code: String(code ?? ""), name: String(name ?? "") };
}
