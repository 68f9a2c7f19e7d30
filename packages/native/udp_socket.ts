import { isIPv6 } from "node:net";
import { type DatagramListenOptions, UDPServer } from "@socketserver/socketserver";
import { Addresses, c_string, type Family, scope_of } from "./addresses.ts";
import { C, STRUCTS } from "./libc.ts";
import { int, type LibcUser } from "./libc_user.ts";
import { check_net } from "./net_permission.ts";
import { system_error } from "./system_error.ts";

const { addrinfo, ip_mreqn, ipv6_mreq, sockaddr_in, sockaddr_in6 } = STRUCTS;

/** Where to bind, and how much may wait in the system. */
export interface UDPSocketOptions extends DatagramListenOptions<Deno.NetAddr> {
  /** How many bytes the system is asked to keep until they are received; `null` leaves that to it. */
  receive_buffer?: number | null;
}

/** A UDP socket that is bound. */
export interface UDPSocket {
  /** Its descriptor: who has this object closes it. */
  fd: number;
  addr: Deno.NetAddr;
  /** Reads and writes its addresses. */
  addresses: Addresses;
}

/** Where something is. */
interface Place {
  family: Family;
  /** A sockaddr_in or sockaddr_in6. */
  name: Uint8Array<ArrayBuffer>;
}

/** Makes a socket and binds it, or takes one that is bound; nothing is left if that fails. */
export function open_socket(libc: LibcUser, options: UDPSocketOptions): UDPSocket {
  const { inherit = false } = options;
  if (inherit !== false) return UDPServer.inherit_socket(inherit, (fd) => take(libc, fd, options));
  check_net(options.addr);
  const place = find(libc, options.addr);
  const { fd } = bind(libc, place, options);
  return ready(libc, fd, place.family, options);
}

/** Takes a socket that the program was started with. */
function take(libc: LibcUser, fd: number, options: UDPSocketOptions): UDPSocket {
  const family = libc.option(fd, C.SO_DOMAIN);
  const is_datagram = libc.option(fd, C.SO_TYPE) === C.SOCK_DGRAM;
  if (!is_datagram || (family !== C.AF_INET && family !== C.AF_INET6)) {
    throw new Deno.errors.NotSupported(`Cannot inherit descriptor ${fd}: it is no UDP socket`);
  }
  libc.check(libc.functions.fcntl(fd, C.F_SETFD, C.FD_CLOEXEC), `descriptor ${fd}`);
  // What it would tell of lost datagrams nobody reads, and poll() would not wait any more.
  libc.set_option(fd, C.IPPROTO_IP, C.IP_RECVERR, 0, `descriptor ${fd}`);
  if (family === C.AF_INET6) {
    libc.set_option(fd, C.IPPROTO_IPV6, C.IPV6_RECVERR, 0, `descriptor ${fd}`);
  }
  return ready(libc, fd, family, options, false);
}

function bind(libc: LibcUser, { family, name }: Place, options: UDPSocketOptions): { fd: number } {
  const { functions } = libc;
  const what = "Cannot bind";
  const fd = libc.check(functions.socket(family, C.SOCK_DGRAM | C.SOCK_CLOEXEC, 0), what);
  try {
    const { reuse_address, reuse_port = false } = options;
    if (reuse_address) libc.set_option(fd, C.SOL_SOCKET, C.SO_REUSEADDR, 1, what);
    if (reuse_port) libc.set_option(fd, C.SOL_SOCKET, C.SO_REUSEPORT, 1, what);
    if (family === C.AF_INET6) libc.set_option(fd, C.IPPROTO_IPV6, C.IPV6_V6ONLY, 0, what);
    libc.check(functions.bind(fd, name, name.length), what);
  } catch (error) {
    functions.close(fd);
    throw error;
  }
  return { fd };
}

