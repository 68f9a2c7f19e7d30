import { getSystemErrorMap } from "node:util";

/** The classes that Deno has for errors of sockets. */
const CLASSES: Record<string, new (message: string) => Error> = {
  EACCES: Deno.errors.PermissionDenied,
  EADDRINUSE: Deno.errors.AddrInUse,
  EADDRNOTAVAIL: Deno.errors.AddrNotAvailable,
  EBADF: Deno.errors.BadResource,
  ECONNREFUSED: Deno.errors.ConnectionRefused,
  ECONNRESET: Deno.errors.ConnectionReset,
  ENETUNREACH: Deno.errors.NetworkUnreachable,
  EPERM: Deno.errors.PermissionDenied,
};

/** The error of a system call, as Deno's own sockets throw it, with the system's name as its `code`. */
export function system_error(errno: number, what: string): Error & { code: string } {
  const [code, words] = getSystemErrorMap().get(-errno) ?? ["UNKNOWN", "unknown error"];
  const Class = CLASSES[code] ?? Error;
  return Object.assign(new Class(`${what}: ${words} (os error ${errno})`), { code });
}

/** What a use of a socket throws that is closed. */
export function closed_error(): Error {
  return new Deno.errors.BadResource("The socket is closed");
}
