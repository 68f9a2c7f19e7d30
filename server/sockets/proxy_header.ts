import { late } from "../../internal/runtime/late.ts";
import { crc32c } from "./crc32c.ts";
import { joined } from "./joined.ts";

/** What a proxy adds to its header: a type and a value, such as the server's name that a client asked for. */
export interface ProxyTlv {
  /** Its type, as section 2.2 of the protocol has them: `0x02` is the host name, `0x05` the unique id. */
  type: number;
  /** Its value. */
  value: Uint8Array<ArrayBuffer>;
}

/** What handlers know of the proxy that a connection came through. */
export interface ProxyInfo {
  /** The version of the PROXY protocol. */
  version: 1 | 2;
  /**
   * `"PROXY"` for a client, whose addresses the request has then, where the proxy knows them; `"LOCAL"` for
   * the proxy itself, such as its checks, or where it says that it does not know: the addresses are those of the socket.
   */
  command: "PROXY" | "LOCAL";
  /** The address of the proxy. */
  peer: Deno.Addr;
  /** What the proxy added, in its order. */
  tlvs: readonly ProxyTlv[];
}

/** What the header of a proxy says of a connection. */
export interface ProxyHeader {
  /** The version of the protocol. */
  version: 1 | 2;
  /** `"PROXY"` for a client, `"LOCAL"` for the proxy itself, such as its checks. */
  command: "PROXY" | "LOCAL";
  /** Where the client is; `undefined` if the header does not say so: what the socket says is true then. */
  source?: Deno.Addr;
  /** What the client connected to. */
  destination?: Deno.Addr;
  /** What the proxy added, in its order. */
  tlvs: ProxyTlv[];
}

/** A whole header, and what came behind it. */
export interface ParsedProxyHeader {
  header: ProxyHeader;
  /** What is the client's own. */
  rest: Uint8Array;
}

/** The first bytes of each version. */
const SIGNATURES = {
  1: Uint8Array.from("PROXY ", (letter) => letter.charCodeAt(0)),
  2: Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10),
} as const;
/** The longest line of version 1, with its end. */
const MAX_LINE = 107;
/** The longest header of version 2: 65,551 bytes are possible, and nobody needs them. */
const MAX_LENGTH = 4096;
/** The part of version 2 that says how long the rest is. */
const FIXED_LENGTH = 16;
const LINE = /^(TCP4|TCP6) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/;
const COMMANDS = ["LOCAL", "PROXY"] as const;
/** The bytes of the addresses of a family: none, IPv4, IPv6, Unix. */
const ADDRESS_LENGTHS = [0, 12, 36, 216] as const;
/** The bytes of a Unix path. */
const PATH_LENGTH = 108;
/** What a type of a TLV means to the parser. */
const TLV = { CHECKSUM: 0x03, NOTHING: 0x04 } as const;
/** A mark of the order of bytes is a part of what it reads. */
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads the header of the PROXY protocol, versions 1 and 2, from bytes as they come:
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt. It knows no sockets.
 */
export class ProxyHeaderParser {
  #bytes: Uint8Array = new Uint8Array(0);

  /** Whether nothing has come. */
  get is_empty(): boolean {
    return this.#bytes.length === 0;
  }

  /**
   * Takes the next bytes.
   *
   * @returns The header when it is whole, `undefined` before.
   * @throws {Deno.errors.InvalidData} If this is no header, as soon as that is known.
   */
  feed(bytes: Uint8Array): ParsedProxyHeader | undefined {
    const all = this.#bytes = joined(this.#bytes, bytes);
    if (all.length === 0) return undefined;
    const version = all[0] === SIGNATURES[2][0] ? 2 : 1;
    const signature = SIGNATURES[version].subarray(0, all.length);
    if (signature.some((byte, at) => byte !== all[at])) throw invalid("it does not begin as one");
    return version === 1 ? parse_line(all) : parse_binary(all);
  }
}

function parse_line(bytes: Uint8Array): ParsedProxyHeader | undefined {
  const end = bytes.subarray(0, MAX_LINE).indexOf(10);
  if (end < 0) {
    if (bytes.length >= MAX_LINE) throw invalid(`its line does not end within ${MAX_LINE} bytes`);
    return undefined;
  }
  if (bytes[end - 1] !== 13) throw invalid("its line does not end with CR and LF");
  const line = DECODER.decode(bytes.subarray(SIGNATURES[1].length, end - 1));
  return { header: header_of_line(line), rest: bytes.subarray(end + 1) };
}

function header_of_line(line: string): ProxyHeader {
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) {
    return { version: 1, command: "LOCAL", tlvs: [] };
  }
  const [, family, from, to, from_port, to_port] = LINE.exec(line) ?? [];
  const is_address = family === "TCP4" ? late.net.isIPv4 : is_ipv6;
  if (!from || !to || !is_address(from) || !is_address(to)) throw invalid("its line is malformed");
  const source = net_addr(from, Number(from_port), "tcp");
  const destination = net_addr(to, Number(to_port), "tcp");
  return { version: 1, command: "PROXY", source, destination, tlvs: [] };
}

