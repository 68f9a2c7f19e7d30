import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { BufferedReader } from "../../handlers/buffered_reader.ts";
import { end_input } from "../../server/sockets/stream_socket.ts";
import { bytes_of, pattern, same_bytes, text_of, write_bytes } from "../fixtures/tools/bytes.ts";
import { test_each } from "../fixtures/clients/pairs.ts";
import { Script } from "../fixtures/tools/script.ts";
import { is_pending, soon } from "../fixtures/tools/waiting.ts";

const { InvalidData, TimedOut, UnexpectedEof } = Deno.errors;

/** A reader of text that comes in these chunks. */
function reader_of(...chunks: (string | Error)[]): BufferedReader {
  return new BufferedReader(new Script(chunks));
}

/** All that is left to read. */
async function rest_of(reader: BufferedReader): Promise<string> {
  return text_of(await reader.read());
}

Deno.test("BufferedReader.readline() gives lines with their ends", async () => {
  const reader = reader_of("one\ntwo\r\n\nlast");
  const lines: string[] = [];
  for (let count = 0; count < 5; count++) lines.push(text_of(await reader.readline()));
  assertEquals(lines, ["one\n", "two\r\n", "\n", "last", ""]);
});

Deno.test("BufferedReader.readline() puts lines together from single bytes", async () => {
  const reader = reader_of(..."one\ntwo\n\nend");
  const lines: string[] = [];
  for await (const line of reader) lines.push(text_of(line));
  assertEquals(lines, ["one\n", "two\n", "\n", "end"]);
});

Deno.test("BufferedReader gives nothing of an empty input, again and again", async () => {
  const reader = reader_of();
  for (let count = 0; count < 2; count++) {
    assertEquals(await reader.readline(), new Uint8Array(0));
    assertEquals(await reader.read(), new Uint8Array(0));
    assertEquals(await reader.read(5), new Uint8Array(0));
    assertEquals(await reader.readexactly(0), new Uint8Array(0));
    assertEquals(await reader.peek(), new Uint8Array(0));
    assertEquals(await reader.peek(5), new Uint8Array(0));
    assertEquals(await reader.read1(), new Uint8Array(0));
    assertEquals(await reader.read1(5), new Uint8Array(0));
    await assertRejects(() => reader.readexactly(1), UnexpectedEof);
    await assertRejects(() => reader.readuntil("\n"), UnexpectedEof);
    for await (const _ of reader) assert(false);
  }
});

for (const chunks of [["abc\nd"], [..."abc\nd"], ["abc", "\nd"], ["abc\n", "d"], ["ab", "c\nd"]]) {
  const shape = chunks.map((chunk) => chunk.length).join("+");

  Deno.test(`BufferedReader.readline() takes a line of just the limit (${shape})`, async () => {
    const reader = reader_of(...chunks);
    assertEquals(text_of(await reader.readline(4)), "abc\n");
    assertEquals(text_of(await reader.readline(4)), "d");
  });

  Deno.test(`BufferedReader.readline() refuses one byte more (${shape})`, async () => {
    const reader = reader_of(...chunks);
    await assertRejects(() => reader.readline(3), InvalidData, "3 bytes");
    await assertRejects(() => reader.readline(3), InvalidData, "3 bytes");
    assertEquals(text_of(await reader.readline()), "abc\n", "it stays unread");
  });

  Deno.test(`BufferedReader.readuntil() has the same limit (${shape})`, async () => {
    const reader = reader_of(...chunks);
    await assertRejects(() => reader.readuntil("c\n", 3), InvalidData, "3 bytes");
    assertEquals(text_of(await reader.readuntil("c\n", 4)), "abc\n");
    assertEquals(await rest_of(reader), "d");
  });
}

Deno.test("BufferedReader.readline() takes a last line of just the limit", async () => {
  assertEquals(text_of(await reader_of("abc").readline(4)), "abc");
  assertEquals(text_of(await reader_of("abcd").readline(4)), "abcd");
  await assertRejects(() => reader_of("abcde").readline(4), InvalidData);
});

Deno.test("BufferedReader.readline() reads no more of a huge line than it may", async () => {
  const script = Script.endless("x".repeat(1000));
  const reader = new BufferedReader(script);
  await assertRejects(() => reader.readline(), InvalidData, "65536 bytes");
  assertLessOrEqual(script.given, 65_536 + 1000);
  await assertRejects(() => reader.readline(), InvalidData);
  await assertRejects(() => reader.readuntil("\r\n"), InvalidData);
  assertLessOrEqual(script.given, 65_536 + 1000);
  const lines = async () => {
    for await (const _ of reader);
  };
  await assertRejects(lines, InvalidData);
});

