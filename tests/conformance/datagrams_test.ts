/** What becomes of datagrams and their replies. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  AsyncUDPServer,
  AsyncUnixDatagramServer,
  ForkingUDPServer,
  ThreadingUDPServer,
  ThreadingUnixDatagramServer,
  UDPServer,
  UnixDatagramServer,
} from "../../mod.ts";
import { with_native } from "../fixtures/servers/named_servers.ts";
import { EchoPacketHandler } from "../fixtures/handlers/handlers.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { is_there, output_of } from "../fixtures/programs/programs.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { same_bytes } from "../fixtures/tools/bytes.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon } from "../fixtures/tools/waiting.ts";
import { PacketCommandHandler } from "./handlers.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const SERVERS = with_native([UDPServer, AsyncUDPServer, ThreadingUDPServer]);
const OPTIONS = { max_workers: 1 };

for (const Base of SERVERS) {
  const Server = Noting(Base);

  Deno.test(`B43: ${Base.name}: a handler that writes nothing sends nothing`, async () => {
    await using server = serving(new Server(HERE, PacketCommandHandler, OPTIONS));
    using client = new DatagramClient(server.server_address);
    await client.send("silence");
    // They are handled in order, so that an empty reply would come first.
    assertEquals(await client.ask("hello"), "hello");
  });

  Deno.test(`B43: ${Base.name}: what a handler writes in parts is sent as one datagram`, async () => {
    await using server = serving(new Server(HERE, PacketCommandHandler, OPTIONS));
    using client = new DatagramClient(server.server_address);
    assertEquals(await client.ask("one two three"), "onetwothree");
    assertEquals(await client.ask("next"), "next");
  });

  Deno.test(`B43: ${Base.name}: what a handler wrote before it threw is sent, and then handle_error() called`, async () => {
    await using server = serving(new Server(HERE, PacketCommandHandler, OPTIONS));
    using client = new DatagramClient(server.server_address);
    assertEquals(await client.ask("fail"), "partial");
    await soon(server.log.until(({ errors }) => errors.length === 1));
    assertEquals(server.log.entries, ['"fail" of 4 bytes', "handle_error"]);
    assertInstanceOf(server.log.errors[0], RangeError);
  });

  Deno.test(`B44: ${Base.name}: a datagram without bytes is a request`, async () => {
    await using server = serving(new Server(HERE, PacketCommandHandler, OPTIONS));
    using client = new DatagramClient(server.server_address);
    await client.send("");
    await soon(server.log.until(({ entries }) => entries.length === 1));
    assertEquals(server.log.entries, ['"" of 0 bytes']);
    assertEquals(await client.ask("hello"), "hello");
  });

  Deno.test(`B45: ${Base.name}: a datagram longer than max_packet_size is dropped and reported, not cut`, async () => {
    const options = { ...OPTIONS, max_packet_size: 100 };
    await using server = serving(new Server(HERE, PacketCommandHandler, options));
    using client = new DatagramClient(server.server_address);
    await client.send("x".repeat(101));
    assertEquals(await client.ask("y".repeat(100)), "y".repeat(100));
    assertEquals(server.log.entries, ["handle_error", `"${"y".repeat(20)}" of 100 bytes`]);
    assertEquals((server.log.errors[0] as { code?: string }).code, "EMSGSIZE");
  });

  Deno.test(`B45: ${Base.name}: the longest datagram of UDP arrives whole, and its reply`, async () => {
    await using server = serving(new Server(HERE, PacketCommandHandler, OPTIONS));
    using client = new DatagramClient(server.server_address);
    const longest = "x".repeat(65_507);
    assertEquals((await client.ask(longest)).length, longest.length);
  });
}

for (const Base of [...SERVERS, ForkingUDPServer]) {
  Deno.test(`B45: ${Base.name}: each byte arrives as it is, in short datagrams and in long ones`, async () => {
    const options = { max_workers: 1, max_children: 1 };
    await using server = serving(new (Noting(Base))(HERE, EchoPacketHandler, options));
    using client = new DatagramClient(server.server_address);
    for (const length of [1, 256, 1024, 1025, 9000]) {
      const sent = Uint8Array.from({ length }, (_, at) => at ^ (at >>> 8));
      await client.send(sent);
      assert(same_bytes(await client.receive(), sent), `${length} bytes`);
    }
  });
}

/** Sends "nobody" to the path in its first argument, from a socket without a name. */
const UNNAMED_SENDER = `
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s: s.sendto(b"nobody", sys.argv[1])
`;
import { DatagramClient } from "../fixtures/clients/datagrams.ts";

for (const Base of [UnixDatagramServer, AsyncUnixDatagramServer, ThreadingUnixDatagramServer]) {
  Deno.test(
    `B46: ${Base.name}: a sender without an address is served, gets no reply, and is no error`,
    {
      ignore: Deno.build.os === "windows" || !is_there("python3"),
    },
    async () => {
      await using folder = await TempFolder.make();
      const path = folder.join("server");
      await using server = serving(new (Noting(Base))(path, PacketCommandHandler, OPTIONS));
      await output_of("python3", ["-c", UNNAMED_SENDER, path]);
      using client = new DatagramClient(server.server_address, folder.join("client"));
      assertEquals(await client.ask("somebody"), "somebody");
      assertEquals(server.log.entries, ['"nobody" of 6 bytes', '"somebody" of 8 bytes']);
      const { accepted, failed } = server.info();
      assertEquals({ accepted, failed }, { accepted: 2, failed: 0 });
    },
  );
}
