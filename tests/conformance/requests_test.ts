/** Which requests are served, and which at the same time; case 41 is in forking_test.ts. */
import { assertEquals } from "@std/assert";
import {
  AsyncTCPServer,
  type DatagramRequest,
  type TCPRequest,
  TCPServer,
  ThreadingTCPServer,
  UDPServer,
} from "../../mod.ts";
import { text_of } from "../fixtures/tools/bytes.ts";
import { LineClient } from "../fixtures/clients/clients.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { soon, turn, until } from "../fixtures/tools/waiting.ts";
import { ask_stream } from "./echo_clients.ts";
import { EchoLineHandler, EchoPacketHandler, VisitHandler } from "./handlers.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";

const HERE: [string, number] = ["127.0.0.1", 0];

/** Refuses everybody, and notes the end of each request. */
class UnkindServer extends Noting(TCPServer) {
  override verify_request(): boolean {
    return false;
  }
  override shutdown_request(request: TCPRequest): Promise<void> {
    this.note("shutdown_request");
    return super.shutdown_request(request) as Promise<void>;
  }
}

Deno.test("B26: shutdown_request() is called once when verify_request() refuses", async () => {
  await using server = new UnkindServer(HERE, EchoLineHandler);
  const answer = ask_stream(server.server_address, "");
  await soon(server.handle_request());
  await answer;
  assertEquals(server.log.entries, ["shutdown_request"]);
  assertEquals(server.info().refused, 1);
});

Deno.test("B27: after 10 short requests no more workers than max_workers are kept, and no request", async () => {
  const options = { max_workers: 2, linger: 200 };
  await using server = serving(new ThreadingTCPServer(HERE, EchoLineHandler, options));
  for (let client = 0; client < 10; client++) {
    assertEquals(await ask_stream(server.server_address, "hello\n"), "hello\n");
  }
  await soon(until(() => server.info().active === 0));
  const { completed, workers } = server.info();
  assertEquals(completed, 10);
  assertEquals(workers!.map(({ id }) => id), [1, 2]);
});

Deno.test("B28: a client that verify_request() refuses sees a clean end, whatever it sent", async () => {
  await using server = serving(new UnkindServer(HERE, EchoLineHandler));
  const text = "x".repeat(100_000);
  assertEquals(await ask_stream(server.server_address, text), "");
});

Deno.test("B28: a datagram that verify_request() refuses gets no reply", async () => {
  class ChoosyServer extends UDPServer {
    override verify_request([packet]: DatagramRequest): boolean {
      return text_of(packet) !== "refused";
    }
  }
  await using server = serving(new ChoosyServer(HERE, EchoPacketHandler));
  using client = new DatagramClient(server.server_address);
  // The server takes them in order, so that a reply to the first would come first.
  await client.send("refused");
  assertEquals(await client.ask("welcome"), "welcome");
  const { accepted, refused } = server.info();
  assertEquals({ accepted, refused }, { accepted: 2, refused: 1 });
});

Deno.test("B40: TCPServer serves one client after another, in the order of their coming", async () => {
  await using server = serving(new (Noting(TCPServer))(HERE, VisitHandler));
  const clients = [];
  for (let n = 0; n < 3; n++) clients.push(await LineClient.connect(server.server_address));
  // All three have spoken already: only the first one's turn has come.
  for (const client of clients.toReversed()) await client.send("go");
  for (const client of clients) {
    assertEquals([await soon(client.line()), await soon(client.line())], ["in", "out"]);
    client[Symbol.dispose]();
  }
  assertEquals(server.log.entries, ["begin", "end", "begin", "end", "begin", "end"]);
});

Deno.test("B40: TCPServer does not begin with a second client while the first one waits", async () => {
  await using server = serving(new (Noting(TCPServer))(HERE, VisitHandler));
  using first = await LineClient.connect(server.server_address);
  assertEquals(await first.line(), "in");
  using second = await LineClient.connect(server.server_address);
  const entered = second.ask("go");
  for (let turns = 0; turns < 20; turns++) await turn();
  assertEquals(server.log.entries, ["begin"]);
  assertEquals(server.info().active, 1);
  await first.send("go");
  assertEquals(await soon(entered), "in");
});

for (const Server of [AsyncTCPServer, ThreadingTCPServer]) {
  Deno.test(`B40: ${Server.name} serves five clients at the same time`, async () => {
    await using server = serving(new (Noting(Server))(HERE, VisitHandler, { max_workers: 2 }));
    const clients = [];
    for (let n = 0; n < 5; n++) {
      const client = await LineClient.connect(server.server_address);
      assertEquals(await soon(client.line()), "in");
      clients.push(client);
    }
    assertEquals(server.info().active, 5);
    for (const client of clients) {
      assertEquals(await soon(client.ask("go")), "out");
      client[Symbol.dispose]();
    }
    const { entries } = server.log;
    assertEquals(entries, [...Array(5).fill("begin"), ...Array(5).fill("end")]);
  });
}
