/**
 * All that this package uses of the C library and the kernel: each function, structure and constant, with its
 * page of the manual. The numbers are those of Linux on x86-64 and arm64, with glibc and with musl alike.
 * `tests/libc_test.ts` has the C compiler check them.
 *
 * @module
 */

/** The functions. What they take is 32 bits wide, or an address or a size (`usize`). */
const FUNCTIONS = {
  /** socket(2) */
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** bind(2) */
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  /** getsockname(2) */
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  /** getsockopt(2) */
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  /** setsockopt(2) */
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  /** recvmmsg(2), never with a timeout */
  recvmmsg: { parameters: ["i32", "usize", "u32", "i32", "pointer"], result: "i32" },
  /** sendmmsg(2) */
  sendmmsg: { parameters: ["i32", "usize", "u32", "i32"], result: "i32" },
  /** fcntl(2), with a number */
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** close(2) */
  close: { parameters: ["i32"], result: "i32" },
  /** eventfd(2) */
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  /** eventfd_write(3) */
  eventfd_write: { parameters: ["i32", "u64"], result: "i32" },
  /** eventfd_read(3) */
  eventfd_read: { parameters: ["i32", "buffer"], result: "i32" },
  /** poll(2), which waits in another thread */
  poll: { parameters: ["usize", "usize", "i32"], result: "i32", nonblocking: true },
  /** inet_pton(3) */
  inet_pton: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  /** inet_ntop(3): its result, the address of the text, is 0 if it failed */
  inet_ntop: { parameters: ["i32", "buffer", "buffer", "u32"], result: "usize" },
  /** getaddrinfo(3) */
  getaddrinfo: { parameters: ["buffer", "pointer", "buffer", "buffer"], result: "i32" },
  /** freeaddrinfo(3) */
  freeaddrinfo: { parameters: ["usize"], result: "void" },
  /** if_nametoindex(3) */
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  /** malloc(3) */
  malloc: { parameters: ["usize"], result: "usize" },
  /** free(3) */
  free: { parameters: ["usize"], result: "void" },
  /** memmove(3) of nothing: the address of an array, which `Deno.UnsafePointer` tells only with more rights */
  address_of: { name: "memmove", parameters: ["buffer", "buffer", "usize"], result: "usize" },
  /** memcpy(3) from an address into an array */
  copy_in: { name: "memcpy", parameters: ["buffer", "usize", "usize"], result: "usize" },
  /** memcpy(3) from an array to an address */
  copy_out: { name: "memcpy", parameters: ["usize", "buffer", "usize"], result: "usize" },
  /** errno(3): both libraries have it at the address that this gives */
  errno_location: { name: "__errno_location", parameters: [], result: "usize" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The constants of address_families(7), socket(2), socket(7), ip(7), ipv6(7), recv(2), send(2), poll(2) … */
export const C = {
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_DGRAM: 2,
  SOCK_CLOEXEC: 0o2000000,
  // socket(7)
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_TYPE: 3,
  SO_BROADCAST: 6,
  SO_RCVBUF: 8,
  SO_REUSEPORT: 15,
  SO_RCVBUFFORCE: 33,
  SO_DOMAIN: 39,
  // ip(7)
  IPPROTO_IP: 0,
  IP_RECVERR: 11,
  IP_ADD_MEMBERSHIP: 35,
  // ipv6(7)
  IPPROTO_IPV6: 41,
  IPV6_ADD_MEMBERSHIP: 20,
  IPV6_RECVERR: 25,
  IPV6_V6ONLY: 26,
  // recv(2), send(2)
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  // poll(2)
  POLLIN: 1,
  POLLOUT: 4,
  // eventfd(2)
  EFD_CLOEXEC: 0o2000000,
  EFD_NONBLOCK: 0o4000,
  // fcntl(2)
  F_SETFD: 2,
  FD_CLOEXEC: 1,
  // inet_ntop(3)
  INET6_ADDRSTRLEN: 46,
  // errno(3)
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  ENODEV: 19,
  EMSGSIZE: 90,
  ECONNREFUSED: 111,
} as const;

/** The structures: how many bytes they have, and where their members are. */
export const STRUCTS = {
  /** sockaddr_in: ip(7) */
  sockaddr_in: { size: 16, sin_family: 0, sin_port: 2, sin_addr: 4 },
  /** sockaddr_in6: ipv6(7) */
  sockaddr_in6: { size: 28, sin6_family: 0, sin6_port: 2, sin6_addr: 8, sin6_scope_id: 24 },
  /** iovec: iovec(3type) */
  iovec: { size: 16, iov_base: 0, iov_len: 8 },
  /** mmsghdr: recvmmsg(2), with msghdr: recvmsg(2) */
  mmsghdr: {
    size: 64,
    "msg_hdr.msg_name": 0,
    "msg_hdr.msg_namelen": 8,
    "msg_hdr.msg_iov": 16,
    "msg_hdr.msg_iovlen": 24,
    "msg_hdr.msg_control": 32,
    "msg_hdr.msg_controllen": 40,
    "msg_hdr.msg_flags": 48,
    msg_len: 56,
  },
  /** pollfd: poll(2) */
  pollfd: { size: 8, fd: 0, events: 4, revents: 6 },
  /** addrinfo: getaddrinfo(3) */
  addrinfo: { size: 48, ai_flags: 0, ai_family: 4, ai_socktype: 8, ai_addrlen: 16, ai_addr: 24 },
  /** ip_mreqn: ip(7) */
  ip_mreqn: { size: 12, imr_multiaddr: 0, imr_address: 4, imr_ifindex: 8 },
  /** ipv6_mreq: ipv6(7) */
  ipv6_mreq: { size: 20, ipv6mr_multiaddr: 0, ipv6mr_interface: 16 },
} as const;

/** The C library of this process, opened. */
export type Functions = Deno.DynamicLibrary<typeof FUNCTIONS>["symbols"];

/**
 * What the library that Deno itself uses is called, and where Debian, Fedora, Arch and Alpine have it: by what Deno
 * is built for.
 */
const PLACES: Record<string, readonly string[]> = {
  "x86_64 gnu": [
    "libc.so.6",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
  ],
  "aarch64 gnu": [
    "libc.so.6",
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
  ],
  "x86_64 musl": ["libc.musl-x86_64.so.1", "/lib/libc.musl-x86_64.so.1"],
  "aarch64 musl": ["libc.musl-aarch64.so.1", "/lib/libc.musl-aarch64.so.1"],
};

/**
 * Opens the C library.
 *
 * @throws {Deno.errors.NotSupported} Anywhere but on Linux on x86-64 or arm64.
 * @throws {Deno.errors.NotCapable} If the permission `--allow-ffi` is missing.
 */
export function open_libc(): Deno.DynamicLibrary<typeof FUNCTIONS> {
  const { os, arch, target } = Deno.build;
  const places = PLACES[`${arch} ${target.includes("musl") ? "musl" : "gnu"}`];
  if (os !== "linux" || !places) {
    throw new Deno.errors.NotSupported(
      `Cannot use @socketserver/native on ${target}: it needs Linux on x86-64 or arm64. ` +
        "UDPServer without NativeMixIn runs everywhere",
    );
  }
  return Deno.dlopen(places.find(may_open) ?? places[0]!, FUNCTIONS);
}

/** Whether the library is there, as far as that can be known without a permission for reading, and may be opened. */
function may_open(path: string): boolean {
  if (Deno.permissions.querySync({ name: "ffi", path }).state !== "granted") return false;
  try {
    Deno.dlopen(path, {}).close();
    return true;
  } catch {
    return false;
  }
}
