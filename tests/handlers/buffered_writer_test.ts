import { assert, assertEquals, assertRejects } from "@std/assert";
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
import { is_pending } from "../fixtures/tools/waiting.ts";

/** A sink that notes what it is given, each time it is. */
class NoteSink implements ByteSink {
  readonly notes: string[] = [];

  sendall(data: Uint8Array): Promise<void> {
    this.notes.push(text_of(data));
    return Promise.resolve();
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
