import { assertEquals } from "@std/assert";
import { AsyncTCPServer, BufferedWriter, StreamRequestHandler } from "../../mod.ts";
import { LineClient } from "../fixtures/clients/clients.ts";
import { PushHandler } from "../fixtures/handlers/push_handlers.ts";
import { make_counting, test_ways_at_once } from "../fixtures/servers/all_ways.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { soon, turn } from "../fixtures/tools/waiting.ts";

test_ways_at_once(
  "with wbufsize = -1 a client hears what it has not asked for",
  () => true,
  async (way) => {
    await using server = make_counting(way, PushHandler);
    const serving = server.serve_forever();
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.line(), "working");
    server.open_gate();
    assertEquals(await client.line(), "done");
    await client.send("bye");
    assertEquals(await client.line(), null);
    await soon(server.shutdown());
    await soon(serving);
  },
);

/** Tells all clients what one of them says. */
class TellingHandler extends StreamRequestHandler {
  static members: Set<BufferedWriter> = new Set();

  override async handle(): Promise<void> {
    const { members } = TellingHandler;
    members.add(this.wfile);
    await this.wfile.write("welcome\n");
    for await (const line of this.rfile) {
      for (let n = 0; n < 100; n++) for (const member of members) member.offer(line);
    }
    members.delete(this.wfile);
  }
}

Deno.test("StreamRequestHandler: what is offered to many clients arrives whole at each", async () => {
  await using server = new AsyncTCPServer(["127.0.0.1", 0], TellingHandler);
  const serving = server.serve_forever();
  using stack = new DisposableStack();
  const clients: LineClient[] = [];
  for (let n = 0; n < 5; n++) {
    const client = stack.use(await LineClient.connect(server.server_address));
    assertEquals(await client.line(), "welcome");
    clients.push(client);
  }
  await clients[0]!.send("hello");
  await clients[0]!.send("goodbye");
  for (const client of clients) {
    for (const word of ["hello", "goodbye"]) {
      for (let n = 0; n < 100; n++) assertEquals(await client.line(), word);
    }
  }
  await soon(server.shutdown());
  await soon(serving);
});

/** Has an output that does not work, and does not wait for it. */
class BrokenHandler extends StreamRequestHandler {
  static override wbufsize = -1;

  override setup(): void {
    void super.setup();
    this.wfile = new BufferedWriter({ sendall: () => Promise.reject(new Error("broken")) }, -1);
  }

  override async handle(): Promise<void> {
    await this.wfile.write("lost\n");
    await turn();
    if (text_is("write", await this.rfile.readline())) await this.wfile.write("lost, too\n");
  }
}

function text_is(word: string, line: Uint8Array): boolean {
  return new TextDecoder().decode(line).trim() === word;
}

for (const word of ["write", "end"]) {
  Deno.test(`handle_error() hears once of what wfile could not send by itself (${word})`, async () => {
    await using server = new (Noting(AsyncTCPServer))(["127.0.0.1", 0], BrokenHandler);
    const serving = server.serve_forever();
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask(word), null);
    await soon(server.shutdown());
    await soon(serving);
    assertEquals(server.log.errors.map((error) => (error as Error).message), ["broken"]);
  });
}
