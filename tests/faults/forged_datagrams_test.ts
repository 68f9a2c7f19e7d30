/** Datagrams that nobody can be answered for: from port 0, from the server itself, from a relative path. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import dgram from "node:dgram";
import {
  AsyncUDPServer,
  AsyncUnixDatagramServer,
  ForkingUDPServer,
  ForkingUnixDatagramServer,
  ThreadingUDPServer,
  ThreadingUnixDatagramServer,
  UDPServer,
  UnixDatagramServer,
} from "../../mod.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import { ReplyHandler } from "../fixtures/handlers/hostile_handlers.ts";
import { with_native } from "../fixtures/servers/named_servers.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { over_node } from "../fixtures/servers/udp_servers.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { bytes_of, text_of } from "../fixtures/tools/bytes.ts";
import { StandardError } from "../fixtures/tools/standard_error.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

const UDP = [UDPServer, AsyncUDPServer, ThreadingUDPServer, ForkingUDPServer];
const NATIVE = with_native(UDP).slice(UDP.length);
const UNIX = [
  UnixDatagramServer,
  AsyncUnixDatagramServer,
  ThreadingUnixDatagramServer,
  ForkingUnixDatagramServer,
];
/** Only there is a second loopback address. */
const ON_LINUX = Deno.build.os === "linux";
/** Where servers are bound. */
const HOSTS = ["127.0.0.1", "0.0.0.0", "::"];
const OPTIONS = { max_workers: 1, max_children: 1 };
const FROM_ITSELF = /was dropped: it says that it comes from the server itself$/;

type Make = (hostname: string) => ReturnType<typeof make_udp>;

function make_udp(Server: typeof UDPServer, hostname: string) {
  return new (Noting(Server))([hostname, 0], ReplyHandler, OPTIONS);
}

/** Over Deno's own sockets, over those of Node, and over the C library. */
const WAYS: [name: string, make: Make][] = UDP.flatMap((Server) => [
  [Server.name, (hostname) => make_udp(Server, hostname)],
  [`${Server.name} over node:dgram`, (hostname) => over_node(() => make_udp(Server, hostname))],
]);
for (const Server of NATIVE) WAYS.push([Server.name, (hostname) => make_udp(Server, hostname)]);

/** Has the server's handler send to the server; nothing must come of it. */
async function assert_does_not_loop(server: ReturnType<typeof make_udp>, client: DatagramClient) {
  for (let count = 1; count <= 3; count++) {
    assertEquals(await client.ask("own"), "own");
    await soon(server.log.until(({ errors }) => errors.length === count));
  }
  for (const error of server.log.errors) assertMatch((error as Error).message, FROM_ITSELF);
  assertEquals(await client.ask("last"), "last");
  await until(() => server.info().completed === 4);
  assertEquals(server.info().accepted, 4);
}

for (const [name, make] of WAYS) {
  Deno.test(`${name} drops what says that it comes from itself`, async () => {
    // Bound to all interfaces, datagrams to itself come from the address that they were sent to.
    for (const hostname of HOSTS) {
      await using server = serving(make(hostname));
      const { port } = server.server_address;
      const own = hostname === "::" ? "::1" : "127.0.0.1";
      using client = new DatagramClient({ transport: "udp", hostname: own, port }, own);
      await assert_does_not_loop(server, client);
    }
  });
}

const FROM_SAME_PORT = "servers take datagrams from the same port of another address";
Deno.test(FROM_SAME_PORT, { ignore: !ON_LINUX }, async () => {
  await using server = serving(make_udp(UDPServer, "127.0.0.1"));
  const { port } = server.server_address;
  const other = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.2", port });
  await other.send(bytes_of("hello"), server.server_address);
  const [packet] = await soon(other.receive());
  assertEquals(text_of(packet), "hello");
  other.close();
});

Deno.test(`${UNIX.map(({ name }) => name).join(", ")} drop what comes from themselves`, async () => {
  await at_once(UNIX, ({ name }) => name, async (Server) => {
    await using folder = await TempFolder.make();
    const server = new (Noting(Server))(folder.join("server.sock"), ReplyHandler, OPTIONS);
    await using _serving = serving(server);
    using client = new DatagramClient(server.server_address, folder.join("client.sock"));
    await assert_does_not_loop(server as never, client);
  });
});

