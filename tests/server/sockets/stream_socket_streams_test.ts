import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  bytes_of,
  pattern,
  read_bytes,
  read_to_end,
  same_bytes,
  text_of,
  write_bytes,
} from "../../fixtures/tools/bytes.ts";
import { test_each } from "../../fixtures/clients/pairs.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

test_each("StreamSocket.readable gives the input and ends with it", async ({ socket, peer }) => {
  const sent = pattern(1_000_000);
  const sending = write_bytes(peer, sent).then(() => peer.closeWrite());
  const received = new Uint8Array(await new Response(socket.readable).arrayBuffer());
  await sending;
  assert(same_bytes(received, sent));
  // The end of the input leaves the connection open.
  await socket.sendall(bytes_of("reply"));
  assertEquals(text_of(await read_bytes(peer, 5)), "reply");
});

test_each("StreamSocket.writable sends, and closing it half-closes", async ({ socket, peer }) => {
  const writer = socket.writable.getWriter();
  await writer.write(bytes_of("some "));
  await writer.write(bytes_of("text"));
  await writer.close();
  assertEquals(text_of(await read_to_end(peer)), "some text");
  await peer.write(bytes_of("reply"));
  assertEquals(text_of(await soon(socket.recv(100))), "reply");
});

test_each("StreamSocket.readable can be piped to its writable", async ({ socket, peer }) => {
  const echoing = socket.readable.pipeTo(socket.writable);
  const sent = pattern(3_000_000);
  const sending = write_bytes(peer, sent).then(() => peer.closeWrite());
  const received = await read_to_end(peer);
  await Promise.all([echoing, sending]);
  assert(same_bytes(received, sent));
});

test_each("StreamSocket.writable closes the connection when aborted", async ({ socket, peer }) => {
  await socket.sendall(bytes_of("x"));
  await socket.writable.abort(new Error("enough"));
  assertEquals((await soon(read_to_end(peer))).length, 1);
  await soon(assertRejects(() => socket.sendall(bytes_of("x")), Error));
});

test_each("StreamSocket has one readable and one writable", async ({ socket, peer }) => {
  assertStrictEquals(socket.readable, socket.readable);
  assertStrictEquals(socket.writable, socket.writable);
  // Nothing is read before somebody wants it.
  await peer.write(bytes_of("x"));
  assertEquals(text_of(await soon(socket.recv(1))), "x");
});
