import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import net from "node:net";
import { detach, StreamSocket } from "../../../server/sockets/stream_socket.ts";
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
  accepted_pair,
  connect,
  test_each,
  test_each_reset,
  TRANSPORTS,
} from "../../fixtures/clients/pairs.ts";
import { has_ipv6 } from "../../fixtures/tools/addresses.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

test_each("StreamSocket.recv() gives what has come and no more", async ({ socket, peer }) => {
  await peer.write(bytes_of("hello"));
  assertEquals(text_of(await socket.recv(2)), "he");
  assertEquals(text_of(await socket.recv(100)), "llo");
  await peer.write(bytes_of("again"));
  assertEquals(text_of(await socket.recv(100)), "again");
});

test_each("StreamSocket.recv() gives an empty array at the end", async ({ socket, peer }) => {
  await peer.write(bytes_of("last"));
  await peer.closeWrite();
  assertEquals(text_of(await socket.recv(100)), "last");
  assertEquals(await socket.recv(100), new Uint8Array(0));
  assertEquals(await socket.recv(100), new Uint8Array(0));
});

test_each("StreamSocket.recv(0) gives an empty array at once", async ({ socket, peer }) => {
  assertEquals(await soon(socket.recv(0)), new Uint8Array(0));
  await peer.write(bytes_of("x"));
  assertEquals(await soon(socket.recv(0)), new Uint8Array(0));
  assertEquals(text_of(await socket.recv(1)), "x");
});

test_each("StreamSocket.recv() refuses a bad size", async ({ socket, peer }) => {
  for (const size of [-1, 1.5, NaN, Infinity]) {
    await assertRejects(async () => await socket.recv(size), RangeError, `${size}`);
  }
  await peer.write(bytes_of("x"));
  assertEquals(text_of(await socket.recv(1)), "x");
});

test_each("StreamSocket.recv() gives arrays of the caller's own", async ({ socket, peer }) => {
  const arrays: Uint8Array[] = [];
  for (const part of ["one", "two", "six"]) {
    await peer.write(bytes_of(part));
    arrays.push(await socket.recv(100));
  }
  assertEquals(arrays.map(text_of), ["one", "two", "six"]);
  arrays[0]!.fill(0);
  assertEquals(text_of(arrays[1]!), "two");
});

test_each("StreamSocket.recv() gives such arrays of a flood, too", async ({ socket, peer }) => {
  const data = pattern(2_000_000);
  const sent = write_bytes(peer, data).then(() => peer.closeWrite());
  const arrays: Uint8Array[] = [];
  // An array of the caller's own in between takes nothing from the others.
  const own = new Uint8Array(65_536);
  for (;;) {
    const taken = await socket.recv(65_536);
    if (taken.length === 0) break;
    const count = await socket.read(own) ?? 0;
    arrays.push(taken, own.slice(0, count));
    assertEquals(taken.buffer.byteLength, taken.length);
  }
  await sent;
  assert(same_bytes(Buffer.concat(arrays), data));
});

test_each("StreamSocket.read() fills the array and gives the count", async ({ socket, peer }) => {
  await peer.write(bytes_of("hello"));
  await peer.closeWrite();
  const small = new Uint8Array(2);
  assertEquals(await socket.read(small), 2);
  assertEquals(text_of(small), "he");
  const large = new Uint8Array(10);
  assertEquals(await socket.read(large), 3);
  assertEquals(text_of(large.subarray(0, 3)), "llo");
  assertEquals(await socket.read(new Uint8Array(0)), 0);
  assertEquals(await socket.read(large), null);
  assertEquals(await socket.read(large), null);
});

test_each("StreamSocket.read() and recv() take turns on one input", async ({ socket, peer }) => {
  const sent = pattern(300_000);
  const sending = write_bytes(peer, sent).then(() => peer.closeWrite());
  const received = new Uint8Array(sent.length);
  let count = 0;
  for (let size = 1;; size = size * 3 % 70_001) {
    const bytes = await socket.recv(size);
    if (bytes.length === 0) break;
    received.set(bytes, count);
    count += bytes.length;
    count += await socket.read(received.subarray(count, count + size)) ?? 0;
  }
  await sending;
  assertEquals(count, sent.length);
  assert(same_bytes(received, sent));
});

test_each("StreamSocket.write(), send() and sendall() send all", async ({ socket, peer }) => {
  assertEquals(await socket.write(bytes_of("one ")), 4);
  assertEquals(await socket.send(bytes_of("two ")), 4);
  assertStrictEquals(await socket.sendall(bytes_of("three")), undefined);
  assertEquals(await socket.write(new Uint8Array(0)), 0);
  assertEquals(text_of(await read_bytes(peer, 13)), "one two three");
});

test_each("StreamSocket.write() is done with the array when it resolves", async (pair) => {
  const { socket, peer } = pair;
  const reading = read_to_end(peer);
  const chunk = new Uint8Array(100_000);
  for (let value = 1; value <= 40; value++) {
    await socket.write(chunk.fill(value));
    chunk.fill(0);
  }
  await socket.closeWrite();
  const received = await reading;
  assertEquals(received.length, 40 * chunk.length);
  assertEquals(received.findIndex((byte, at) => byte !== 1 + Math.floor(at / chunk.length)), -1);
});

