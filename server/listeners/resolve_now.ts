import { isIP } from "node:net";

/** The IP address of a name without a turn of the event loop, as `Deno.listen` finds it. */
export function resolve_now({ hostname, port }: Deno.NetAddr): string {
  if (isIP(hostname)) return hostname;
  // At the same port, for which there is the permission.
  using probe = Deno.listen({ hostname, port });
  return probe.addr.hostname;
}
