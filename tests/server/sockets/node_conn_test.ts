import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  bytes_of,
  pattern,
  read_bytes,
  read_to_end,
  same_bytes,
  text_of,
  write_bytes,
} from "../../fixtures/tools/bytes.ts";
import {
  node_conn_pair,
  type Pair,
  resettable_node_conn_pair,
} from "../../fixtures/clients/pairs.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

/** Runs a test with a connection that came as a descriptor. */
function test(name: string, body: (pair: Pair) => Promise<void>): void {
  Deno.test(name, async () => {
    using pair = await node_conn_pair();
    await body(pair);
  });
}

test("NodeConn: read() gives the bytes that came before the first read", async (pair) => {
  const { socket, peer } = pair;
  const sent = pattern(200_000);
  const sending = write_bytes(peer, sent).then(() => peer.closeWrite());
  await socket.write(bytes_of("ready"));
  await read_bytes(peer, 5);
  assert(same_bytes(await soon(read_to_end(socket)), sent));
  await sending;
});

test("NodeConn: read() keeps what is too much for the array", async ({ socket, peer }) => {
  await peer.write(bytes_of("hello"));
  await peer.closeWrite();
  const p = new Uint8Array(2);
  const parts: string[] = [];
  for (let count; (count = await soon(socket.read(p))) !== null;) {
    parts.push(text_of(p.subarray(0, count)));
  }
  assertEquals(parts.join(""), "hello");
  assertEquals(await soon(socket.read(p)), null);
});

Deno.test("NodeConn: read() keeps the bytes of connections apart", async () => {
  using stack = new DisposableStack();
  const pairs: Pair[] = [];
  for (let count = 0; count < 16; count++) pairs.push(stack.use(await node_conn_pair()));
  await Promise.all(pairs.map(async ({ socket, peer }, seed) => {
    const sent = pattern(500_000, seed);
    const sending = write_bytes(peer, sent).then(() => peer.closeWrite());
    // Sizes below and above what one read takes.
    const received = new Uint8Array(sent.length);
    for (let at = 0; at < sent.length;) {
      const size = 1 + (at + seed * 7919) % 90_000;
      at += await socket.read(received.subarray(at, at + size)) ?? sent.length;
    }
    await sending;
    assert(same_bytes(received, sent), `connection ${seed}`);
  }));
});

test("NodeConn: write() takes all it is given", async ({ socket, peer }) => {
  const sent = pattern(8 * 2 ** 20);
  const writing = socket.write(sent).then((count) => {
    assertEquals(count, sent.length);
    return socket.closeWrite();
  });
  assert(same_bytes(await soon(read_to_end(peer)), sent));
  await writing;
});

test("NodeConn: closeWrite() leaves the input open", async ({ socket, peer }) => {
  await soon(socket.closeWrite());
  assertEquals((await soon(read_to_end(peer))).length, 0);
  await peer.write(bytes_of("reply"));
  assertEquals(text_of(await soon(read_bytes(socket, 5))), "reply");
});

test("NodeConn gives the end of the input and can still write", async ({ socket, peer }) => {
  await peer.closeWrite();
  assertEquals(await soon(socket.read(new Uint8Array(1))), null);
  await socket.write(bytes_of("reply"));
  assertEquals(text_of(await soon(read_bytes(peer, 5))), "reply");
});

test("NodeConn: close() closes the descriptor and interrupts a read", async ({ socket, peer }) => {
  const reading = assertRejects(() => socket.read(new Uint8Array(1)), Deno.errors.Interrupted);
  socket.close();
  socket.close();
  await soon(reading);
  // The peer would see no end while some descriptor of the connection is open.
  assertEquals((await soon(read_to_end(peer))).length, 0);
  await soon(assertRejects(() => socket.read(new Uint8Array(1)), Error));
  await soon(assertRejects(() => socket.write(new Uint8Array(1)), Error));
  await soon(assertRejects(() => socket.closeWrite(), Error));
});

Deno.test("NodeConn throws the classes of Deno.errors", async () => {
  using pair = await resettable_node_conn_pair();
  const { socket, peer } = pair;
  const reading = assertRejects(
    () => socket.read(new Uint8Array(1)),
    Deno.errors.ConnectionReset,
  );
  peer.resetAndDestroy();
  const error: Error & { code?: string } = await soon(reading);
  assertEquals(error.code, "ECONNRESET");
  await soon(assertRejects(() => socket.read(new Uint8Array(1)), Deno.errors.ConnectionReset));
  await soon(assertRejects(() => socket.write(new Uint8Array(1)), Deno.errors.ConnectionReset));
});
