import { assert, assertEquals, assertGreaterOrEqual, assertLess, assertRejects } from "@std/assert";
import { BufferedReader } from "../../../handlers/buffered_reader.ts";
import { close_gracefully, end_input, receive } from "../../../server/sockets/stream_socket.ts";
import {
  bytes_of,
  pattern,
  read_bytes,
  read_to_end,
  same_bytes,
  text_of,
  write_bytes,
} from "../../fixtures/tools/bytes.ts";
import { test_each, test_each_reset } from "../../fixtures/clients/pairs.ts";
import { is_pending, soon } from "../../fixtures/tools/waiting.ts";

test_each("StreamSocket can reply when the peer has half-closed", async ({ socket, peer }) => {
  await peer.closeWrite();
  assertEquals((await socket.recv(10)).length, 0);
  await socket.sendall(bytes_of("reply"));
  assertEquals(text_of(await read_bytes(peer, 5)), "reply");
});

test_each("StreamSocket.closeWrite() leaves the input open", async ({ socket, peer }) => {
  await socket.sendall(bytes_of("request"));
  await socket.closeWrite();
  await socket.closeWrite();
  assertEquals(text_of(await read_to_end(peer)), "request");
  await peer.write(bytes_of("reply"));
  await peer.closeWrite();
  assertEquals(text_of(await soon(socket.recv(10))), "reply");
  assertEquals((await soon(socket.recv(10))).length, 0);
});

test_each("StreamSocket.write() after closeWrite() fails and harms no read", async (pair) => {
  const { socket, peer } = pair;
  await socket.closeWrite();
  await soon(assertRejects(() => socket.write(bytes_of("late")), Deno.errors.BrokenPipe));
  await peer.write(bytes_of("reply"));
  assertEquals(text_of(await soon(socket.recv(10))), "reply");
});

test_each("StreamSocket.close() may be called twice", async ({ socket, peer }) => {
  socket.close();
  socket.close();
  socket[Symbol.dispose]();
  assertEquals((await soon(read_to_end(peer))).length, 0);
});

test_each("StreamSocket refuses to read and write once it is closed", async ({ socket }) => {
  socket.close();
  await soon(assertRejects(() => socket.recv(10), Error));
  await soon(assertRejects(() => socket.read(new Uint8Array(10)), Error));
  await soon(assertRejects(() => socket.write(new Uint8Array(10)), Error));
  await soon(assertRejects(() => socket.closeWrite(), Error));
});

test_each("StreamSocket.close() interrupts a read that waits", async ({ socket }) => {
  const reading = assertRejects(() => socket.recv(10), Deno.errors.Interrupted);
  socket.close();
  await soon(reading);
  await soon(assertRejects(() => socket.recv(10), Error));
});

test_each("StreamSocket.close() interrupts the writes that wait", async ({ socket, peer }) => {
  const chunk = new Uint8Array(64 * 2 ** 20);
  const writes = [socket.write(chunk), socket.write(bytes_of("next")), socket.closeWrite()];
  const outcomes = writes.map((write) => assertRejects(() => write, Error));
  // Once the peer has some of it, the first write is under way.
  await peer.read(new Uint8Array(1));
  socket.close();
  await soon(Promise.all(outcomes));
});

test_each("end_input() ends a read with nothing half-read", async ({ socket, peer }) => {
  const reading = socket.recv(10);
  end_input(socket);
  assertEquals((await soon(reading)).length, 0);
  assertEquals((await soon(socket.recv(10))).length, 0);
  assertEquals(await soon(socket.read(new Uint8Array(10))), null);
  // The output is as it was.
  await socket.sendall(bytes_of("goodbye"));
  assertEquals(text_of(await read_bytes(peer, 7)), "goodbye");
});

test_each("end_input() ends the reads that begin after it", async ({ socket }) => {
  end_input(socket);
  end_input(socket);
  assertEquals((await soon(socket.recv(10))).length, 0);
  assertEquals(await soon(socket.read(new Uint8Array(10))), null);
});

test_each("end_input() leaves a read alone that is midway", async ({ socket, peer }) => {
  const reading = receive(socket, 10, true);
  end_input(socket);
  assertEquals(await is_pending(reading, 20), true);
  await peer.write(bytes_of("rest"));
  assertEquals(text_of(await soon(reading)), "rest");
  assertEquals((await soon(socket.recv(10))).length, 0);
});

test_each("end_input() lets a reader finish its line", async ({ socket, peer }) => {
  const reader = new BufferedReader(socket);
  await peer.write(bytes_of("first\nsec"));
  assertEquals(text_of(await reader.readline()), "first\n");
  const second = reader.readline();
  end_input(socket);
  assertEquals(await is_pending(second, 20), true);
  await peer.write(bytes_of("ond\n"));
  assertEquals(text_of(await soon(second)), "second\n");
  assertEquals((await soon(reader.readline())).length, 0);
});