Deno.test("BufferedReader refuses a size that is none, and loses nothing", async () => {
  const reader = reader_of("ab", "c\ndef\n");
  assertEquals(text_of(await reader.readexactly(1)), "a");
  for (const size of [-1, 1.5, NaN, Infinity, 2 ** 32 + 1, 2 ** 53]) {
    await assertRejects(async () => await reader.readexactly(size), RangeError, `${size}`);
  }
  for (const size of [1.5, NaN]) {
    await assertRejects(async () => await reader.read(size), RangeError, `${size}`);
    await assertRejects(async () => await reader.read1(size), RangeError, `${size}`);
    await assertRejects(async () => await reader.peek(size), RangeError, `${size}`);
  }
  assertEquals(text_of(await soon(reader.readline())), "bc\n");
  assertEquals(await rest_of(reader), "def\n");
});

Deno.test("BufferedReader.readline() has no limit that is none", async () => {
  const script = Script.endless("x".repeat(1000), 1000);
  const reader = new BufferedReader(script);
  await assertRejects(async () => await reader.readline(NaN), Error);
  assertLessOrEqual(script.given, 65_536 + 1000);
});

Deno.test("BufferedReader.read() gives all, or as much as is wanted", async () => {
  assertEquals(await rest_of(reader_of("ab", "cd", "e")), "abcde");
  const reader = reader_of("ab", "cd", "e");
  assertEquals((await reader.read(0)).length, 0);
  assertEquals(text_of(await reader.read(3)), "abc");
  assertEquals(text_of(await reader.read(10)), "de");
  assertEquals(text_of(await reader.read(10)), "");
});

Deno.test("BufferedReader.readexactly() puts a block together", async () => {
  const reader = reader_of("a", "bc", "defg", "h");
  assertEquals((await reader.readexactly(0)).length, 0);
  assertEquals(text_of(await reader.readexactly(1)), "a");
  assertEquals(text_of(await reader.readexactly(4)), "bcde");
  assertEquals(text_of(await reader.readexactly(3)), "fgh");
});

Deno.test("BufferedReader.readexactly() leaves a block that is cut short unread", async () => {
  const reader = reader_of("ab", "cd");
  await assertRejects(() => reader.readexactly(5), UnexpectedEof, "4 of 5 bytes");
  await assertRejects(() => reader.readuntil("!"), UnexpectedEof, "4 bytes");
  assertEquals(text_of(await reader.readexactly(3)), "abc");
  assertEquals(await rest_of(reader), "d");
});

Deno.test("BufferedReader.readuntil() finds a delimiter over all splits", async () => {
  const text = "a\r\rb\r\n.\r\nrest";
  for (let one = 0; one <= text.length; one++) {
    for (let two = one; two <= text.length; two++) {
      const parts = [text.slice(0, one), text.slice(one, two), text.slice(two)];
      const reader = reader_of(...parts.filter((part) => part.length > 0));
      const splits = parts.join("|");
      assertEquals(text_of(await reader.readuntil("\r\n.\r\n")), "a\r\rb\r\n.\r\n", splits);
      assertEquals(await rest_of(reader), "rest", splits);
    }
  }
});

Deno.test("BufferedReader.readuntil() is not misled by the start of a delimiter", async () => {
  const reader = reader_of(..."aaab", "aab");
  assertEquals(text_of(await reader.readuntil("aab")), "aaab");
  assertEquals(text_of(await reader.readuntil(bytes_of("aab"))), "aab");
});

Deno.test("BufferedReader.readuntil() takes text in UTF-8", async () => {
  const reader = new BufferedReader(new Script([...bytes_of("für→so")].map((b) => [b])));
  assertEquals(text_of(await reader.readuntil("→")), "für→");
  assertEquals(await rest_of(reader), "so");
});

Deno.test("BufferedReader.readuntil() refuses an empty delimiter", async () => {
  const reader = reader_of("abc");
  await assertRejects(() => reader.readuntil(""), RangeError);
  await assertRejects(() => reader.readuntil(new Uint8Array(0)), RangeError);
  assertEquals(await rest_of(reader), "abc");
});

Deno.test("BufferedReader.peek() shows what comes next and leaves it", async () => {
  const reader = reader_of("ab\n", "c");
  const shown = await reader.peek();
  assertEquals(text_of(shown), "ab\n");
  shown.fill(0);
  assertEquals(text_of(await reader.peek()), "ab\n");
  assertEquals(text_of(await reader.readexactly(1)), "a");
  assertEquals(text_of(await reader.peek()), "b\n");
  assertEquals(await rest_of(reader), "b\nc");
});

