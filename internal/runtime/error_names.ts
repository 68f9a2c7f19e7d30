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
  // What it sends is no TLS that can be read: nothing more comes of it.
  "TlsError",
  "UnexpectedEof",
]);

/** The errors by which one learns that nobody receives at an address any more. */
const RECEIVER_GONE = new Set([
  "ConnectionRefused",
  "ConnectionReset",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "NotFound",
]);

/** The errors that say that descriptors or buffers ran out: trying again at once would spin. */
export const WANT: readonly string[] = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];

/** Whether an error says that descriptors or buffers ran out. */
export function is_want(error: unknown): boolean {
  return WANT.includes(names_of(error).code);
}

/** Whether an error only says that the client went away, and so do those it is chained to. */
export function is_client_gone(error: unknown): boolean {
  return links_of(error).every(says_gone);
}

/** Whether an error itself only says that the client went away. */
export function says_gone(error: unknown): boolean {
  const { code, name } = names_of(error);
  return CLIENT_GONE.has(code) || CLIENT_GONE.has(name);
}

/** How many causes of an error are looked at: a getter can give a new one each time. */
const MAX_LINKS = 100;

/** An error, and what caused it, one after the other; each once. */
export function links_of(error: unknown): unknown[] {
  const links = new Set();
  do {
    links.add(error);
    error = cause_of(error);
  } while (error !== undefined && !links.has(error) && links.size < MAX_LINKS);
  return [...links];
}

/** The same as `instanceof`, for anything that was thrown: a revoked proxy throws when it is asked. */
export function is_instance<T>(
  value: unknown,
  Class: abstract new (...args: never[]) => T,
): value is T {
  try {
    return value instanceof Class;
  } catch {
    return false;
  }
}

function cause_of(error: unknown): unknown {
  try {
    return (Object(error) as Error).cause;
  } catch {
    return undefined;
  }
}

/** Whether an error of sending a datagram only says that its receiver went away. */
export function is_receiver_gone(error: unknown): boolean {
  const { code, name } = names_of(error);
  return RECEIVER_GONE.has(code) || RECEIVER_GONE.has(name);
}

/** The code and the name of an error, empty where it has none or throws when it is looked at. */
export function names_of(error: unknown): { code: string; name: string } {
  try {
    const { code, name } = Object(error) as { code?: unknown; name?: unknown };
    return { code: String(code ?? ""), name: String(name ?? "") };
  } catch {
    return { code: "", name: "" };
  }
}

/** The name of an error's class; of what is none, its type. */
export function error_type_of(error: unknown): string {
  return names_of(error).name || typeof error;
}
