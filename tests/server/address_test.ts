import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import {
  BaseRequestHandler,
  type RequestHandlerConstructor,
  TCPServer,
  UDPServer,
} from "../../mod.ts";
import {
  client_key_of,
  format_address,
  is_abstract,
  net_addr,
  type NetAddress,
  peer_addr,
  unix_addr,
  type UnixAddress,
  wire_addr,
  with_address,
} from "../../server/address.ts";

Deno.test("net_addr() takes Python's form of an address and Deno's", () => {
  const addr = { transport: "tcp", hostname: "127.0.0.1", port: 80 } as const;
  assertEquals(net_addr(["127.0.0.1", 80], "tcp"), addr);
  assertEquals(net_addr({ hostname: "127.0.0.1", port: 80 }, "tcp"), addr);
  assertEquals(net_addr({ ...addr, transport: "udp" } as NetAddress, "tcp"), addr);
  assertEquals(net_addr(["::1", 53], "udp"), { transport: "udp", hostname: "::1", port: 53 });
});

Deno.test('net_addr() takes "" as all interfaces', () => {
  assertEquals(net_addr(["", 0], "tcp").hostname, "0.0.0.0");
  assertEquals(net_addr({ hostname: "", port: 0 }, "udp").hostname, "0.0.0.0");
});

Deno.test("net_addr() takes the brackets of URLs from IPv6 addresses, and from nothing else", () => {
  for (const ip of ["::1", "::", "fe80::1%lo"]) {
    assertEquals(net_addr([`[${ip}]`, 0], "tcp").hostname, ip);
    assertEquals(net_addr({ hostname: `[${ip}]`, port: 0 }, "udp").hostname, ip);
  }
  for (const host of ["[127.0.0.1]", "[localhost]", "[::1", "::1]", "[]", "[[::1]]"]) {
    assertEquals(net_addr([host, 0], "udp").hostname, host);
  }
});

Deno.test("net_addr() takes the ports from 0 to 65535", () => {
  for (const port of [0, 1, 65_535]) assertEquals(net_addr(["localhost", port], "tcp").port, port);
  for (const port of [-1, 65_536, 1.5, NaN, Infinity, "80", null, undefined]) {
    const address = ["localhost", port] as unknown as NetAddress;
    assertThrows(
      () => net_addr(address, "tcp"),
      RangeError,
      `port ${Deno.inspect(port)} of "localhost"`,
    );
  }
});

const Handler = BaseRequestHandler as RequestHandlerConstructor;

Deno.test("net_addr() refuses what is no address", () => {
  for (const address of [null, undefined, "localhost:80", 80, {}, [], [80, "localhost"]]) {
    const words = "an address is [hostname, port]";
    assertThrows(() => net_addr(address as unknown as NetAddress, "tcp"), TypeError, words);
    assertThrows(() => new TCPServer(address as unknown as NetAddress, Handler), TypeError, words);
    assertThrows(() => new UDPServer(address as unknown as NetAddress, Handler), TypeError, words);
  }
});

Deno.test("unix_addr() takes a path and Deno's form of an address", () => {
  const addr = { transport: "unix", path: "/tmp/socket" } as const;
  assertEquals(unix_addr("/tmp/socket", "unix"), addr);
  assertEquals(unix_addr({ path: "/tmp/socket" }, "unix"), addr);
  assertEquals(unix_addr({ ...addr, transport: "unixpacket" } as UnixAddress, "unix"), addr);
  assertEquals(unix_addr("\0name", "unixpacket"), { transport: "unixpacket", path: "\0name" });
});

Deno.test("unix_addr() takes paths of at most 107 bytes, and names the limit", () => {
  const longest = "/" + "p".repeat(106);
  assertEquals(unix_addr(longest, "unix").path, longest);
  for (const path of [longest + "p", "/" + "ü".repeat(54)]) {
    assertThrows(() => unix_addr(path, "unix"), RangeError, "at most 107");
  }
});

Deno.test("unix_addr() refuses what is no path", () => {
  for (const address of ["", null, undefined, 80, {}, { path: "" }, { path: null }, ["/tmp"]]) {
    assertThrows(() => unix_addr(address as UnixAddress, "unix"), TypeError);
  }
});

Deno.test("is_abstract() tells names from paths", () => {
  assertEquals(is_abstract("\0name"), true);
  for (const path of ["/tmp/name", "name", "@name", ""]) assertEquals(is_abstract(path), false);
});

