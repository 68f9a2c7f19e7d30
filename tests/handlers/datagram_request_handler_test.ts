import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { DatagramRequestHandler, DatagramSocket } from "../../mod.ts";
import { bytes_of, text_of } from "../fixtures/tools/bytes.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import { test_udp } from "../fixtures/servers/udp_servers.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { soon } from "../fixtures/tools/waiting.ts";

const CLIENT: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: 12_345 };
const UNNAMED: Deno.UnixAddr = { transport: "unixpacket", path: "" };

type Handler = DatagramRequestHandler<null, Deno.Addr>;

/** Handles one datagram, and gives what was sent. */
async function replies_to(
  packet: string,
  handle: (handler: Handler) => unknown,
  client: Deno.Addr = CLIENT,
): Promise<{ replies: string[]; error: unknown }> {
  const replies: string[] = [];
  const send = (data: Uint8Array, address: Deno.Addr) => {
    assertEquals(address, client);
    replies.push(text_of(data));
    return Promise.resolve(data.length);
  };
  class Tested extends DatagramRequestHandler<null, Deno.Addr> {
    override async handle(): Promise<void> {
      await handle(this);
    }
  }
  const request = [bytes_of(packet), new DatagramSocket<Deno.Addr>(client, { send })];
  const handler = new Tested(request as Handler["request"], client, null);
  const error = await handler.run().catch((error) => error);
  return { replies, error };
}

Deno.test("DatagramRequestHandler sends several writes as one datagram", async () => {
  const { replies, error } = await replies_to("x", async ({ wfile }) => {
    assertEquals(await wfile.write("grüße "), 8);
    await wfile.write(bytes_of("and "));
    wfile.write("more");
  });
  assertEquals({ replies, error }, { replies: ["grüße and more"], error: undefined });
});

Deno.test("DatagramRequestHandler copies what is written", async () => {
  const { replies } = await replies_to("x", async ({ wfile }) => {
    const bytes = bytes_of("one");
    await wfile.write(bytes);
    bytes.fill(0);
  });
  assertEquals(replies, ["one"]);
});

Deno.test("DatagramRequestHandler sends nothing where nothing was written", async () => {
  assertEquals((await replies_to("x", () => {})).replies, []);
  assertEquals((await replies_to("x", ({ wfile }) => wfile)).replies, []);
  assertEquals((await replies_to("x", ({ wfile }) => wfile.write(""))).replies, []);
  const empty = new Uint8Array(0);
  assertEquals((await replies_to("x", ({ wfile }) => wfile.write(empty))).replies, []);
});

Deno.test("DatagramRequestHandler sends a datagram for each flush()", async () => {
  const { replies } = await replies_to("x", async ({ wfile }) => {
    await wfile.write("one");
    await wfile.flush();
    await wfile.flush();
    await wfile.write("two");
  });
  assertEquals(replies, ["one", "two"]);
});

Deno.test("DatagramRequestHandler sends the rest while an earlier flush() is not done", async () => {
  const { promise: never } = Promise.withResolvers<number>();
  const sent: string[] = [];
  const send = (data: Uint8Array) => sent.push(text_of(data)) === 1 ? never : Promise.resolve(1);
  class TwoReplies extends DatagramRequestHandler<null, Deno.Addr> {
    override async handle(): Promise<void> {
      await this.wfile.write("one");
      void this.wfile.flush();
      await this.wfile.write("two");
    }
  }
  const request = [bytes_of("x"), new DatagramSocket<Deno.Addr>(CLIENT, { send })];
  await new TwoReplies(request as Handler["request"], CLIENT, null).run();
  assertEquals(sent, ["one", "two"]);
});

Deno.test("DatagramRequestHandler sends what was written before handle() threw", async () => {
  const { replies, error } = await replies_to("x", async ({ wfile }) => {
    await wfile.write("partial");
    throw new RangeError("on purpose");
  });
  assertEquals(replies, ["partial"]);
  assertInstanceOf(error, RangeError);
});

Deno.test("DatagramRequestHandler sends nothing to a client without an address", async () => {
  const { replies, error } = await replies_to("x", ({ wfile }) => wfile.write("reply"), UNNAMED);
  assertEquals({ replies, error }, { replies: [], error: undefined });
});

Deno.test("DatagramRequestHandler sends further datagrams by its socket", async () => {
  const { replies } = await replies_to("x", async ({ socket, client_address, wfile }) => {
    await wfile.write("reply");
    await socket.sendto(bytes_of("before"), client_address);
    await socket.sendto(new Uint8Array(0), client_address);
  });
  assertEquals(replies, ["before", "", "reply"]);
});

Deno.test("DatagramRequestHandler reads the datagram by lines", async () => {
  const lines: string[] = [];
  await replies_to("one\ntwo\n\nlast", async ({ rfile, packet }) => {
    for await (const line of rfile) lines.push(text_of(line));
    assertEquals(await rfile.readline(), new Uint8Array(0));
    assertEquals(text_of(packet), "one\ntwo\n\nlast", "reading changed the packet");
  });
  assertEquals(lines, ["one\n", "two\n", "\n", "last"]);
});

Deno.test("DatagramRequestHandler reads blocks, to the end of the datagram", async () => {
  const { error } = await replies_to("head: body", async ({ rfile }) => {
    assertEquals(text_of(await rfile.peek()), "head: body");
    assertEquals(text_of(await rfile.readuntil(": ")), "head: ");
    assertEquals(text_of(await rfile.readexactly(2)), "bo");
    await assertRejects(() => rfile.readexactly(3), Deno.errors.UnexpectedEof, "2 of 3");
    assertEquals(text_of(await rfile.read()), "dy");
    assertEquals(text_of(await rfile.read()), "");
  });
  assertEquals(error, undefined);
});

Deno.test("DatagramRequestHandler finds the end at once in an empty datagram", async () => {
  const { error } = await replies_to("", async ({ rfile, packet }) => {
    assertEquals(packet.length, 0);
    assertEquals(await rfile.peek(), new Uint8Array(0));
    assertEquals(await rfile.readline(), new Uint8Array(0));
    assertEquals(await rfile.read(), new Uint8Array(0));
  });
  assertEquals(error, undefined);
});

/** Does with a datagram what it says. */
class CommandHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    const command = text_of(this.packet);
    if (command === "long") await this.wfile.write(new Uint8Array(65_508));
    else await this.wfile.write(command);
    if (command === "fail") throw new RangeError("on purpose");
  }
}

test_udp("a handler's error reaches handle_error(), and the client what was written", async ({
  make,
}) => {
  await using server = serving(make(CommandHandler));
  using client = new DatagramClient(server.server_address);
  assertEquals(await client.ask("fail"), "fail");
  await soon(server.log.until(({ errors }) => errors.length === 1));
  assertInstanceOf(server.log.errors[0], RangeError);
  assertEquals(await client.ask("next"), "next");
  assertEquals(server.info().failed, 1);
});

test_udp("a reply that is too long reaches handle_error(), and the server lives", async ({
  make,
}) => {
  await using server = serving(make(CommandHandler));
  using client = new DatagramClient(server.server_address);
  await client.send("long");
  await soon(server.log.until(({ errors }) => errors.length === 1));
  const [error] = server.log.errors;
  assertInstanceOf(error, RangeError);
  assert(error.message.includes("65508 bytes"), error.message);
  assertEquals(await client.ask("next"), "next");
});
