import { ask_now } from "../../internal/runtime/blocking.ts";
import { late } from "../../internal/runtime/late.ts";

/** Connects, and gives the address of the other end. */
const CONNECT = `async ({ hostname, port }) => {
  try {
    const conn = await Deno.connect({ hostname, port });
    conn.close();
    return conn.remoteAddr.hostname;
  } catch {
    return "";
  }
}`;

/**
 * The IP address of a name without a turn of the event loop, as `Deno.listen` finds it: it listens for
 * a moment at the same port, for which there is the permission.
 *
 * @throws {Deno.errors.AddrInUse} If a TCP server is there.
 */
export function resolve_now({ hostname, port }: Deno.NetAddr): string {
  return late.net.isIP(hostname) ? hostname : listened_at(hostname, port);
}

/**
 * The same for a UDP server, to which a TCP server at the same port is no matter. Where that is, another
 * port tells as much if it is permitted, and connecting to the server if not.
 *
 * @throws {Deno.errors.AddrInUse} If there is no other way to look the name up.
 */
export function resolve_beside_tcp(addr: Deno.NetAddr): string {
  try {
    return resolve_now(addr);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    const { hostname, port } = addr;
    if (may_listen(hostname, 0)) return listened_at(hostname, 0);
    const ip = ask_now(CONNECT, { hostname, port });
    if (!ip) throw error;
    return ip;
  }
}

function may_listen(hostname: string, port: number): boolean {
  const host = `${hostname}:${port}`;
  return Deno.permissions.querySync({ name: "net", host }).state === "granted";
}

function listened_at(hostname: string, port: number): string {
  using probe = Deno.listen({ hostname, port });
  return probe.addr.hostname;
}
