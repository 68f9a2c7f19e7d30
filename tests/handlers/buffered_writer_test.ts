import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { BufferedWriter, type ByteSink } from "../../handlers/buffered_writer.ts";
import {
  bytes_of,
  pattern,
  read_bytes,
  read_to_end,
  same_bytes,
  text_of,
} from "../fixtures/tools/bytes.ts";
import { test_each } from "../fixtures/clients/pairs.ts";
import { is_pending, soon, turn, until } from "../fixtures/tools/waiting.ts";

/** A sink that notes what it is given, each time it is. */
class NoteSink implements ByteSink {
  readonly notes: string[] = [];

  sendall(data: Uint8Array): Promise<void> {
    this.notes.push(text_of(data));
    return Promise.resolve();
  }
}

/** A sink that takes one after the other, each when it is told to, or fails. */
class SlowSink implements ByteSink {
  readonly sends: { text: string; end: PromiseWithResolvers<void> }[] = [];

  sendall(data: Uint8Array): Promise<void> {
    const end = Promise.withResolvers<void>();
    this.sends.push({ text: text_of(data), end });
    return end.promise;
  }

  get texts(): string[] {
    return this.sends.map(({ text }) => text);
  }
}

test_each("BufferedWriter.write() sends before it resolves", async ({ socket, peer }) => {
  const writer = new BufferedWriter(socket);
  assertEquals(await writer.write(bytes_of("bytes ")), 6);
  assertEquals(await writer.write("größe"), 7);
  assertEquals(text_of(await read_bytes(peer, 13)), "bytes größe");
});

test_each("BufferedWriter.write() sends all of a large array", async ({ socket, peer }) => {
  const sent = pattern(8 * 2 ** 20);
  for (const bufsize of [0, -1]) {
    const writer = new BufferedWriter(socket, bufsize);
    const writing = writer.write(sent);
    assert(same_bytes(await read_bytes(peer, sent.length), sent));
    assertEquals(await writing, sent.length);
  }
});

for (const bufsize of [0, 1, 1000, -1]) {
  const name = `BufferedWriter keeps the order of writes not awaited (bufsize ${bufsize})`;
  test_each(name, async ({ socket, peer }) => {
    const writer = new BufferedWriter(socket, bufsize);
    const sent = pattern(2_000_000);
    const writes: Promise<unknown>[] = [];
    for (let at = 0; at < sent.length;) {
      const size = 1 + at * 7 % 30_011;
      writes.push(writer.write(sent.subarray(at, at + size)));
      at += size;
    }
    writes.push(writer.flush(), socket.closeWrite());
    const [received] = await Promise.all([read_to_end(peer), ...writes]);
    assert(same_bytes(received, sent));
  });
}

Deno.test("BufferedWriter collects until its buffer is full", async () => {
  const sink = new NoteSink();
  const writer = new BufferedWriter(sink, 5);
  assertEquals(await writer.write("ab"), 2);
  assertEquals(await writer.write("cd"), 2);
  assertEquals(sink.notes, []);
  assertEquals(await writer.write("e"), 1);
  assertEquals(sink.notes, ["abcde"]);
  await writer.write("fghijkl");
  await writer.write("m");
  assertEquals(sink.notes, ["abcde", "fghijkl"]);
  await writer.flush();
  assertEquals(sink.notes, ["abcde", "fghijkl", "m"]);
});

Deno.test("BufferedWriter.flush() sends nothing when there is nothing", async () => {
  const sink = new NoteSink();
  for (const bufsize of [0, 10]) {
    const writer = new BufferedWriter(sink, bufsize);
    await writer.flush();
    await writer.write("a");
    await writer.flush();
    await writer.flush();
  }
  assertEquals(sink.notes, ["a", "a"]);
});

Deno.test("BufferedWriter collects 8192 bytes where the size is negative", async () => {
  const sink = new NoteSink();
  const writer = new BufferedWriter(sink, -1);
  await writer.write("x".repeat(8191));
  assertEquals(sink.notes.length, 0);
  await writer.write("x");
  assertEquals(sink.notes.map((note) => note.length), [8192]);
});

