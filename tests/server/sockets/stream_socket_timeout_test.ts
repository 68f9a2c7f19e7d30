import { assertEquals, assertGreaterOrEqual, assertRejects, assertThrows } from "@std/assert";
import process from "node:process";
import { bytes_of, text_of } from "../../fixtures/tools/bytes.ts";
import { test_each } from "../../fixtures/clients/pairs.ts";
import { is_pending, soon, turn } from "../../fixtures/tools/waiting.ts";

const TIMED_OUT = Deno.errors.TimedOut;

test_each("StreamSocket.settimeout() refuses what is no time", async ({ socket, peer }) => {
  for (const timeout of [-1, NaN, -Infinity]) {
    assertThrows(() => socket.settimeout(timeout), RangeError, `${timeout}`);
  }
  for (const timeout of [null, Infinity, 60_000]) socket.settimeout(timeout);
  await peer.write(bytes_of("x"));
  assertEquals(text_of(await socket.recv(1)), "x");
});

test_each("StreamSocket.recv() throws when nothing comes in time", async ({ socket }) => {
  socket.settimeout(30);
  const start = performance.now();
  await soon(assertRejects(() => socket.recv(10), TIMED_OUT, "30 ms"));
  assertGreaterOrEqual(performance.now() - start, 29);
  await soon(assertRejects(() => socket.read(new Uint8Array(10)), TIMED_OUT, "30 ms"));
});

test_each("StreamSocket.settimeout(0) gives a read no time to wait", async ({ socket, peer }) => {
  socket.settimeout(0);
  await soon(assertRejects(() => socket.recv(10), TIMED_OUT));
  await peer.write(bytes_of("x"));
  socket.settimeout(null);
  assertEquals(text_of(await socket.recv(10)), "x");
});

test_each("StreamSocket keeps bytes that come after a timeout", async ({ socket, peer }) => {
  socket.settimeout(10);
  await assertRejects(() => socket.recv(10), TIMED_OUT);
  await assertRejects(() => socket.read(new Uint8Array(10)), TIMED_OUT);
  // These go to the read of the connection that has begun already and that nobody waits for.
  await peer.write(bytes_of("hello"));
  await round_trip(socket, peer);
  socket.settimeout(null);
  assertEquals(text_of(await soon(socket.recv(3))), "hel");
  assertEquals(text_of(await soon(socket.recv(10))), "lo");
});

test_each("StreamSocket keeps the end that comes after a timeout", async ({ socket, peer }) => {
  socket.settimeout(10);
  await assertRejects(() => socket.recv(10), TIMED_OUT);
  await peer.closeWrite();
  await round_trip(socket, peer);
  socket.settimeout(null);
  assertEquals(await soon(socket.recv(10)), new Uint8Array(0));
});

test_each("StreamSocket's clock is not reset by its own writes", async ({ socket }) => {
  socket.settimeout(50);
  const reading = assertRejects(() => socket.recv(10), TIMED_OUT);
  let waiting = true;
  reading.then(() => waiting = false, () => waiting = false);
  const start = performance.now();
  while (waiting && performance.now() - start < 5000) {
    await socket.write(bytes_of("x"));
    await turn();
  }
  assertEquals(waiting, false);
  await reading;
});

test_each("StreamSocket's clock is reset by bytes of the peer", async ({ socket, peer }) => {
  const timeout = 700;
  socket.settimeout(timeout);
  const start = performance.now();
  while (performance.now() - start < 1.2 * timeout) {
    const reading = socket.recv(1);
    assertEquals(await is_pending(reading, timeout / 10), true);
    await peer.write(bytes_of("x"));
    assertEquals(text_of(await reading), "x");
  }
});

test_each("StreamSocket.settimeout() is for the read that waits, too", async ({ socket, peer }) => {
  const first = socket.recv(10);
  socket.settimeout(20);
  await soon(assertRejects(() => first, TIMED_OUT, "20 ms"));
  const second = socket.recv(10);
  socket.settimeout(null);
  assertEquals(await is_pending(second, 50), true);
  await peer.write(bytes_of("x"));
  assertEquals(text_of(await second), "x");
});

test_each("StreamSocket.settimeout() takes more than a timer can", async ({ socket, peer }) => {
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on("warning", note);
  try {
    socket.settimeout(2 ** 31);
    const reading = socket.recv(10);
    assertEquals(await is_pending(reading, 20), true);
    await peer.write(bytes_of("x"));
    assertEquals(text_of(await reading), "x");
  } finally {
    process.off("warning", note);
  }
  // Deno warns of each timer that is too long, and lets it ring after 1 ms.
  assertEquals(warnings.length, 0, `${warnings[0]}`);
});

// In these two, the sanitizer of the tests sees a timer that is left behind.
test_each("StreamSocket writes nothing after a write that timed out", async ({ socket }) => {
  const much = new Uint8Array(16_000_000);
  const broken = () =>
    assertRejects(() => socket.write(much), Deno.errors.BrokenPipe, "An earlier write timed out");
  socket.settimeout(60_000);
  const first = assertRejects(() => socket.write(much), TIMED_OUT, "took no bytes within 50 ms");
  const second = broken();
  // It is for the write that waits, too.
  socket.settimeout(50);
  await soon(Promise.all([first, second]));
  await broken();
  await assertRejects(() => socket.closeWrite(), Deno.errors.BrokenPipe, "timed out");
});

test_each("StreamSocket.close() stops the clock of a read that waits", async ({ socket }) => {
  socket.settimeout(60_000);
  const reading = assertRejects(() => socket.recv(10), Error);
  socket.close();
  await soon(reading);
});

test_each("StreamSocket starts no clock once it is closed", async ({ socket }) => {
  socket.settimeout(60_000);
  await socket.sendall(bytes_of("x"));
  socket.close();
  await soon(assertRejects(() => socket.recv(10), Error));
});

/** Lets what the peer has sent arrive, without a read of the socket. */
async function round_trip(socket: Deno.Conn, peer: Deno.Conn): Promise<void> {
  await socket.write(bytes_of("."));
  await peer.read(new Uint8Array(1));
  await turn();
}
