/** What the library needs of Deno's inside to use a connection by its handle alone: each test says what is gone, if one fails. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type BareReader, BareStream, is_bare } from "../../../internal/runtime/bare_stream.ts";
import { open_bare } from "../../../internal/runtime/deno_internals.ts";
import { detach } from "../../../server/sockets/stream_socket.ts";
import { bytes_of, pattern, read_to_end, same_bytes, text_of } from "../../fixtures/tools/bytes.ts";
import { accepted_pair, accepted_resettable_pair } from "../../fixtures/clients/pairs.ts";
import { is_pending, soon, until } from "../../fixtures/tools/waiting.ts";

/** More than the system takes at once, in bytes. */
const MUCH = 16 * 1_048_576;

/** Notes what it is told. */
class Notes implements BareReader {
  counts: number[] = [];
  has_ended = false;
  error: (Error & { code?: string }) | undefined;

  bytes_came(count: number): void {
    this.counts.push(count);
  }

  end_came(): void {
    this.has_ended = true;
  }

  error_came(error: Error): void {
    this.error = error;
  }
}

/** A connection over its handle, what it tells, where it reads into, and the other end. */
interface Bare extends Disposable {
  stream: BareStream;
  notes: Notes;
  buffer: Uint8Array;
  peer: Deno.Conn;
}

async function bare(size = 16): Promise<Bare> {
  const { socket, peer } = await accepted_pair();
  const { stream, notes, buffer } = stream_over(detach(socket)!.fd, size);
  const close = () => {
    stream.close();
    peer[Symbol.dispose]();
  };
  return { stream, notes, buffer, peer, [Symbol.dispose]: close };
}

function stream_over(fd: number, size: number): Pick<Bare, "stream" | "notes" | "buffer"> {
  const handle = open_bare(fd);
  assert(
    handle,
    "Pipe of pipe_wrap, or stream_wrap, is not as expected: all goes through node:net",
  );
  const notes = new Notes();
  const stream = new BareStream(handle, notes);
  const buffer = new Uint8Array(size);
  stream.read_into(buffer);
  stream.start();
  return { stream, notes, buffer };
}

/** Runs a test where there are such handles. */
function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `runtime: BareStream ${name}`, ignore: Deno.build.os === "windows", fn: run });
}

test("reads into the buffer that it was given last", async () => {
  using pair = await bare();
  await pair.peer.write(bytes_of("one"));
  await until(() => pair.notes.counts.length === 1);
  assertEquals(text_of(pair.buffer.subarray(0, 3)), "one", "useUserBuffer() has no effect");
  const other = new Uint8Array(8);
  pair.stream.read_into(other);
  await pair.peer.write(bytes_of("three"));
  await until(() => pair.notes.counts.length === 2);
  assertEquals(pair.notes.counts, [3, 5], "kReadBytesOrError is not what was read");
  assertEquals(text_of(other.subarray(0, 5)), "three");
  assertEquals(text_of(pair.buffer.subarray(0, 3)), "one");
});

test("reads nothing while it is stopped, and loses nothing", async () => {
  using pair = await bare(1);
  pair.notes.bytes_came = function (count) {
    this.counts.push(count);
    pair.stream.stop();
  };
  await pair.peer.write(bytes_of("ab"));
  await until(() => pair.notes.counts.length > 0);
  assert(await is_pending(until(() => pair.notes.counts.length > 1), 50), "readStop() is gone");
  assertEquals(text_of(pair.buffer), "a");
  pair.stream.start();
  await until(() => pair.notes.counts.length > 1);
  assertEquals(text_of(pair.buffer), "b");
});

test("tells the end of the input, and can still write", async () => {
  using pair = await bare();
  await pair.peer.closeWrite();
  await until(() => pair.notes.has_ended);
  assertEquals(pair.stream.write(bytes_of("reply")), undefined, "kLastWriteWasAsync is wrong");
  await soon(pair.stream.end());
  assertEquals(text_of(await read_to_end(pair.peer)), "reply", "shutdown() sends no FIN");
});

test("tells that the peer has reset the connection", async () => {
  const { socket, peer } = await accepted_resettable_pair();
  const { stream, notes } = stream_over(detach(socket)!.fd, 16);
  peer.resetAndDestroy();
  await until(() => notes.error !== undefined);
  assertEquals(notes.error?.code, "ECONNRESET");
  stream.close();
});

test("writes all, also to who has sent FIN", async () => {
  using pair = await bare();
  await pair.peer.closeWrite();
  const sent = pattern(MUCH);
  const writing = pair.stream.write(sent);
  assert(writing, "a write that goes on looks as if it were done");
  const ended = writing.then(() => pair.stream.end());
  assert(same_bytes(await read_to_end(pair.peer), sent));
  await soon(ended);
});

test("rejects a write that goes on when it is closed", async () => {
  using pair = await bare();
  const writing = pair.stream.write(new Uint8Array(MUCH))!;
  pair.stream.close();
  const error: Error & { code?: string } = await soon(assertRejects(() => writing, Error));
  assertEquals(error.code, "ECANCELED");
});

Deno.test("runtime: is_bare() knows a handle that cannot do all that is needed", () => {
  assert(!is_bare({}));
  assert(!is_bare({ readStart() {}, readStop() {}, useUserBuffer() {} }));
});
