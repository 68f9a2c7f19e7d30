import { can_hand_over } from "../../internal/runtime/deno_internals.ts";

/** A socket that the program was started with, as systemd gives it. */
export interface InheritedSocket {
  /** Its descriptor. */
  fd: number;
  /** Its name: `FileDescriptorName=` of the unit, or `""` where there are no names. */
  name: string;
}

/** The first descriptor that is passed on: see sd_listen_fds(3). */
const FIRST = 3;

/** The descriptors that servers have taken: their numbers mean something else by now. */
const taken = new Set<number>();

/**
 * The sockets that the program was started with, by systemd (`Accept=no`) or whoever else does the same:
 * they begin at descriptor 3, `LISTEN_FDS` is their number, `LISTEN_FDNAMES` has their names, with colons
 * between them, and `LISTEN_PID`, if it is there, is the number of the process that they are for. Servers
 * take them by their option `inherit`.
 *
 * Needs `--allow-env=LISTEN_FDS,LISTEN_PID,LISTEN_FDNAMES`.
 *
 * @example What there is
 * ```ts
 * import { inherited_sockets } from "@socketserver/socketserver";
 *
 * for (const { fd, name } of inherited_sockets()) console.log(`${name} is descriptor ${fd}`);
 * ```
 *
 * @returns Each of them, in their order; none where they are another process's.
 * @throws {Deno.errors.NotCapable} If the environment may not be read.
 */
export function inherited_sockets(): InheritedSocket[] {
  const pid = Deno.env.get("LISTEN_PID");
  const count = Number(Deno.env.get("LISTEN_FDS") ?? 0);
  const names = Deno.env.get("LISTEN_FDNAMES")?.split(":") ?? [];
  if (!Number.isInteger(count) || (pid !== undefined && Number(pid) !== Deno.pid)) return [];
  return Array.from({ length: count }, (_, at) => ({ fd: FIRST + at, name: names[at] ?? "" }));
}

/**
 * Has a listener take a socket that the program was started with: each once. Servers call it by themselves; it
 * is for listeners of your own.
 *
 * @param which The first one (`true`), a descriptor, or a name: see `ServerOptions.inherit`.
 * @param take What takes its descriptor.
 * @returns What `take` gives.
 * @throws {Deno.errors.NotFound} If there is none.
 * @throws {Deno.errors.Busy} If a server has taken it.
 * @throws {Deno.errors.NotSupported} On Windows.
 * @typeParam L The type of the listener.
 */
export function inherit_socket<L>(which: boolean | number | string, take: (fd: number) => L): L {
  if (!can_hand_over()) {
    throw new Deno.errors.NotSupported("Cannot inherit sockets: Deno takes none on this system");
  }
  const fd = typeof which === "number" ? which : find(which);
  const listener = take(fd);
  taken.add(fd);
  return listener;
}

function find(which: boolean | string): number {
  const sockets = inherited_sockets();
  const found = which === true ? sockets[0] : sockets.find(({ name }) => name === which);
  if (found && taken.has(found.fd)) {
    throw new Deno.errors.Busy(
      `Cannot inherit descriptor ${found.fd}: a server has taken it already`,
    );
  }
  if (found) return found.fd;
  const names = sockets.map(({ name, fd }) => `${name || "no name"} (${fd})`).join(", ");
  throw new Deno.errors.NotFound(
    `Cannot inherit ${which === true ? "a socket" : `the socket "${which}"`}: the program was ` +
      `started with ${names || "none"}`,
  );
}
