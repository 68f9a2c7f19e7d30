import { assert, assertEquals, assertLess } from "@std/assert";
import { pattern, read_to_end, same_bytes } from "../../fixtures/tools/bytes.ts";
import { test_each } from "../../fixtures/clients/pairs.ts";
import { is_pending, turn } from "../../fixtures/tools/waiting.ts";

const MiB = 2 ** 20;

test_each("StreamSocket.sendall() sends 32 MiB whole to a slow peer", async ({ socket, peer }) => {
  const sent = pattern(32 * MiB);
  const sending = socket.sendall(sent).then(() => socket.closeWrite());
  const received = new Uint8Array(sent.length + 1);
  let length = 0;
  for (let turns = 0;; turns++) {
    if (turns % 8 === 0) await turn();
    const count = await peer.read(received.subarray(length, length + 65_536));
    if (count === null) break;
    length += count;
  }
  await sending;
  assertEquals(length, sent.length);
  assert(same_bytes(received.subarray(0, length), sent));
});

test_each("StreamSocket.write() waits for a peer that does not read", async ({ socket, peer }) => {
  // More than both ends of a connection hold in the system.
  const chunk = new Uint8Array(MiB);
  let sent = 0;
  let pending: Promise<number> | undefined;
  while (!pending && sent < 64 * MiB) {
    const writing = socket.write(chunk);
    if (await is_pending(writing, 100)) pending = writing;
    else sent += await writing;
  }
  assertLess(sent, 48 * MiB);
  const reading = read_to_end(peer);
  if (pending) sent += await pending;
  await socket.closeWrite();
  assertEquals((await reading).length, sent);
});

test_each("StreamSocket takes nothing from a peer while nobody reads", async (pair) => {
  const { socket, peer } = pair;
  // One read, so that reading has begun and has to stop.
  await peer.write(new Uint8Array(1000));
  let received = (await socket.recv(1)).length;
  const chunk = new Uint8Array(MiB);
  let sent = 1000;
  let pending: Promise<number> | undefined;
  while (!pending && sent < 64 * MiB) {
    const writing = peer.write(chunk);
    if (await is_pending(writing, 100)) pending = writing;
    else sent += await writing;
  }
  assertLess(sent, 48 * MiB);
  const finish = async () => {
    if (pending) sent += await pending;
    await peer.closeWrite();
  };
  const finishing = finish();
  for (let bytes; (bytes = await socket.recv(65_536)).length > 0;) received += bytes.length;
  await finishing;
  assertEquals(received, sent);
});