Deno.test("BufferedWriter has a copy of what it has collected", async () => {
  const sink = new NoteSink();
  const writer = new BufferedWriter(sink, 100);
  const bytes = bytes_of("abc");
  await writer.write(bytes);
  await writer.write(bytes.fill(0x78));
  await writer.flush();
  assertEquals(sink.notes, ["abcxxx"]);
});

test_each("BufferedWriter.write() waits for a slow peer", async ({ socket, peer }) => {
  for (const bufsize of [0, 1000]) {
    const writing = new BufferedWriter(socket, bufsize).write(new Uint8Array(48 * 2 ** 20));
    assertEquals(await is_pending(writing, 50), true);
    assertEquals((await read_bytes(peer, 48 * 2 ** 20)).length, await writing);
  }
});

test_each("BufferedWriter says that the connection is closed", async ({ socket }) => {
  await socket.sendall(bytes_of("x"));
  socket.close();
  await assertRejects(() => new BufferedWriter(socket).write("x"), Error);
  const writer = new BufferedWriter(socket, 10);
  await writer.write("x");
  await assertRejects(() => writer.flush(), Error);
});

Deno.test("BufferedWriter.flush() waits for writes that were not awaited", async () => {
  const done: string[] = [];
  const go = Promise.withResolvers<void>();
  const writer = new BufferedWriter({
    async sendall() {
      await go.promise;
      done.push("sent");
    },
  });
  const writing = writer.write("x");
  const flushing = writer.flush().then(() => done.push("flushed"));
  go.resolve();
  await Promise.all([writing, flushing]);
  assertEquals(done, ["sent", "flushed"]);
});

Deno.test("BufferedWriter sends what it has collected in a turn by itself, as one", async () => {
  const sink = new NoteSink();
  const writer = new BufferedWriter(sink, -1);
  for (const text of ["a", "b", "c"]) await writer.write(text);
  void writer.write("d");
  assertEquals(sink.notes, []);
  await turn();
  assertEquals(sink.notes, ["abcd"]);
  await writer.write("e");
  await turn();
  assertEquals(sink.notes, ["abcd", "e"]);
});

test_each("BufferedWriter sends by itself while somebody reads", async ({ socket, peer }) => {
  const writer = new BufferedWriter(socket, -1);
  const reading = socket.recv(10);
  await writer.write("working");
  assertEquals(text_of(await soon(read_bytes(peer, 7))), "working");
  await peer.write(bytes_of("go"));
  assertEquals(text_of(await soon(reading)), "go");
});

Deno.test("BufferedWriter sends one thing at a time by itself, and collects meanwhile", async () => {
  const sink = new SlowSink();
  const writer = new BufferedWriter(sink, 10);
  await writer.write("a");
  await turn();
  for (const text of ["b", "c"]) {
    await writer.write(text);
    await turn();
  }
  assertEquals(sink.texts, ["a"]);
  sink.sends[0]!.end.resolve();
  await turn();
  assertEquals(sink.texts, ["a", "bc"]);
});

Deno.test("BufferedWriter with a buffer of Infinity sends only when it is flushed", async () => {
  const sink = new NoteSink();
  const writer = new BufferedWriter(sink, Infinity);
  await writer.write("a");
  assertEquals(writer.offer("b"), true);
  await turn();
  assertEquals(sink.notes, []);
  await writer.flush();
  assertEquals(sink.notes, ["ab"]);
});

test_each("BufferedWriter.write() waits, too, where each turn sends by itself", async (pair) => {
  const { socket, peer } = pair;
  const writer = new BufferedWriter(socket, 65_536);
  const chunk = new Uint8Array(40_000);
  let sent = 0;
  let pending: Promise<number> | undefined;
  while (!pending && sent < 64 * 2 ** 20) {
    const writing = writer.write(chunk);
    if (await is_pending(writing, 100)) pending = writing;
    else sent += await writing;
    await turn();
  }
  assertLess(sent, 48 * 2 ** 20);
  const reading = read_to_end(peer);
  if (pending) sent += await pending;
  await writer.flush();
  await socket.closeWrite();
  assertEquals((await reading).length, sent);
});

