import { isAbsolute } from "node:path";
import { late } from "../internal/runtime/late.ts";

/** Where a TCP or UDP server listens: as in Python, or as in Deno. `""` means all interfaces. */
export type NetAddress = [hostname: string, port: number] | { hostname: string; port: number };

/** Where a Unix server listens: a path, or an address as Deno has it. */
export type UnixAddress = string | { path: string };

/** The start of a path that is none: a name in Linux's abstract namespace, which leaves no file. */
const ABSTRACT = "\0";
/** How an IPv4 address looks to an IPv6 socket (RFC 4291, section 2.5.5.2). */
const MAPPED = "::ffff:";
/**
 * The most bytes of a Unix socket's path (`sun_path` in unix(7), without the byte that ends it). A
 * datagram server may need a second one: see `UnixDatagramConn`.
 */
const MAX_PATH = { unix: 107, unixpacket: 107 - ".bell".length };

const ENCODER = new TextEncoder();

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
    throw new TypeError(`Cannot use ${Deno.inspect(address)}: an address is [hostname, port]`);
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(
      `Cannot use port ${Deno.inspect(port)} of "${hostname}": it must be a whole number ` +
        "from 0 to 65535",
    );
  }
  return { transport, hostname: without_brackets(hostname) || "0.0.0.0", port };
}

/** A host without the brackets that URLs have around IPv6 addresses: Deno takes both, the systems do not. */
function without_brackets(hostname: string): string {
  if (!hostname.startsWith("[")) return hostname;
  const [, inner = ""] = /^\[(.+)\]$/.exec(hostname) ?? [];
  return late.net.isIPv6(inner) ? inner : hostname;
}

/**
 * The address as Deno has it.
 *
 * @throws {TypeError} If it is no path.
 * @throws {RangeError} If the path is too long for a socket.
 */
export function unix_addr<T extends "unix" | "unixpacket">(
  address: UnixAddress,
  transport: T,
): Deno.UnixAddr & { transport: T } {
  const path = typeof address === "string" ? address : address?.path;
  if (typeof path !== "string" || path === "") {
    throw new TypeError("Cannot use this address: a Unix socket has a path");
  }
  const { length } = ENCODER.encode(path);
  if (length > MAX_PATH[transport]) {
    throw new RangeError(
      `Cannot use a path of ${length} bytes: it can have at most ${MAX_PATH[transport]}: ${path}`,
    );
  }
  return { transport, path };
}

/**
 * The same path from the root, so that it means the same in another folder (`Deno.chdir()`). As it is
 * where that would be too long for a socket, or where the current folder may not be read.
 */
export function absolute_path({ transport, path }: Deno.UnixAddr): string {
  if (is_absolute(path)) return path;
  // Otherwise Deno would ask for it.
  const { state } = Deno.permissions.querySync({ name: "read", path: "." });
  if (state !== "granted") return path;
  try {
    // Not in its shortest form: ".." after a symbolic link is another folder.
    return unix_addr(`${Deno.cwd()}/${path}`, transport).path;
  } catch {
    return path;
  }
}

/** Whether a path means the same in each folder. */
export function is_absolute(path: string): boolean {
  return is_abstract(path) || isAbsolute(path);
}

/** Whether it is a name in Linux's abstract namespace, and no path of a file. */
export function is_abstract(path: string): boolean {
  return path.startsWith(ABSTRACT);
}

/**
 * The address of a peer as people know it: an IPv4 client of an IPv6 socket has its IPv4 address, and
 * a Unix client that has no name has the path `""`, as in Python.
 */
export function peer_addr<A extends Deno.Addr>(addr: A): A {
  if ("path" in addr) return addr.path === null ? { ...addr, path: "" } : addr;
  if (!("hostname" in addr) || !is_mapped(addr.hostname)) return addr;
  return { ...addr, hostname: addr.hostname.slice(MAPPED.length) };
}

/** An IPv4 address as an IPv6 socket must be told it: {@linkcode peer_addr} undone. */
export function wire_addr<A extends Deno.NetAddr>(addr: A): A {
  return { ...addr, hostname: map_ipv4(addr.hostname) };
}

/** An IPv4 address in the form of IPv6. */
export function map_ipv4(ip: string): string {
  return MAPPED + ip;
}

function is_mapped(hostname: string): boolean {
  return hostname.startsWith(MAPPED) && hostname.includes(".");
}

/** The host of an address as it counts for limits: an IPv4 address stays one, and a zone is left out. */
export function host_of(address: unknown): string {
  const { hostname = "" } = peer_addr(Object(address) as Deno.NetAddr);
  return hostname.replace(/%.*/, "");
}

/**
 * What stands for a client where clients are counted: its IPv4 address; the network of its IPv6 address
 * (64 bits), as who has one address has all of those; else the address itself if it is text, or `""`.
 */
export function client_key_of(address: unknown): string {
  if (typeof address === "string") return address;
  const host = host_of(address);
  if (!host.includes(":")) return host;
  const [head = "", tail] = host.split("::");
  const first = head === "" ? [] : head.split(":");
  const missing = 8 - first.length -
    (tail ? tail.split(":").length + Number(tail.includes(".")) : 0);
  if (tail !== undefined) first.push(...Array(Math.max(missing, 0)).fill("0"), ...tail.split(":"));
  const network = first.slice(0, 4).map((group) => parseInt(group || "0", 16).toString(16));
  return `${network.join(":")}::/64`;
}

/** An address as people write it. */
export function format_address(address: unknown): string {
  const { hostname, port, path } = Object(address) as Record<string, string | undefined>;
  if (hostname !== undefined) {
    return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  }
  if (path === "") return "a socket without a name";
  return path?.replace(ABSTRACT, "@") ?? String(address);
}

/** The same error, with the address in its message. */
export function with_address(error: unknown, address: Deno.Addr): unknown {
  const text = format_address(address);
  if (!(error instanceof Error) || error.message.includes(text)) return error;
  // The name is permitted, and was looked up: the address that it stands for is not.
  const is_of_name = error instanceof Deno.errors.NotCapable && "hostname" in address;
  error.message += is_of_name ? `: ${text} stands for that` : `: ${text}`;
  return error;
}
