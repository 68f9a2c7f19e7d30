/** Where a TCP or UDP server listens: as in Python, or as in Deno. `""` means all interfaces. */
export type NetAddress = [hostname: string, port: number] | { hostname: string; port: number };

/**
 * The address as Deno has it.
 *
 * @throws {TypeError} If it is no address at all.
 * @throws {RangeError} If the port is not a whole number from 0 to 65535.
 */
export function net_addr(address: NetAddress, transport: "tcp" | "udp"): Deno.NetAddr {
  const [hostname, port] = Array.isArray(address)
    ? address
    : [address?.hostname, address?.port] as const;
  if (typeof hostname !== "string") {
    throw new TypeError("Cannot listen there: an address is [hostname, port]");
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(
      `Cannot listen at port ${port} of "${hostname}": it must be a whole number from 0 to 65535`,
    );
  }
  return { transport, hostname: hostname || "0.0.0.0", port };
}

/** An address as people write it. */
export function format_address(address: unknown): string {
  const { hostname, port, path } = Object(address) as Record<string, string | undefined>;
  if (hostname === undefined) return path ?? String(address);
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