for (const way of ["write", "flush"] as const) {
  Deno.test(`BufferedWriter.${way}() throws once what was not sent by itself`, async () => {
    const sink = new SlowSink();
    const writer = new BufferedWriter(sink, 10);
    await writer.write("a");
    await turn();
    sink.sends[0]!.end.reject(new Error("first"));
    await turn();
    assertEquals(writer.offer("b"), false);
    await assertRejects(() => way === "write" ? writer.write("c") : writer.flush(), Error, "first");
    await writer.flush();
    await writer.write("d");
    await turn();
    assertEquals(sink.texts, ["a", "d"]);
  });
}

Deno.test("BufferedWriter.flush() throws the first failure where two sends fail, and only that", async () => {
  const sink = new SlowSink();
  const writer = new BufferedWriter(sink, 10);
  await writer.write("a");
  await turn();
  await writer.write("b");
  const flushing = assertRejects(() => writer.flush(), Error, "first");
  sink.sends[0]!.end.reject(new Error("first"));
  sink.sends[1]!.end.reject(new Error("second"));
  await flushing;
  await writer.flush();
});

Deno.test("BufferedWriter.flush() waits for what is sent by itself, and throws if that fails", async () => {
  const sink = new SlowSink();
  const writer = new BufferedWriter(sink, 10);
  await writer.write("a");
  await turn();
  const flushing = writer.flush();
  assertEquals(await is_pending(flushing, 10), true);
  sink.sends[0]!.end.reject(new Error("first"));
  await assertRejects(() => flushing, Error, "first");
});

Deno.test("BufferedWriter.offer() sends in this turn, in order with writes, whatever the size", async () => {
  for (const bufsize of [0, 5, -1]) {
    const sink = new NoteSink();
    const writer = new BufferedWriter(sink, bufsize);
    const bytes = bytes_of("a");
    assertEquals(writer.offer(bytes), true);
    bytes.fill(0x78);
    assertEquals(writer.offer("b"), true);
    await turn();
    writer.offer("c");
    await writer.write("d");
    await writer.flush();
    assertEquals(sink.notes, ["ab", "cd"]);
  }
});

test_each(
  "BufferedWriter.offer() is false while the peer reads nothing, and true again",
  async (pair) => {
    const { socket, peer } = pair;
    const writer = new BufferedWriter(socket, -1);
    const message = pattern(10_000);
    let taken = 0;
    while (writer.offer(message)) {
      taken++;
      await turn();
      assertLess(taken, 4800);
    }
    assertEquals(writer.offer("no"), false);
    const received = await soon(read_bytes(peer, taken * message.length));
    for (let n = 0; n < taken; n++) {
      assert(same_bytes(received.subarray(n * message.length, (n + 1) * message.length), message));
    }
    await until(() => writer.offer("yes"));
    assertEquals(text_of(await soon(read_bytes(peer, 3))), "yes");
  },
);

Deno.test("BufferedWriter.offer() takes up to high_water, and one more", async () => {
  const sink = new SlowSink();
  const writer = new BufferedWriter(sink);
  assertEquals(writer.high_water, 65_536);
  writer.high_water = 5;
  const taken = ["abc", "def", "g"].map((text) => writer.offer(text));
  assertEquals(taken, [true, true, false]);
  await turn();
  assertEquals(writer.offer("g"), false);
  sink.sends[0]!.end.resolve();
  await turn();
  assertEquals(writer.offer("g"), true);
  await turn();
  assertEquals(sink.texts, ["abcdef", "g"]);
});

Deno.test("BufferedWriter.high_water refuses what is no size", () => {
  const writer = new BufferedWriter(new NoteSink());
  for (const size of [-1, NaN]) assertThrows(() => writer.high_water = size, RangeError, `${size}`);
});

Deno.test("BufferedWriter.flush() tells of its own failure, also while an earlier one waits", async () => {
  const sink = new SlowSink();
  const writer = new BufferedWriter(sink, 100);
  await writer.write("a");
  const first = writer.flush();
  await writer.write("b");
  const second = writer.flush();
  const third = writer.flush();
  assertEquals(sink.texts, ["a", "b"]);
  sink.sends[0]!.end.resolve();
  await soon(first);
  sink.sends[1]!.end.reject(new Deno.errors.BrokenPipe("gone"));
  await assertRejects(() => soon(second), Deno.errors.BrokenPipe, "gone");
  // Who only waited is not told, nor who comes later.
  await soon(third);
  await soon(writer.flush());
});
