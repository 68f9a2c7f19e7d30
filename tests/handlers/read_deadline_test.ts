/** The deadline of a whole line or block, over every kind of connection. */
import { assertEquals, assertGreaterOrEqual, assertRejects, assertThrows } from "@std/assert";
import { BufferedReader } from "../../handlers/buffered_reader.ts";
import { StreamRequestHandler } from "../../handlers/stream_request_handler.ts";
import { fake_request } from "../../server/sockets/fake_request.ts";
import { type Pair, test_each } from "../fixtures/clients/pairs.ts";
import { bytes_of, text_of } from "../fixtures/tools/bytes.ts";
import { is_pending, soon } from "../fixtures/tools/waiting.ts";

const { TimedOut } = Deno.errors;
/** A deadline, in ms, that bytes which are sent at once need not fear. */
const LONG = 60_000;
const SHORT = 50;

/** A reader of a pair's socket: of the socket itself, or of it as of any other connection. */
const READERS: Record<string, (pair: Pair, deadline?: number | null) => BufferedReader> = {
  "its own socket": ({ socket }, deadline = null) => new BufferedReader(socket, -1, deadline),
  "any connection": ({ socket }, deadline = null) =>
    new BufferedReader({ read: (bytes) => socket.read(bytes) }, -1, deadline),
};

/** What reads a line or a block. */
const READS: Record<string, (reader: BufferedReader) => Promise<Uint8Array>> = {
  readline: (reader) => reader.readline(),
  readuntil: (reader) => reader.readuntil("\r\n"),
  readexactly: (reader) => reader.readexactly(1000),
  "for await": async (reader) => (await reader[Symbol.asyncIterator]().next()).value!,
};

/** Sends a byte again and again, as long as a read waits; gives how many. */
async function drip(peer: Deno.Conn, reading: Promise<unknown>): Promise<number> {
  let count = 0;
  do await peer.write(bytes_of("x")); while (++count < 200 && await is_pending(reading, SHORT / 5));
  return count;
}

for (const [kind, reader_of] of Object.entries(READERS)) {
  for (const [name, read] of Object.entries(READS)) {
    test_each(`read_deadline ends ${name} of who drips, on ${kind}`, async (pair) => {
      const reader = reader_of(pair, SHORT);
      let all = 0;
      for (let round = 0; round < 2; round++) {
        const start = performance.now();
        const reading = assertRejects(() => read(reader), TimedOut, `${SHORT} ms`);
        all += await drip(pair.peer, reading);
        await soon(reading);
        assertGreaterOrEqual(performance.now() - start, SHORT - 1);
      }
      // Nothing is lost, neither what had come nor what the read that was given up brought later.
      await pair.peer.write(bytes_of("\r\n"));
      assertEquals(text_of(await soon(reader.readline(LONG, null))), `${"x".repeat(all)}\r\n`);
    });
  }

  test_each(`read_deadline lets a client pause between two lines, on ${kind}`, async (pair) => {
    const reader = reader_of(pair, SHORT);
    for (let count = 0; count < 2; count++) {
      const line = reader.readline();
      assertEquals(await is_pending(line, SHORT * 2), true);
      await pair.peer.write(bytes_of("line\n"));
      assertEquals(text_of(await soon(line)), "line\n");
    }
  });

  test_each(`read_deadline is no clock of what is there at once, on ${kind}`, async (pair) => {
    const reader = reader_of(pair, 0);
    await pair.peer.write(bytes_of("one\ntwo\nblock"));
    assertEquals(text_of(await soon(reader.readline())), "one\n");
    assertEquals(text_of(await soon(reader.readline())), "two\n");
    assertEquals(text_of(await soon(reader.readexactly(5))), "block");
  });

  test_each(`read_deadline: the argument of a call wins, on ${kind}`, async (pair) => {
    const reader = reader_of(pair, LONG);
    await pair.peer.write(bytes_of("x"));
    const late: (() => Promise<Uint8Array>)[] = [
      () => reader.readline(10, SHORT),
      () => reader.readline({ read_deadline: SHORT }),
      () => reader.readuntil("\n", 10, SHORT),
      () => reader.readuntil("\n", { read_deadline: SHORT }),
      () => reader.readexactly(10, SHORT),
      () => reader.readexactly(10, { read_deadline: SHORT }),
    ];
    for (const read of late) await soon(assertRejects(read, TimedOut, `${SHORT} ms`));
    await assertRejects(() => reader.readline({ limit: 0 }), Deno.errors.InvalidData, "0 bytes");
  });

  test_each(`read_deadline: null as an argument switches it off, on ${kind}`, async (pair) => {
    const reader = reader_of(pair, 0);
    for (const read of [() => reader.readline(10, null), () => reader.readexactly(2, null)]) {
      await pair.peer.write(bytes_of("a"));
      const reading = read();
      assertEquals(await is_pending(reading, SHORT), true);
      await pair.peer.write(bytes_of("\n"));
      assertEquals(text_of(await soon(reading)), "a\n");
    }
  });

  test_each(`read_deadline keeps the end that comes too late, on ${kind}`, async (pair) => {
    const reader = reader_of(pair, 10);
    await pair.peer.write(bytes_of("half"));
    await soon(assertRejects(() => reader.readline(), TimedOut));
    await pair.peer.closeWrite();
    assertEquals(text_of(await soon(reader.readline(10, null))), "half");
  });
}

Deno.test("read_deadline refuses what is no time", () => {
  const reader = new BufferedReader(bytes_of("line\n"));
  for (const deadline of [-1, NaN, "1"] as number[]) {
    const message = `read_deadline of ${Deno.inspect(deadline)} ms`;
    assertThrows(
      () => new BufferedReader(bytes_of(""), -1, deadline),
      RangeError,
      message,
    );
    assertThrows(() => reader.readline(10, deadline), RangeError, message);
    assertThrows(() => reader.readline({ read_deadline: deadline }), RangeError, message);
  }
  assertThrows(() => reader.readline({ deadline: 1 } as never), TypeError, '"deadline"');
});

Deno.test("read_deadline takes what is longer than a timer", async () => {
  const reader = new BufferedReader({ read: () => new Promise(() => {}) }, -1, 2 ** 31);
  assertEquals(await is_pending(reader.readline(), 20), true);
});

Deno.test("StreamRequestHandler.read_deadline is that of rfile", async () => {
  class Handler extends StreamRequestHandler {
    static override read_deadline: number | null = 50;
    override async handle(): Promise<void> {
      for await (const line of this.rfile) await this.wfile.write(line);
    }
  }
  const run = async () => {
    const request = fake_request("one\ntwo\n", { chunk_size: 1 });
    await new Handler(request, request.remoteAddr, {} as never).run();
    return text_of(request.sent);
  };
  assertEquals(await run(), "one\ntwo\n");
  Handler.read_deadline = -1;
  await assertRejects(run, RangeError, "read_deadline of -1 ms");
});
