import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AsyncTCPServer,
  BufferedReader,
  fake_request,
  type FakeRequest,
  StreamRequestHandler,
  StreamSocket,
  type TCPRequest,
} from "../../../mod.ts";
import { bytes_of, pattern, read_to_end, text_of } from "../../fixtures/tools/bytes.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

const INPUT = "5\nhelloone\ntwo";

/** Answers lines and counted blocks, and says how it ended. */
class BlockHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    const length = Number(text_of(await this.rfile.readline()));
    await this.wfile.write(`<${text_of(await this.rfile.readexactly(length))}>`);
    for await (const line of this.rfile) await this.wfile.write(`[${text_of(line).trim()}]`);
  }
}

for (const chunk_size of [...Array(INPUT.length + 2).keys()].map((size) => size + 1)) {
  Deno.test(`fake_request() by ${chunk_size} bytes: a handler reads lines and blocks`, async () => {
    const request = fake_request(INPUT, { chunk_size });
    await soon(new BlockHandler(request, request.remoteAddr, {} as never).run());
    assertEquals(text_of(request.sent), "<hello>[one][two]");
  });

  Deno.test(`fake_request() by ${chunk_size} bytes: a read gives no more`, async () => {
    const request = fake_request(INPUT, { chunk_size });
    for (let at = 0; at < INPUT.length; at += chunk_size) {
      assertEquals(text_of(await soon(request.recv(100))), INPUT.slice(at, at + chunk_size));
    }
    assertEquals((await soon(request.recv(100))).length, 0);
    assertEquals(await soon(request.read(new Uint8Array(9))), null);
  });
}

Deno.test("fake_request() gives all at once unless told", async () => {
  const input = pattern(200_000);
  assertEquals(await soon(fake_request(input).recv(1_000_000)), input);
  assertEquals(await soon(read_to_end(fake_request(input))), input);
  assertEquals(await soon(new Response(fake_request(input).readable).bytes()), input);
  assertEquals((await soon(fake_request("").recv(10))).length, 0);
});

Deno.test("fake_request() says what readline() and readexactly() say at the end", async () => {
  const reader = new BufferedReader(fake_request("half", { chunk_size: 3 }));
  const { message } = await soon(
    assertRejects(() => reader.readexactly(5), Deno.errors.UnexpectedEof),
  );
  assertEquals(message, "The input ended after 4 of 5 bytes");
  assertEquals(text_of(await soon(reader.readline())), "half");
  assertEquals((await soon(reader.readline())).length, 0);
});

Deno.test("fake_request().sent is what was written, in a new array each time", async () => {
  const request = fake_request("");
  assertEquals(request.sent, new Uint8Array(0));
  const bytes = bytes_of("one ");
  await soon(request.sendall(bytes));
  bytes.fill(0);
  assertEquals(await soon(request.write(bytes_of("two"))), 3);
  const sent = request.sent;
  assertEquals(text_of(sent), "one two");
  sent.fill(0);
  assertEquals(text_of(request.sent), "one two");
});

Deno.test("fake_request(): closing works as on a real connection", async () => {
  const request = fake_request("hello");
  const reading = assertRejects(() => request.recv(10), Deno.errors.Interrupted);
  request.close();
  request[Symbol.dispose]();
  await soon(reading);
  await soon(assertRejects(() => request.recv(10), Deno.errors.BadResource));
  await soon(assertRejects(() => request.write(bytes_of("x")), Deno.errors.BadResource));
  assertEquals(request.sent.length, 0);
});

Deno.test("fake_request(): after closeWrite() all can be read, nothing written", async () => {
  const request = fake_request("hello");
  await soon(request.sendall(bytes_of("bye")));
  await soon(request.closeWrite());
  await soon(assertRejects(() => request.write(bytes_of("x")), Deno.errors.BrokenPipe));
  assertEquals(text_of(await soon(request.recv(10))), "hello");
  assertEquals(text_of(request.sent), "bye");
});

Deno.test("fake_request() has addresses of TCP, and the type of a TCP server's request", () => {
  const request: FakeRequest = fake_request("");
  const as_request: TCPRequest = request;
  const as_conn: Deno.Conn<Deno.NetAddr> = request;
  assert(as_request instanceof StreamSocket && as_conn === request);
  for (const { transport, hostname, port } of [request.localAddr, request.remoteAddr]) {
    assertEquals([transport, hostname, port > 0], ["tcp", "127.0.0.1", true]);
  }
  request.setNoDelay(true);
  request.settimeout(1000);
  request.unref();
  request.close();
});

Deno.test("fake_request(): a server that is not bound runs its handler and closes it", async () => {
  const server = new AsyncTCPServer(["127.0.0.1", 0], BlockHandler, { bind_and_activate: false });
  const request = fake_request("2\nhi");
  await soon(server.run_request(request, request.remoteAddr));
  assertEquals(text_of(request.sent), "<hi>");
  await soon(assertRejects(() => request.write(bytes_of("x")), Deno.errors.BadResource));
  assertEquals(server.info().completed, 1);
});

Deno.test("fake_request() refuses a chunk_size that is none, and an input that is none", () => {
  for (const chunk_size of [0, -1, 0.5, 1.5, NaN, -Infinity, 2 ** 60]) {
    assertThrows(
      () => fake_request("", { chunk_size }),
      RangeError,
      `in pieces of ${chunk_size} bytes`,
    );
  }
  assertThrows(() => fake_request(5 as never), TypeError);
});
