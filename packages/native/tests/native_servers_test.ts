/** What native servers do besides what all UDP servers do. */
import { setImmediate } from "node:timers/promises";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UDPServer, UnixDatagramServer } from "@socketserver/socketserver";
import { DatagramClient } from "../../../tests/fixtures/clients/datagrams.ts";
import { UpperPacketHandler } from "../../../tests/fixtures/handlers/handlers.ts";
import {
  HAS_NATIVE,
  NativeAsyncUDPServer,
  NativeThreadingUDPServer,
  NativeUDPServer,
} from "../../../tests/fixtures/servers/named_servers.ts";
import { is_there, output_of } from "../../../tests/fixtures/programs/programs.ts";
import { Noting } from "../../../tests/fixtures/servers/noting.ts";
import { serving } from "../../../tests/fixtures/servers/serving.ts";
import { has_ipv6, OWN_ADDRESS } from "../../../tests/fixtures/tools/addresses.ts";
import { bytes_of, pattern, same_bytes, text_of } from "../../../tests/fixtures/tools/bytes.ts";
import { Random } from "../../../tests/fixtures/tools/random.ts";
import { TempFolder } from "../../../tests/fixtures/tools/temp_folder.ts";
import { soon, until } from "../../../tests/fixtures/tools/waiting.ts";
import { C } from "../libc.ts";
import { LibcUser } from "../libc_user.ts";
import { NativeMixIn, type UDPServerClass } from "../mod.ts";
import type { NativeDatagramListener } from "../native_datagram_listener.ts";
import { open_socket } from "../udp_socket.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const EMPTY = new Uint8Array(0);
const AF_UNIX = 1;
const SOCK_STREAM = 1;

/** A test where the C library can be used. */
function test(name: string, fn: () => Promise<void> | void): void {
  Deno.test({ name, ignore: !HAS_NATIVE, fn });
}

