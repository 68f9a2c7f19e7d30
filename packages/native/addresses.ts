import { isIPv4, isIPv6 } from "node:net";
import { C, STRUCTS } from "./libc.ts";
import type { LibcUser } from "./libc_user.ts";
import { system_error } from "./system_error.ts";

const { sockaddr_in, sockaddr_in6 } = STRUCTS;

/** How many addresses are remembered: to write one as text, or to read it, costs more than to send. */
const MAX_KNOWN = 4096;

/** The third word of an IPv4 address in the form of IPv6 (RFC 4291, section 2.5.5.2), as it is in memory. */
const MAPPED = 0xffff0000;

const IS_NUMBER = /^\d+$/;
/** Larger than the number of any interface. */
const MAX_SCOPE = 2 ** 32 - 1;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** The family of a socket. */
export type Family = typeof C.AF_INET | typeof C.AF_INET6;

/** An IP address as it is in memory: one word, or four, and the scope of those that are for one link. */
interface Binary {
  words: readonly number[];
  scope: number;
}

/** Where addresses are read from and written to. */
interface Place {
  bytes: Uint8Array;
  words: Uint32Array;
}

/** Reads and writes the addresses of one socket, in its family's form. */
export class Addresses {
  readonly family: Family;
  #libc: LibcUser;
  /** The texts of IPv4 addresses that came, and the binary forms of all texts. */
  #texts: Map<number, string> = new Map();
  #binaries: Map<string, Binary> = new Map();

  constructor(libc: LibcUser, family: Family) {
    this.#libc = libc;
    this.family = family;
  }

  /** The address at a place, as people know it: an IPv4 client of an IPv6 socket has its IPv4 address. */
  read({ bytes, words }: Place, at: number): Deno.NetAddr {
    const word = at / 4;
    const port = bytes[at + sockaddr_in.sin_port]! << 8 | bytes[at + sockaddr_in.sin_port + 1]!;
    if (bytes[at + sockaddr_in.sin_family] === C.AF_INET) {
      return { transport: "udp", hostname: this.#ipv4(words[word + 1]!), port };
    }
    const ip = word + sockaddr_in6.sin6_addr / 4;
    const is_mapped = words[ip] === 0 && words[ip + 1] === 0 && words[ip + 2] === MAPPED;
    if (is_mapped) return { transport: "udp", hostname: this.#ipv4(words[ip + 3]!), port };
    const text = this.#text(C.AF_INET6, words.slice(ip, ip + 4));
    const scope = words[word + sockaddr_in6.sin6_scope_id / 4];
    return { transport: "udp", hostname: scope ? `${text}%${scope}` : text, port };
  }

  /**
   * Writes an address to a place.
   *
   * @returns How many bytes it has, or 0 if the host is no IP address but a name.
   * @throws {Error} If its scope is the name of no interface.
   */
  write({ hostname, port }: Deno.NetAddr, { bytes, words }: Place, at: number): number {
    const binary = this.#binaries.get(hostname) ?? this.#parse(hostname);
    if (!binary) return 0;
    const word = at / 4;
    bytes[at + 1] = 0;
    bytes[at + sockaddr_in.sin_port] = port >>> 8;
    bytes[at + sockaddr_in.sin_port + 1] = port;
    const { words: ip } = binary;
    if (ip.length === 1 && this.family === C.AF_INET) {
      bytes[at] = C.AF_INET;
      words[word + 1] = ip[0]!;
      words[word + 2] = words[word + 3] = 0;
      return sockaddr_in.size;
    }
    bytes[at] = C.AF_INET6;
    words[word + 1] = 0;
    words.set(ip.length === 1 ? [0, 0, MAPPED, ip[0]!] : ip, word + sockaddr_in6.sin6_addr / 4);
    words[word + sockaddr_in6.sin6_scope_id / 4] = binary.scope;
    return sockaddr_in6.size;
  }

  #ipv4(word: number): string {
    const known = this.#texts.get(word);
    if (known !== undefined) return known;
    return remember(this.#texts, word, this.#text(C.AF_INET, new Uint32Array([word])));
  }

  #text(family: Family, ip: Uint32Array<ArrayBuffer>): string {
    const text = new Uint8Array(C.INET6_ADDRSTRLEN);
    this.#libc.functions.inet_ntop(family, ip, text, text.length);
    return DECODER.decode(text.subarray(0, text.indexOf(0)));
  }

  #parse(hostname: string): Binary | undefined {
    const is_ipv4 = isIPv4(hostname);
    if (!is_ipv4 && !isIPv6(hostname)) return undefined;
    const [ip = "", zone] = hostname.split("%");
    const words = new Uint32Array(is_ipv4 ? 1 : 4);
    const { functions } = this.#libc;
    functions.inet_pton(is_ipv4 ? C.AF_INET : C.AF_INET6, c_string(ip), words);
    const scope = zone === undefined ? 0 : scope_of(this.#libc, zone, `Cannot send to ${hostname}`);
    const binary = { words: [...words], scope };
    // A name is not remembered: another interface may have it later.
    const is_lasting = zone === undefined || IS_NUMBER.test(zone);
    return is_lasting ? remember(this.#binaries, hostname, binary) : binary;
  }
}

/**
 * The number of an interface, which what follows the `%` of an address names or is.
 *
 * @param what What fails if no interface has the name: numbers are for the system to look at.
 */
export function scope_of(libc: LibcUser, zone: string, what: string): number {
  if (IS_NUMBER.test(zone)) return Math.min(Number(zone), MAX_SCOPE);
  const scope = libc.functions.if_nametoindex(c_string(zone));
  if (scope === 0) throw system_error(libc.errno, what);
  return scope;
}

/** Text as C has it. */
export function c_string(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(`${text}\0`);
}

function remember<K, V>(map: Map<K, V>, key: K, value: V): V {
  if (map.size >= MAX_KNOWN) map.clear();
  map.set(key, value);
  return value;
}