Deno.test("peer_addr() shows an IPv4 client of an IPv6 socket with its IPv4 address", () => {
  const mapped: Deno.NetAddr = { transport: "tcp", hostname: "::ffff:1.2.3.4", port: 80 };
  assertEquals(peer_addr(mapped), { transport: "tcp", hostname: "1.2.3.4", port: 80 });
  assertEquals(mapped.hostname, "::ffff:1.2.3.4");
});

Deno.test('peer_addr() gives a Unix client without a name the path ""', () => {
  const unnamed = { transport: "unix", path: null } as unknown as Deno.UnixAddr;
  assertEquals(peer_addr(unnamed), { transport: "unix", path: "" });
});

Deno.test("peer_addr() leaves other addresses as they are", () => {
  const addrs: Deno.Addr[] = [
    { transport: "tcp", hostname: "1.2.3.4", port: 80 },
    { transport: "udp", hostname: "::1", port: 80 },
    { transport: "udp", hostname: "::ffff:1:2", port: 80 },
    { transport: "unix", path: "/tmp/socket" },
    { transport: "unixpacket", path: "" },
  ];
  for (const addr of addrs) assertStrictEquals(peer_addr(addr), addr);
});

Deno.test("wire_addr() undoes peer_addr()", () => {
  const mapped: Deno.NetAddr = { transport: "udp", hostname: "::ffff:1.2.3.4", port: 80 };
  assertEquals(wire_addr(peer_addr(mapped)), mapped);
});

Deno.test("format_address() writes an address as people do", () => {
  const cases: [unknown, string][] = [
    [{ transport: "tcp", hostname: "127.0.0.1", port: 80 }, "127.0.0.1:80"],
    [{ transport: "tcp", hostname: "::1", port: 80 }, "[::1]:80"],
    [{ transport: "tcp", hostname: "localhost", port: 0 }, "localhost:0"],
    [{ transport: "unix", path: "/tmp/socket" }, "/tmp/socket"],
    [{ transport: "unix", path: "\0name" }, "@name"],
    [{ transport: "unixpacket", path: "" }, "a socket without a name"],
    ["an array", "an array"],
    [null, "null"],
    [undefined, "undefined"],
  ];
  for (const [address, text] of cases) assertEquals(format_address(address), text);
});

Deno.test("with_address() adds the address to the same error, once", () => {
  const addr: Deno.NetAddr = { transport: "tcp", hostname: "::1", port: 80 };
  const error = new Deno.errors.AddrInUse("in use");
  assertStrictEquals(with_address(error, addr), error);
  assertEquals(error.message, "in use: [::1]:80");
  with_address(error, addr);
  assertEquals(error.message, "in use: [::1]:80");
  assertInstanceOf(error, Deno.errors.AddrInUse);
});

Deno.test("with_address() leaves what is no error", () => {
  assertEquals(with_address("thrown", { transport: "unix", path: "/tmp/socket" }), "thrown");
});

Deno.test("client_key_of() gives the IPv4 address, the network of an IPv6 address, or what there is", () => {
  for (
    const [hostname, key] of [
      ["192.0.2.1", "192.0.2.1"],
      ["::ffff:192.0.2.1", "192.0.2.1"],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
      ["2001:db8:1:2::", "2001:db8:1:2::/64"],
      ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
      ["2001:DB8:0001:02::9", "2001:db8:1:2::/64"],
      ["2001:db8:1::9:0:0:5", "2001:db8:1:0::/64"],
      ["2001:db8:1:3::9", "2001:db8:1:3::/64"],
      ["2001:db8::1:2:3:4:5", "2001:db8:0:1::/64"],
      ["fe80::1%eth0", "fe80:0:0:0::/64"],
      ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
      ["1:2:3::192.0.2.1", "1:2:3:0::/64"],
      ["1::4:5:6:192.0.2.1", "1:0:0:4::/64"],
      ["::1", "0:0:0:0::/64"],
      ["::", "0:0:0:0::/64"],
    ] as const
  ) {
    assertEquals(client_key_of({ transport: "tcp", hostname, port: 5 }), key, hostname);
  }
  assertEquals(client_key_of({ transport: "unix", path: "/tmp/client" }), "");
  assertEquals(client_key_of("list"), "list");
  for (const nothing of [null, undefined, 5, {}]) assertEquals(client_key_of(nothing), "");
});