Deno.test("BufferedReader.peek() shows and copies no more than it is asked to", async () => {
  const reader = reader_of("abc", "d");
  for (const [size, shown] of [[1, "a"], [2, "ab"], [3, "abc"], [9, "abc"], [-1, "abc"]] as const) {
    const bytes = await reader.peek(size);
    assertEquals([text_of(bytes), bytes.buffer.byteLength], [shown, shown.length]);
  }
  assertEquals(text_of(await reader.readexactly(2)), "ab");
  assertEquals(text_of(await reader.peek(2)), "c", "a peek does not wait for more");
  assertEquals(await rest_of(reader), "cd");
});

Deno.test("BufferedReader.read1() gives what is there, and reads at most once", async () => {
  const script = new Script(["abcd", "ef", "g\nh"]);
  const reader = new BufferedReader(script);
  assertEquals(text_of(await reader.read1()), "abcd");
  assertEquals(script.asked.length, 1);
  assertEquals(text_of(await reader.read1(1)), "e");
  assertEquals(script.asked.length, 2);
  assertEquals(text_of(await reader.read1(9)), "f");
  assertEquals(script.asked.length, 2, "what is there is enough");
  assertEquals(text_of(await reader.readline()), "g\n");
  assertEquals(text_of(await reader.read1(Infinity)), "h");
  assertEquals(script.asked.length, 3);
  assertEquals(text_of(await reader.read1()), "");
});

Deno.test("BufferedReader.read1() gives what was shown", async () => {
  const reader = reader_of("ab\n", "c");
  for (const shown of ["ab\n", "c", ""]) {
    assertEquals(text_of(await reader.peek()), shown);
    assertEquals(text_of(await reader.read1()), shown);
  }
});

Deno.test("BufferedReader reads nothing for a size of 0", async () => {
  const script = new Script(["ab"]);
  const reader = new BufferedReader(script);
  for (let count = 0; count < 2; count++) {
    assertEquals((await reader.peek(0)).length, 0);
    assertEquals((await reader.read1(0)).length, 0);
    assertEquals((await reader.read(0)).length, 0);
    assertEquals(script.asked.length, count);
    if (count === 0) assertEquals(text_of(await reader.peek()), "ab");
  }
  assertEquals(await rest_of(reader), "ab");
});

Deno.test("BufferedReader.peek() and read1() put characters together that come in parts", async () => {
  const bytes = bytes_of("für→so");
  for (let at = 1; at < bytes.length; at++) {
    const parts = [bytes.subarray(0, at), bytes.subarray(at)];
    const reader = new BufferedReader(new Script(parts));
    const decoder = new TextDecoder();
    let text = "";
    for (let shown; (shown = await reader.peek(2)).length > 0;) {
      const part = await reader.read1(2);
      assertEquals(part, shown);
      text += decoder.decode(part, { stream: true });
    }
    assertEquals(text, "für→so", `${at}`);
  }
});

Deno.test("BufferedReader gives arrays that keep little more than themselves in memory", async () => {
  const lines = "abcde\n".repeat(10_000);
  const reader = reader_of(lines + "end");
  for (let count = 0; count < 10_000; count++) {
    assert((await reader.readline()).buffer.byteLength <= 4096);
  }
  assertEquals((await reader.peek()).buffer.byteLength, 3);
  assertEquals((await reader.readline()).buffer.byteLength, 3);
});

Deno.test("BufferedReader can be read on after a loop that was left", async () => {
  const reader = reader_of("one\ntwo\nthree\n");
  for await (const line of reader) {
    if (text_of(line) === "two\n") break;
  }
  assertEquals(await rest_of(reader), "three\n");
});

Deno.test("BufferedReader loses nothing when a read fails", async () => {
  const late = new TimedOut("late");
  const reads: Record<string, (reader: BufferedReader) => Promise<Uint8Array>> = {
    readline: (reader) => reader.readline(),
    read: (reader) => reader.read(4),
    readexactly: (reader) => reader.readexactly(4),
    readuntil: (reader) => reader.readuntil("\n"),
    peek: (reader) => reader.peek(),
    read1: (reader) => reader.read1(4),
  };
  for (const [name, read] of Object.entries(reads)) {
    const reader = reader_of(late, "ab", late, "c\nd", late, "e");
    let failures = 0;
    let result: Uint8Array | undefined;
    while (!result) result = await read(reader).catch(() => void failures++);
    const once = name === "peek" || name === "read1";
    assertEquals([text_of(result), failures], once ? ["ab", 1] : ["abc\n", 2], name);
    if (once) continue;
    await assertRejects(() => reader.read(), TimedOut);
    assertEquals(await rest_of(reader), "de", name);
  }
});

