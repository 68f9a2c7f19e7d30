import { assertEquals, assertRejects } from "@std/assert";
import { DatagramSocket } from "../../../server/sockets/datagram_socket.ts";

/** Where a {@linkcode recording} socket was told to send to, and how many bytes. */
interface Sent {
  address: Deno.Addr;
  bytes: number;
}

/** A server's socket whose sender only notes what it is given. */
function recording<A extends Deno.Addr>(addr: A): { socket: DatagramSocket<A>; sent: Sent[] } {
  const sent: Sent[] = [];
  const send = (data: Uint8Array, address: A) => {
    sent.push({ address, bytes: data.length });
    return Promise.resolve(data.length);
  };
  return { socket: new DatagramSocket(addr, { send }), sent };
}

const IPV4: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: 53 };
const IPV6: Deno.NetAddr = { transport: "udp", hostname: "::", port: 53 };
const UNIX: Deno.UnixAddr = { transport: "unixpacket", path: "/run/server" };
const DATA = new Uint8Array(3);

Deno.test("DatagramSocket.sendto() takes Python's form of an address and Deno's", async () => {
  const { socket, sent } = recording(IPV4);
  await socket.sendto(DATA, ["1.2.3.4", 80]);
  await socket.sendto(DATA, { hostname: "1.2.3.4", port: 80 });
  await socket.sendto(DATA, { transport: "udp", hostname: "1.2.3.4", port: 80 });
  await socket.sendto(DATA, ["localhost", 80]);
  const address: Deno.NetAddr = { transport: "udp", hostname: "1.2.3.4", port: 80 };
  const expected = [address, address, address, { ...address, hostname: "localhost" }];
  assertEquals(sent.map(({ address }) => address), expected);
});

Deno.test("DatagramSocket.sendto() takes a path and an object with a path", async () => {
  const { socket, sent } = recording(UNIX);
  await socket.sendto(DATA, "/run/client");
  await socket.sendto(DATA, { path: "/run/client" });
  await socket.sendto(DATA, { transport: "unixpacket", path: "/run/client" });
  await socket.sendto(DATA, "\0client");
  const address: Deno.UnixAddr = { transport: "unixpacket", path: "/run/client" };
  const expected = [address, address, address, { ...address, path: "\0client" }];
  assertEquals(sent.map(({ address }) => address), expected);
});

Deno.test("DatagramSocket.sendto() tells an IPv6 socket an IPv4 address in its form", async () => {
  const { socket, sent } = recording(IPV6);
  await socket.sendto(DATA, ["1.2.3.4", 80]);
  await socket.sendto(DATA, ["::1", 80]);
  await socket.sendto(DATA, ["localhost", 80]);
  const hostnames = sent.map(({ address }) => (address as Deno.NetAddr).hostname);
  assertEquals(hostnames, ["::ffff:1.2.3.4", "::1", "localhost"]);
});

Deno.test("DatagramSocket.sendto() gives the number of bytes, 0 too", async () => {
  const { socket, sent } = recording(IPV4);
  for (const bytes of [0, 1, 65_507]) {
    assertEquals(await socket.sendto(new Uint8Array(bytes), ["1.2.3.4", 80]), bytes);
  }
  assertEquals(sent.map(({ bytes }) => bytes), [0, 1, 65_507]);
});

for (const [addr, max] of [[IPV4, 65_507], [IPV6, 65_527]] as const) {
  Deno.test(`DatagramSocket.sendto() at ${addr.hostname} takes ${max} bytes at most`, async () => {
    const { socket, sent } = recording(addr);
    await socket.sendto(new Uint8Array(max), ["::1", 80]);
    await assertRejects(
      () => socket.sendto(new Uint8Array(max + 1), ["::1", 80]),
      RangeError,
      `at most ${max}`,
    );
    assertEquals(sent.length, 1);
  });
}

Deno.test("DatagramSocket.sendto() leaves the length of a Unix datagram to the system", async () => {
  const { socket } = recording(UNIX);
  assertEquals(await socket.sendto(new Uint8Array(100_000), "/run/client"), 100_000);
});

Deno.test("DatagramSocket.sendto() refuses a client that has no name", async () => {
  const { socket, sent } = recording(UNIX);
  for (const address of ["", { path: "" }, { transport: "unixpacket", path: "" } as const]) {
    await assertRejects(() => socket.sendto(DATA, address), TypeError);
  }
  assertEquals(sent, []);
});

Deno.test("DatagramSocket.sendto() refuses a port that is none, and what is no address", async () => {
  const { socket, sent } = recording(IPV4);
  for (const port of [-1, 0, 65_536, 1.5, NaN]) {
    await assertRejects(() => socket.sendto(DATA, ["1.2.3.4", port]), RangeError, `port ${port}`);
    const address: Deno.NetAddr = { transport: "udp", hostname: "1.2.3.4", port };
    await assertRejects(() => socket.sendto(DATA, address), RangeError, `port ${port}`);
  }
  for (const address of ["1.2.3.4:80", "/run/client", null, undefined, [] as unknown]) {
    await assertRejects(() => socket.sendto(DATA, address as string), TypeError);
  }
  assertEquals(sent, []);
});

Deno.test("DatagramSocket.addr is the address of the server", () => {
  assertEquals(recording(UNIX).socket.addr, UNIX);
});