/** Without a zone (`%eth0`), which means something on one machine only. */
function is_ipv6(text: string): boolean {
  return late.net.isIPv6(text) && !text.includes("%");
}

function parse_binary(bytes: Uint8Array): ParsedProxyHeader | undefined {
  // All that can be wrong here is refused before any of the rest is kept.
  if (bytes.length < FIXED_LENGTH) return undefined;
  const [version_and_command, family_and_protocol, high, low] = bytes.subarray(12) as ArrayLike<
    number
  > as [number, number, number, number];
  const command = COMMANDS[version_and_command & 15];
  const family = family_and_protocol >> 4;
  const protocol = family_and_protocol & 15;
  if (version_and_command >> 4 !== 2) throw invalid("its version is unknown");
  if (!command) throw invalid("its command is unknown");
  if (family >= ADDRESS_LENGTHS.length || protocol > 2) throw invalid("its family is unknown");
  const length = FIXED_LENGTH + (high << 8 | low);
  if (length > MAX_LENGTH) throw invalid(`it has ${length} bytes, and may have ${MAX_LENGTH}`);
  const addresses = protocol === 0 || command === "LOCAL" ? 0 : ADDRESS_LENGTHS[family]!;
  if (length < FIXED_LENGTH + addresses) throw invalid("it is too short for its addresses");
  if (bytes.length < length) return undefined;
  const whole = bytes.subarray(0, length);
  const header: ProxyHeader = { version: 2, command, tlvs: [] };
  if (command === "PROXY") {
    if (addresses > 0) add_addresses(header, whole.subarray(FIXED_LENGTH), family, protocol);
    header.tlvs = tlvs_of(whole, FIXED_LENGTH + addresses);
  }
  return { header, rest: bytes.subarray(length) };
}

function add_addresses(
  header: ProxyHeader,
  bytes: Uint8Array,
  family: number,
  protocol: number,
): void {
  if (family === 3) {
    const transport = protocol === 1 ? "unix" : "unixpacket";
    header.source = { transport, path: path_of(bytes) };
    header.destination = { transport, path: path_of(bytes.subarray(PATH_LENGTH)) };
    return;
  }
  const size = family === 1 ? 4 : 16;
  const text_of = family === 1 ? ipv4_of : ipv6_of;
  const transport = protocol === 1 ? "tcp" : "udp";
  const port = (at: number) => bytes[at]! << 8 | bytes[at + 1]!;
  header.source = net_addr(text_of(bytes.subarray(0, size)), port(2 * size), transport);
  header.destination = net_addr(
    text_of(bytes.subarray(size, 2 * size)),
    port(2 * size + 2),
    transport,
  );
}

/** Up to the first zero. */
function path_of(bytes: Uint8Array): string {
  const path = bytes.subarray(0, PATH_LENGTH);
  const end = path.indexOf(0);
  return DECODER.decode(end < 0 ? path : path.subarray(0, end));
}

function ipv4_of(bytes: Uint8Array): string {
  return bytes.join(".");
}

function ipv6_of(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: 8 },
    (_, group) => bytes[2 * group]! << 8 | bytes[2 * group + 1]!,
  );
  return groups.map((group) => group.toString(16)).join(":");
}

/**
 * The address as Deno writes it: `::1`, not `0:0:0:0:0:0:0:1`.
 *
 * @throws {Deno.errors.InvalidData} If there is no such port.
 */
function net_addr(hostname: string, port: number, transport: "tcp" | "udp"): Deno.NetAddr {
  if (port > 65_535) throw invalid(`it names port ${port}`);
  if (late.net.isIPv4(hostname)) return { transport, hostname, port };
  const { address } = new late.net.SocketAddress({ address: hostname, family: "ipv6" });
  return { transport, hostname: address, port };
}

/**
 * What comes behind the addresses.
 *
 * @throws {Deno.errors.InvalidData} If something is cut, or the checksum is wrong.
 */
function tlvs_of(whole: Uint8Array, start: number): ProxyTlv[] {
  const tlvs: ProxyTlv[] = [];
  for (let at = start; at < whole.length;) {
    const [type, high, low] = whole.subarray(at);
    const value_at = at + 3;
    at = value_at + ((high ?? 0) << 8 | (low ?? 0));
    if (low === undefined || at > whole.length) throw invalid("something in it is cut");
    const value = whole.slice(value_at, at);
    if (type === TLV.CHECKSUM) check_checksum(whole, value_at, value);
    if (type !== TLV.NOTHING) tlvs.push({ type: type!, value });
  }
  return tlvs;
}

/** The checksum is that of the whole header, with zeros in place of the checksum. */
function check_checksum(whole: Uint8Array, at: number, value: Uint8Array<ArrayBuffer>): void {
  if (value.length !== 4) throw invalid("its checksum is of another kind");
  const expected = new DataView(value.buffer).getUint32(0);
  if (crc32c(whole.slice().fill(0, at, at + 4)) !== expected) {
    throw invalid("its checksum is wrong");
  }
}

function invalid(why: string): Deno.errors.InvalidData {
  return new Deno.errors.InvalidData(`Cannot read the PROXY header: ${why}`);
}
