import { isIP } from "node:net";

/** The IP address of a name without a turn of the event loop, as `Deno.listen` finds it. */
export function resolve_now({ hostname, port }: Deno.NetAddr): string {
  if (isIP(hostname)) return hostname;
  try {
    // At the same port, for which there is the permission.
    return listened_at(hostname, port);
  } catch (error) {
    // By a TCP server, which is no matter for a UDP server.
    if (error instanceof Deno.errors.AddrInUse) return listened_at(hostname, 0);
    throw error;
  }
}

function listened_at(hostname: string, port: number): string {
  using probe = Deno.listen({ hostname, port });
  return probe.addr.hostname;
}