/** Sets up a socket that is bound. */
function ready(
  libc: LibcUser,
  fd: number,
  family: Family,
  { broadcast = true, groups = [], receive_buffer = null }: UDPSocketOptions,
  is_own = true,
): UDPSocket {
  try {
    libc.set_option(fd, C.SOL_SOCKET, C.SO_BROADCAST, broadcast ? 1 : 0, "broadcast");
    for (const group of groups) join(libc, fd, group);
    if (receive_buffer !== null) enlarge(libc, fd, receive_buffer);
    const name = new Uint8Array(new ArrayBuffer(128));
    libc.check(libc.functions.getsockname(fd, name, int(name.length)), "the socket's address");
    const addresses = new Addresses(libc, family);
    const place = { bytes: name, words: new Uint32Array(name.buffer) };
    return { fd, addr: addresses.read(place, 0), addresses };
  } catch (error) {
    if (is_own) libc.functions.close(fd);
    throw error;
  }
}

/** Asks for more than the system's limit if the program may, and else for as much as it gives. */
function enlarge({ functions }: LibcUser, fd: number, bytes: number): void {
  for (const name of [C.SO_RCVBUFFORCE, C.SO_RCVBUF]) {
    if (functions.setsockopt(fd, C.SOL_SOCKET, name, int(bytes), 4) === 0) return;
  }
}

function join(libc: LibcUser, fd: number, group: string): void {
  const what = `Cannot join the multicast group ${group}`;
  const [address = "", zone = ""] = group.split("%");
  const { functions } = libc;
  if (!isIPv6(address)) {
    const request = new Uint8Array(new ArrayBuffer(ip_mreqn.size));
    for (const [ip, at] of [[address, 0], [zone || "0.0.0.0", ip_mreqn.imr_address]] as const) {
      if (functions.inet_pton(C.AF_INET, c_string(ip), request.subarray(at)) !== 1) {
        throw new Deno.errors.InvalidData(`${what}: ${ip} is no IPv4 address`);
      }
    }
    return libc.set_option(fd, C.IPPROTO_IP, C.IP_ADD_MEMBERSHIP, request, what);
  }
  const request = new Uint8Array(new ArrayBuffer(ipv6_mreq.size));
  functions.inet_pton(C.AF_INET6, c_string(address), request);
  const index = zone === "" ? 0 : scope_of(libc, zone, what);
  // To the system 0 is no interface, but any.
  if (zone !== "" && index === 0) throw system_error(C.ENODEV, what);
  new DataView(request.buffer).setUint32(ipv6_mreq.ipv6mr_interface, index, true);
  libc.set_option(fd, C.IPPROTO_IPV6, C.IPV6_ADD_MEMBERSHIP, request, what);
}

/** Looks an address up, also where it is a name. */
function find(libc: LibcUser, { hostname, port }: Deno.NetAddr): Place {
  const { functions } = libc;
  const hints = new DataView(new ArrayBuffer(addrinfo.size));
  hints.setInt32(addrinfo.ai_socktype, C.SOCK_DGRAM, true);
  const result = new BigUint64Array(new ArrayBuffer(128), 0, 1);
  const failed = functions.getaddrinfo(
    c_string(hostname),
    null,
    new Uint8Array(hints.buffer),
    result,
  );
  if (failed !== 0) {
    throw new Deno.errors.NotFound(`Cannot find ${hostname}: getaddrinfo(3) says ${failed}`);
  }
  try {
    const found = new DataView(new ArrayBuffer(addrinfo.size));
    functions.copy_in(new Uint8Array(found.buffer), result[0]!, BigInt(addrinfo.size));
    const family = found.getInt32(addrinfo.ai_family, true) as Family;
    const { size } = family === C.AF_INET ? sockaddr_in : sockaddr_in6;
    const name = new Uint8Array(new ArrayBuffer(size));
    functions.copy_in(name, found.getBigUint64(addrinfo.ai_addr, true), BigInt(size));
    new DataView(name.buffer).setUint16(sockaddr_in.sin_port, port);
    return { family, name };
  } finally {
    functions.freeaddrinfo(result[0]!);
  }
}