test_each("close_gracefully() keeps a reply safe from input that nobody read", async (pair) => {
  const { socket, peer } = pair;
  const sending = write_bytes(peer, new Uint8Array(256 * 1024)).then(() => peer.closeWrite());
  await socket.recv(1);
  const reply = pattern(200_000);
  await socket.sendall(reply);
  const closing = close_gracefully(socket, 60_000);
  // The peer reads last: a reset would have destroyed the reply by then.
  await soon(sending);
  await soon(closing);
  assert(same_bytes(await soon(read_to_end(peer)), reply));
});

test_each("close_gracefully() sends FIN and lingers no longer than told", async (pair) => {
  const { socket, peer } = pair;
  const start = performance.now();
  const closing = close_gracefully(socket, 100);
  assertEquals((await soon(read_to_end(peer))).length, 0);
  await soon(closing);
  const took = performance.now() - start;
  assertGreaterOrEqual(took, 99);
  assertLess(took, 5000);
});

test_each("close_gracefully() does not linger longer for a peer that sends", async (pair) => {
  const { socket, peer } = pair;
  let closed = false;
  const closing = close_gracefully(socket, 100).then(() => closed = true);
  const sends = async () => {
    // A byte now and then, far from the most that is thrown away.
    while (!closed) {
      await peer.write(new Uint8Array(1)).catch(() => {});
      await is_pending(closing, 5);
    }
  };
  await soon(sends());
  assertEquals(closed, true);
});

test_each("close_gracefully() throws away 1 MiB and no more", async ({ socket, peer }) => {
  const closing = close_gracefully(socket, 60_000);
  // It goes on for ever, until the connection is reset.
  const sending = async () => {
    for (;;) await peer.write(new Uint8Array(65_536));
  };
  await soon(assertRejects(sending, Error));
  await soon(closing);
});

test_each("close_gracefully() is done when the peer sends FIN", async ({ socket, peer }) => {
  const closing = close_gracefully(socket, 60_000);
  assertEquals(await is_pending(closing, 20), true);
  await peer.closeWrite();
  await soon(closing);
});

test_each("close_gracefully() is done at once when the peer has sent FIN", async (pair) => {
  const { socket, peer } = pair;
  await peer.closeWrite();
  assertEquals((await socket.recv(1)).length, 0);
  await socket.sendall(bytes_of("reply"));
  await soon(close_gracefully(socket, 60_000));
  assertEquals(text_of(await soon(read_to_end(peer))), "reply");
});

test_each("close_gracefully() is done at once when nothing was under way", async (pair) => {
  const { socket, peer } = pair;
  const reading = socket.recv(10);
  end_input(socket);
  assertEquals((await reading).length, 0);
  await soon(close_gracefully(socket, 60_000));
  assertEquals((await soon(read_to_end(peer))).length, 0);
});

test_each("close_gracefully() keeps what was written after end_input() safe", async (pair) => {
  const { socket, peer } = pair;
  const reading = socket.recv(10);
  end_input(socket);
  assertEquals((await reading).length, 0);
  const goodbye = pattern(200_000);
  await socket.sendall(goodbye);
  const closing = close_gracefully(socket, 60_000);
  await peer.write(new Uint8Array(1000));
  await peer.closeWrite();
  await soon(closing);
  assert(same_bytes(await soon(read_to_end(peer)), goodbye));
});

test_each("close_gracefully() sends what is still being written", async ({ socket, peer }) => {
  const sent = pattern(16 * 2 ** 20);
  const writing = socket.sendall(sent);
  const closing = close_gracefully(socket, 60_000);
  assert(same_bytes(await soon(read_to_end(peer)), sent));
  await peer.closeWrite();
  await soon(Promise.all([writing, closing]));
});

test_each("close_gracefully() ends a read that waits", async ({ socket, peer }) => {
  const reading = socket.recv(10);
  const closing = close_gracefully(socket, 60_000);
  assertEquals((await soon(reading)).length, 0);
  await peer.closeWrite();
  await soon(closing);
});

test_each_reset("close_gracefully() is done at once after a reset", async (socket, reset) => {
  const reading = assertRejects(() => socket.recv(10), Deno.errors.ConnectionReset);
  reset();
  await soon(reading);
  await soon(close_gracefully(socket, 60_000));
  await soon(close_gracefully(socket, 60_000));
});

test_each_reset("close_gracefully() is done when the peer resets", async (socket, reset) => {
  const closing = close_gracefully(socket, 60_000);
  assertEquals(await is_pending(closing, 20), true);
  reset();
  await soon(closing);
});