/** Gives what a server receives to `forge`, which may change its sender. */
function with_forged_sender<T>(forge: (from: Deno.Addr) => Deno.Addr, make: () => T): T {
  const { listenDatagram } = Deno;
  Deno.listenDatagram = (options) => {
    const conn = listenDatagram(options as never);
    const receive = conn.receive.bind(conn);
    conn.receive = async (buffer) => {
      const [packet, from] = await receive(buffer);
      return [packet, forge(from)];
    };
    return conn;
  };
  try {
    return make();
  } finally {
    Deno.listenDatagram = listenDatagram;
  }
}

/** The server's socket of `node:dgram`, which gives what it receives as an event. */
function over_known_socket<T>(make: () => T): [T, dgram.Socket] {
  const { createSocket } = dgram;
  let socket!: dgram.Socket;
  dgram.createSocket = (...args: unknown[]) => socket = Reflect.apply(createSocket, dgram, args);
  try {
    return [over_node(make), socket];
  } finally {
    dgram.createSocket = createSocket;
  }
}

function without_port(from: Deno.Addr): Deno.Addr {
  return { ...(from as Deno.NetAddr), port: 0 };
}

for (const Server of UDP) {
  const make = () => new Server(["127.0.0.1", 0], ReplyHandler, OPTIONS);

  Deno.test(`${Server.name} drops 1,000 datagrams from port 0, and tells so in less than 20 KB`, async () => {
    using printed = new StandardError();
    let forged = 0;
    {
      const forge = (from: Deno.Addr) => forged++ < 1000 ? without_port(from) : from;
      await using server = serving(with_forged_sender(forge, make));
      using client = new DatagramClient(server.server_address);
      for (let count = 1; count <= 1000; count++) {
        await client.send("x");
        await until(() => forged >= count);
      }
      assertEquals(await client.ask("hello"), "hello");
      assertEquals(server.info().accepted, 1);
    }
    assert_told(await printed.all());
  });

  Deno.test(`${Server.name} over node:dgram drops 1,000 datagrams from port 0 and tells so`, async () => {
    using printed = new StandardError();
    {
      const [made, socket] = over_known_socket(make);
      await using server = serving(made);
      const from = { address: "127.0.0.1", port: 0, family: "IPv4", size: 1 };
      for (let count = 0; count < 1000; count++) {
        socket.emit("message", new Uint8Array(1), from);
      }
      using client = new DatagramClient(server.server_address);
      assertEquals(await client.ask("hello"), "hello");
      assertEquals(server.info().accepted, 1);
    }
    assert_told(await printed.all());
  });
}

/** That 1,000 datagrams were told of, in few lines. */
function assert_told(text: string): void {
  const lines = text.trimEnd().split("\n");
  const told = lines.map((line) =>
    /^(?:… and ([\d,]+) more\. The last: )?A datagram from 127\.0\.0\.1:0 was dropped: nobody /
      .exec(line)!
  );
  const sum = told.reduce((sum, [, more]) => sum + Number(more?.replaceAll(",", "") ?? 1), 0);
  assertEquals([sum, text.length < 20_000], [1000, true], text);
}

Deno.test(`${UNIX.map(({ name }) => name).join(", ")} send no reply to a relative path`, async () => {
  await at_once(UNIX, ({ name }) => name, async (Server) => {
    await using folder = await TempFolder.make();
    const relative = (): Deno.Addr => ({ transport: "unixpacket", path: "private.sock" });
    const make = () => new (Noting(Server))(folder.join("server.sock"), ReplyHandler, OPTIONS);
    const server = with_forged_sender(relative, make);
    await using _serving = serving(server);
    using client = new DatagramClient(server.server_address, folder.join("client.sock"));
    await client.send("hello");
    await soon(server.log.until(({ errors }) => errors.length === 1));
    const [error] = server.log.errors as Error[];
    assertEquals(
      [error!.name, error!.message],
      ["InvalidData", 'Cannot reply to "private.sock": the path of a client must be absolute'],
    );
  });
});

Deno.test("a handler may send to a relative path that it names itself", async () => {
  await using folder = await TempFolder.make();
  await using server = new UnixDatagramServer(folder.join("server.sock"), ReplyHandler);
  using client = new DatagramClient(server.server_address, folder.join("client.sock"));
  await client.send("hello");
  const [[, socket]] = await server.get_request();
  // Nobody is there: the system was asked.
  await assertRejects(() => socket.sendto(new Uint8Array(1), "nobody.sock"), Deno.errors.NotFound);
});