test_each("StreamSocket.write() keeps the order of writes that are not awaited", async (pair) => {
  const { socket, peer } = pair;
  // More than the system takes at once, so that writes are taken in parts.
  const sent = pattern(24_000_000);
  const writes: Promise<unknown>[] = [];
  for (let at = 0; at < sent.length;) {
    const size = 1 + at * 7 % 1_000_003;
    writes.push(socket.write(sent.subarray(at, at + size)));
    at += size;
  }
  writes.push(socket.closeWrite());
  const [received] = await Promise.all([read_to_end(peer), ...writes]);
  assert(same_bytes(received, sent));
});

test_each("StreamSocket refuses a second read while one waits", async ({ socket, peer }) => {
  const first = socket.recv(10);
  await assertRejects(() => socket.recv(10), Deno.errors.Busy);
  await assertRejects(() => socket.read(new Uint8Array(10)), Deno.errors.Busy);
  await peer.write(bytes_of("for one"));
  assertEquals(text_of(await first), "for one");
});

test_each_reset("StreamSocket.recv() says that the peer has reset", async (socket, reset) => {
  const reading = assertRejects(() => socket.recv(10), Deno.errors.ConnectionReset);
  reset();
  await soon(reading);
  await soon(assertRejects(() => socket.recv(10), Deno.errors.ConnectionReset));
});

test_each_reset("StreamSocket.write() says that the peer has reset", async (socket, reset) => {
  reset();
  const write = async () => {
    // The system may take some before it learns of the reset.
    for (;;) await socket.write(new Uint8Array(65_536));
  };
  const error = await soon(assertRejects(write, Error));
  const { BrokenPipe, ConnectionReset } = Deno.errors;
  assert(error instanceof BrokenPipe || error instanceof ConnectionReset, `${error}`);
});

test_each("StreamSocket knows both addresses", (pair) => {
  assertEquals(pair.socket.remoteAddr, pair.peer.localAddr);
  assertEquals(pair.socket.localAddr, pair.peer.remoteAddr);
  return Promise.resolve();
});

test_each("StreamSocket takes the options of TCP connections", async ({ socket, peer }) => {
  socket.setNoDelay();
  socket.setNoDelay(false);
  socket.setKeepAlive();
  socket.unref();
  socket.ref();
  await socket.sendall(bytes_of("still there"));
  assertEquals(text_of(await read_bytes(peer, 11)), "still there");
});

Deno.test("StreamSocket gives bytes that were read already before all others", async () => {
  using pair = await accepted_pair();
  const { socket, peer } = pair;
  const again = new StreamSocket(socket, bytes_of("early "));
  await peer.write(bytes_of("late"));
  assertEquals(text_of(await again.recv(4)), "earl");
  assertEquals(text_of(await again.recv(100)), "y ");
  assertEquals(text_of(await again.recv(100)), "late");
});

for (const transport of TRANSPORTS) {
  Deno.test({
    name: `StreamSocket works over IPv6 (${transport.name})`,
    ignore: !has_ipv6(),
    async fn() {
      using pair = await connect(transport, "::1");
      const { socket, peer } = pair;
      await peer.write(bytes_of("over six"));
      assertEquals(text_of(await socket.recv(100)), "over six");
      await socket.sendall(bytes_of("and back"));
      assertEquals(text_of(await read_bytes(peer, 8)), "and back");
      assertEquals(socket.localAddr.hostname, "::1");
      assertEquals(socket.remoteAddr, peer.localAddr);
    },
  });
}

Deno.test("detach() takes an unused connection out of the thread, once", async () => {
  using pair = await accepted_pair();
  const { socket, peer } = pair;
  const detached = detach(socket);
  assertEquals(detached?.unread.length, 0);
  assertEquals(detach(socket), undefined);
  await soon(assertRejects(() => socket.recv(1), Error));
  // The connection is still open, behind the descriptor.
  const other = new net.Socket({ fd: detached!.fd });
  await peer.write(bytes_of("still there"));
  const [bytes] = await soon(once(other, "data"));
  assertEquals(text_of(bytes), "still there");
  other.destroy();
  await once(other, "close");
});

Deno.test("detach() leaves a connection where somebody reads, and takes it when nobody does", async () => {
  using pair = await accepted_pair();
  const { socket, peer } = pair;
  const reading = socket.recv(2);
  assertEquals(detach(socket), undefined);
  await peer.write(bytes_of("here"));
  assertEquals(text_of(await soon(reading)), "he");
  const { fd, unread } = detach(socket)!;
  assertEquals(text_of(unread), "re");
  const other = new net.Socket({ fd });
  await peer.write(bytes_of("still there"));
  const [bytes] = await soon(once(other, "data"));
  assertEquals(text_of(bytes), "still there");
  other.destroy();
  await once(other, "close");
});

Deno.test("detach() leaves a Deno.Conn where it is", async () => {
  using pair = await connect(TRANSPORTS[0]!);
  assertEquals(detach(pair.socket), undefined);
  await pair.socket.sendall(bytes_of("here"));
  assertEquals(text_of(await read_bytes(pair.peer, 4)), "here");
});
