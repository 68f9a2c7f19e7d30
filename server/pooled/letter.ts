import { Buffer } from "node:buffer";
import { BytePool, PACKETS } from "../sockets/byte_pool.ts";

const POOL = new BytePool();

/**
 * Datagrams of no more bytes than this go as text with a character for each byte: an array has a price of its own
 * on the way, several times that of the rest.
 */
const MAX_TEXT = 1024;

/**
 * A datagram as it travels between threads, and where it is from, or goes to: a host and its port, or a path. Each
 * object, and each name in it, has its price on the way.
 */
export type Letter = [packet: Uint8Array | string, name: string, port: number | undefined];

/** A datagram that is ready to travel: it is a copy. */
export function letter_of(packet: Uint8Array, address: Deno.Addr): Letter {
  const { hostname, path, port } = address as Deno.NetAddr & Deno.UnixAddr;
  return [packed(packet), hostname ?? path, port];
}

/** A datagram that has travelled. */
export function packet_of(packet: Letter[0]): Uint8Array {
  return typeof packet === "string" ? POOL.spell(packet, PACKETS) : packet;
}

/** Where it is from, or goes to. */
export function address_of(
  name: string,
  port: number | undefined,
): Deno.NetAddr | Deno.UnixAddr {
  return port === undefined
    ? { transport: "unixpacket", path: name }
    : { transport: "udp", hostname: name, port };
}

/** Whether a letter can say all of an address: a hook may have put anything onto it. */
export function is_bare(address: unknown): address is Deno.NetAddr | Deno.UnixAddr {
  const { transport, path } = Object(address) as Deno.UnixAddr;
  return is_bare_host(address, "udp") ||
    (transport === "unixpacket" && typeof path === "string" && has_only(address, 2));
}

/** Whether an address is no more than a host and its port. */
export function is_bare_host(address: unknown, of: "tcp" | "udp"): address is Deno.NetAddr {
  const { transport, hostname, port } = Object(address) as Deno.NetAddr;
  return transport === of && typeof hostname === "string" && typeof port === "number" &&
    has_only(address, 3);
}

function has_only(object: unknown, count: number): boolean {
  for (const _name in object as object) count--;
  return count === 0;
}

function packed(packet: Uint8Array): Uint8Array | string {
  // A copy: cloning a view would clone the whole pool that it is a part of.
  if (packet.length > MAX_TEXT) return new Uint8Array(packet);
  return Buffer.prototype.latin1Slice.call(packet, 0, packet.length);
}