Deno.test("BufferedReader asks for as much as its buffer holds", async () => {
  for (const [bufsize, asked] of [[undefined, 65_536], [-1, 65_536], [1, 1], [100, 100]] as const) {
    const script = new Script(["abc\n"]);
    await new BufferedReader(script, bufsize).readexactly(1);
    assertEquals(script.asked, [asked]);
  }
});

Deno.test("BufferedReader without a buffer reads no further than it is asked to", async () => {
  const script = new Script(["one\ntwo", "three"]);
  const reader = new BufferedReader(script, 0);
  assertEquals(text_of(await reader.readline()), "one\n");
  assertEquals(script.given, 4);
  assertEquals(text_of(await reader.readexactly(2)), "tw");
  assertEquals(script.given, 6);
  assertEquals(text_of(await reader.read(4)), "othr");
  assertEquals(script.given, 10);
  assertEquals(text_of(await reader.peek()), "e");
  assertEquals(text_of(await reader.read1()), "e");
  assertEquals(script.given, 11);
});

Deno.test("BufferedReader without a buffer reads once for read1() and peek()", async () => {
  const script = new Script(["abcdef", "gh"]);
  const reader = new BufferedReader(script, 0);
  assertEquals(text_of(await reader.peek(2)), "ab");
  assertEquals(text_of(await reader.read1(9)), "ab");
  assertEquals(text_of(await reader.read1(3)), "cde");
  assertEquals(text_of(await reader.read1()), "f");
  assertEquals(text_of(await reader.read1()), "gh");
  assertEquals(script.asked, [2, 3, 65_536, 65_536]);
});

test_each("BufferedReader reads lines and blocks of a socket", async ({ socket, peer }) => {
  const block = pattern(3_000_000);
  const send = async () => {
    for (let count = 0; count < 1000; count++) await peer.write(bytes_of(`line ${count}\n`));
    await write_bytes(peer, block);
    await peer.closeWrite();
  };
  const sending = send();
  const reader = new BufferedReader(socket);
  for (let count = 0; count < 1000; count++) {
    assertEquals(text_of(await reader.readline()), `line ${count}\n`);
  }
  assert(same_bytes(await reader.readexactly(block.length), block));
  assertEquals((await reader.readline()).length, 0);
  await sending;
});

test_each("BufferedReader loses nothing when the socket times out", async ({ socket, peer }) => {
  const reader = new BufferedReader(socket);
  socket.settimeout(20);
  await peer.write(bytes_of("half"));
  await assertRejects(() => reader.readline(), TimedOut);
  socket.settimeout(null);
  const line = reader.readline();
  await peer.write(bytes_of(" a line\n"));
  assertEquals(text_of(await soon(line)), "half a line\n");
});

test_each("BufferedReader.read1() waits for what comes, and not for more", async (pair) => {
  const { socket, peer } = pair;
  const reader = new BufferedReader(socket);
  const part = reader.read1(100);
  assertEquals(await is_pending(part, 20), true);
  await peer.write(bytes_of("some"));
  assertEquals(text_of(await soon(part)), "some");
  const last = reader.read1();
  end_input(socket);
  assertEquals((await soon(last)).length, 0);
});

test_each("BufferedReader ends between lines when its input is ended", async (pair) => {
  const { socket, peer } = pair;
  const reader = new BufferedReader(socket);
  await peer.write(bytes_of("one\ntwo\n"));
  const lines: string[] = [];
  const reading = (async () => {
    for await (const line of reader) lines.push(text_of(line));
  })();
  await is_pending(reading, 20);
  end_input(socket);
  await soon(reading);
  assertEquals(lines, ["one\n", "two\n"]);
});

test_each("BufferedReader finishes a block when its input is ended", async ({ socket, peer }) => {
  const reader = new BufferedReader(socket);
  await peer.write(bytes_of("ab"));
  assertEquals(text_of(await reader.peek()), "ab");
  const block = reader.readexactly(4);
  end_input(socket);
  assertEquals(await is_pending(block, 20), true);
  await peer.write(bytes_of("cd"));
  assertEquals(text_of(await soon(block)), "abcd");
});

test_each("BufferedReader reads a bare Deno.Conn, too", async ({ socket, peer }) => {
  const reader = new BufferedReader(peer);
  await socket.sendall(bytes_of("one\ntwo"));
  await socket.closeWrite();
  assertEquals(text_of(await reader.readline()), "one\n");
  assertEquals(await rest_of(reader), "two");
});
