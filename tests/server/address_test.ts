import { assertEquals, assertThrows } from "@std/assert";
import { format_address, net_addr, type NetAddress } from "../../server/address.ts";

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

Deno.test("net_addr() takes the ports from 0 to 65535", () => {
  for (const port of [0, 1, 65_535]) assertEquals(net_addr(["localhost", port], "tcp").port, port);
  for (const port of [-1, 65_536, 1.5, NaN, Infinity, "80", null, undefined]) {
    const address = ["localhost", port] as unknown as NetAddress;
    assertThrows(() => net_addr(address, "tcp"), RangeError, `port ${port} of "localhost"`);
  }
});

Deno.test("net_addr() refuses what is no address", () => {
  for (const address of [null, undefined, "localhost:80", 80, {}, [], [80, "localhost"]]) {
    assertThrows(() => net_addr(address as unknown as NetAddress, "tcp"), TypeError);
  }
});

Deno.test("format_address() writes an address as people do", () => {
  const cases: [unknown, string][] = [
    [{ transport: "tcp", hostname: "127.0.0.1", port: 80 }, "127.0.0.1:80"],
    [{ transport: "tcp", hostname: "::1", port: 80 }, "[::1]:80"],
    [{ transport: "tcp", hostname: "localhost", port: 0 }, "localhost:0"],
    [{ transport: "unix", path: "/tmp/socket" }, "/tmp/socket"],
    ["an array", "an array"],
    [null, "null"],
    [undefined, "undefined"],
  ];
  for (const [address, text] of cases) assertEquals(format_address(address), text);
});