/** A socket as a program is started with one. */
class GivenSocket implements Disposable {
  readonly fd: number;
  readonly addr: Deno.NetAddr;
  #libc: LibcUser = new LibcUser();
  #more = Deno.dlopen("libc.so.6", {
    dup: { parameters: ["i32"], result: "i32" },
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  });

  constructor(hostname = "127.0.0.1") {
    const addr = { transport: "udp", hostname, port: 0 } as const;
    const options = { addr, backlog: 1, reuse_address: false, max_packet_size: 100 };
    ({ fd: this.fd, addr: this.addr } = open_socket(this.#libc, options));
  }

  /** One more descriptor for it. */
  dup(): number {
    return this.#more.symbols.dup(this.fd);
  }

  /** Has it hear of what becomes of its datagrams to this address. */
  connect({ port }: Deno.NetAddr): void {
    const name = new Uint8Array([C.AF_INET, 0, port >> 8, port, 127, 0, 0, 1, ...Array(8).fill(0)]);
    assertEquals(this.#more.symbols.connect(this.fd, name, name.length), 0);
  }

  [Symbol.dispose](): void {
    this.#libc.functions.close(this.fd);
    this.#libc[Symbol.dispose]();
    this.#more.close();
  }
}

test("workers send their replies themselves", async () => {
  await using server = serving(new NativeThreadingUDPServer(HERE, UpperPacketHandler));
  server.socket!.send = () => Promise.reject(new Error("It was sent by the server's thread"));
  using client = new DatagramClient(server.server_address);
  for (const text of ["one", "two", "three"]) {
    assertEquals(await client.ask(text), text.toUpperCase());
  }
});

test("allow_reuse_port: two servers share an address, and all are answered", async () => {
  const options = { allow_reuse_port: true };
  await using first = serving(new NativeUDPServer([OWN_ADDRESS, 0], UpperPacketHandler, options));
  const { port } = first.server_address;
  const make = () => new NativeUDPServer([OWN_ADDRESS, port], UpperPacketHandler, options);
  await using second = serving(make());
  for (let count = 0; count < 40; count++) {
    using client = new DatagramClient(first.server_address);
    assertEquals(await client.ask("hello"), "HELLO");
  }
  await until(() => first.info().completed + second.info().completed === 40);
  assert(first.info().completed > 0 && second.info().completed > 0);
});

test("files are read at once, however many servers wait, and each of these answers", async () => {
  await using servers = new AsyncDisposableStack();
  const make = () => servers.use(serving(new NativeUDPServer(HERE, UpperPacketHandler)));
  const all = Array.from({ length: 64 }, make);
  // By then each waits in another thread.
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  // Where each has a thread of its own, a file waits for up to a second.
  for (let time = 0; time < 5; time++) await soon(Deno.stat("."), 400);
  for (const { server_address } of all) {
    using client = new DatagramClient(server_address);
    assertEquals(await client.ask("hello"), "HELLO");
  }
});

test("inherit: a closed server leaves to others what it has not taken, and answers the rest", async () => {
  using socket = new GivenSocket();
  using client = new DatagramClient(socket.addr);
  const count = 200;
  for (let number = 0; number < count; number++) await client.send(`${number}`);
  let answered = 0;
  for (const stop_at of [10, count]) {
    const server = new NativeAsyncUDPServer(HERE, UpperPacketHandler, { inherit: socket.dup() });
    assertEquals(server.server_address, socket.addr);
    const loop = server.serve_forever();
    await until(() => answered + server.info().completed >= stop_at);
    await soon(server.server_close());
    await soon(loop);
    answered += server.info().completed;
  }
  assertEquals(answered, count);
  const replies = [];
  for (let number = 0; number < count; number++) replies.push(text_of(await client.receive()));
  assertEquals(replies, Array.from({ length: count }, (_, number) => `${number}`));
});

test("inherit: what is no UDP socket is refused", () => {
  const make = (inherit: number) => () =>
    new NativeUDPServer(HERE, UpperPacketHandler, { inherit });
  // Standard input.
  assertThrows(make(0), Error, "descriptor 0");
  assertThrows(make(12_345), Deno.errors.BadResource, "12345");
  using libc = new LibcUser();
  const { socket, close } = libc.functions;
  for (const [family, type] of [[C.AF_INET, SOCK_STREAM], [AF_UNIX, C.SOCK_DGRAM]] as const) {
    const fd = socket(family, type, 0);
    assertThrows(make(fd), Deno.errors.NotSupported, `descriptor ${fd}: it is no UDP socket`);
    close(fd);
  }
});

Deno.test({
  name: "inherit: an IPv6 socket is served",
  ignore: !HAS_NATIVE || !has_ipv6(),
  async fn() {
    using socket = new GivenSocket("::1");
    const inherit = socket.dup();
    await using server = serving(new NativeAsyncUDPServer(HERE, UpperPacketHandler, { inherit }));
    assertEquals(server.server_address, socket.addr);
    using client = new DatagramClient(server.server_address, "::1");
    assertEquals(await client.ask("hello"), "HELLO");
  },
});

test("inherit: a connected socket that hears of a lost reply goes on", async () => {
  using socket = new GivenSocket();
  const gone = new DatagramClient(socket.addr);
  const to = gone.addr as Deno.NetAddr;
  socket.connect(to);
  const server = new (Noting(NativeUDPServer))(HERE, UpperPacketHandler, { inherit: socket.dup() });
  await using _serving = serving(server);
  assertEquals(await gone.ask("one"), "ONE");
  gone[Symbol.dispose]();
  for (let count = 0; count < 5; count++) {
    assertEquals(await server.socket!.send(EMPTY, to), 0);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const next = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: to.port });
  await next.send(bytes_of("two"), socket.addr);
  const [reply] = await soon(next.receive());
  assertEquals(text_of(reply), "TWO");
  next.close();
  assertEquals(server.info().state, "serving");
});

test("a burst of 10,000 datagrams is taken whole, as far as the receive buffer is enough", async () => {
  class Buffered extends NativeMixIn(UDPServer) {
    static override receive_buffer = 16_777_216;
  }
  const lengths: number[] = [];
  class CountHandler extends UpperPacketHandler {
    override handle(): Promise<void> {
      const { packet } = this;
      assert(same_bytes(packet, pattern(packet.length)));
      lengths.push(packet.length);
      return Promise.resolve();
    }
  }
  const server = new (Noting(Buffered))(HERE, CountHandler);
  const { receive_buffer } = server.socket as unknown as NativeDatagramListener;
  // What the system counts for a datagram of up to 1,400 bytes.
  const count = Math.min(10_000, Math.floor(receive_buffer / 2560));
  using client = new DatagramClient(server.server_address);
  const random = new Random(1);
  const sent = Array.from({ length: count }, () => 60 + random.below(1341));
  for (const length of sent) await client.send(pattern(length));
  await using _serving = serving(server);
  await until(() => lengths.length === count);
  assertEquals(lengths, sent);
  assertEquals(server.log.errors, []);
});

/** Asks a server by an address that is for one link only. */
const LINK_CLIENT = `
import socket, sys
client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
client.settimeout(10)
client.sendto(b"hello", socket.getaddrinfo(sys.argv[1], int(sys.argv[2]), type=socket.SOCK_DGRAM)[0][4])
print(client.recv(100).decode())
`;
const link = Deno.networkInterfaces().find(({ address }) => address.startsWith("fe80:"));

Deno.test({
  name: "python3: a client whose address is for one link only gets its reply",
  ignore: !HAS_NATIVE || !link || !is_there("python3"),
  async fn() {
    await using server = serving(new NativeUDPServer(["::", 0], UpperPacketHandler));
    const address = `${link!.address}%${link!.name}`;
    const args = ["-c", LINK_CLIENT, address, `${server.server_address.port}`];
    assertEquals(await output_of("python3", args), "HELLO\n");
  },
});

Deno.test({
  name: "a server may have an IPv6 address in brackets, as UDPServer takes it",
  ignore: !HAS_NATIVE || !has_ipv6(),
  async fn() {
    for (const Server of [UDPServer, NativeUDPServer, NativeThreadingUDPServer]) {
      await using server = serving(
        new Server(["[::1]", 0], UpperPacketHandler, { max_workers: 1 }),
      );
      assertEquals(server.server_address.hostname, "::1");
      using client = new DatagramClient(server.server_address, "::1");
      assertEquals(await client.ask("hello"), "HELLO");
    }
  },
});

test("receive_buffer must be a number of bytes", () => {
  for (const receive_buffer of [0, -1, 1.5, NaN, 2 ** 31, Infinity]) {
    class Odd extends NativeUDPServer {
      static receive_buffer = receive_buffer;
    }
    assertThrows(() => new Odd(HERE, UpperPacketHandler), RangeError, "receive_buffer");
  }
});

test("a max_packet_size beyond the longest datagram takes no more memory", async () => {
  await using server = serving(
    new NativeUDPServer(HERE, UpperPacketHandler, { max_packet_size: 2 ** 40 }),
  );
  using client = new DatagramClient(server.server_address);
  assertEquals(await client.ask("x".repeat(65_507)), "X".repeat(65_507));
});

test("a Unix server is refused", async () => {
  await using folder = await TempFolder.make();
  const Server = NativeMixIn(UnixDatagramServer as unknown as UDPServerClass);
  const make = () => new Server(folder.join("path"), UpperPacketHandler);
  assertThrows(make, Deno.errors.NotSupported, "only with UDP");
});

test("other systems get a clear error when the server is made", () => {
  const { build } = Deno;
  for (const other of [{ os: "darwin", arch: "aarch64", target: "aarch64-apple-darwin" }]) {
    Object.defineProperty(Deno, "build", { value: { ...build, ...other }, configurable: true });
    try {
      const make = () => new NativeUDPServer(HERE, UpperPacketHandler);
      assertThrows(make, Deno.errors.NotSupported, "needs Linux");
    } finally {
      Object.defineProperty(Deno, "build", { value: build, configurable: true });
    }
  }
});

test("a server that is closed twice, and used afterwards, closes its descriptors once", async () => {
  const server = new NativeUDPServer(HERE, UpperPacketHandler);
  const { socket } = server;
  await Promise.all([socket!.close(), socket!.close()]);
  await server.server_close();
  await assertRejects(() => socket!.send(EMPTY, server.server_address), Deno.errors.BadResource);
  await assertRejects(() => Promise.resolve(socket!.accept()), Deno.errors.BadResource);
  socket!.ref!();
  socket!.unref!();
  socket!.suspend!();
  socket!.resume!();
});
