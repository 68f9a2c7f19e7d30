import type { Attributes } from "@opentelemetry/api";

/** An address as attributes: of the server, or of a client. */
export function address_attributes(prefix: "server" | "client", address: unknown): Attributes {
  const { hostname, port, path } = parts_of(address);
  if (path !== undefined) return { [`${prefix}.address`]: path };
  if (hostname === undefined) return {};
  return { [`${prefix}.address`]: hostname, [`${prefix}.port`]: port! };
}

/** What network a server is reached over. */
export function network_attributes(address: unknown): Attributes {
  const { transport, hostname } = parts_of(address);
  if (transport === undefined) return {};
  if (hostname === undefined) return { "network.transport": "unix" };
  const type = hostname.includes(":") ? "ipv6" : "ipv4";
  return { "network.transport": transport, "network.type": type };
}

/** The parts of an address that are what they should be: a program may have anything for one. */
function parts_of(
  address: unknown,
): { transport?: string; hostname?: string; port?: number; path?: string } {
  const { transport, hostname, port, path } = Object(address) as Record<string, unknown>;
  return {
    ...(typeof transport === "string" && { transport }),
    ...(typeof hostname === "string" && typeof port === "number" && { hostname, port }),
    ...(typeof path === "string" && { path }),
  };
}
