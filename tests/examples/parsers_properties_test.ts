/** What the examples read of strangers: any bytes are understood, or refused as their protocols say. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { read_header, read_query, write_reply } from "../../examples/dns_message.ts";
import { parse } from "../../examples/http_request.ts";
import { words_of } from "../../examples/resp.ts";
import { BufferedReader } from "../../mod.ts";
import { bytes_of, concat } from "../fixtures/tools/bytes.ts";
import { changed, changes, runs, some_bytes } from "../fixtures/tools/fuzz.ts";
import { soon } from "../fixtures/tools/waiting.ts";

const labels = fc.array(some_bytes(63).filter((label) => label.length > 0), { maxLength: 3 });
const query = fc.record({ id: fc.nat(65_535), flags: fc.nat(0x7fff), labels, type: fc.nat(255) })
  .map(({ id, flags, labels, type }) => {
    const head = [id >> 8, id & 255, flags >> 8, flags & 255, 0, 1, 0, 0, 0, 0, 0, 0];
    const name = labels.flatMap((label) => [label.length, ...label]);
    return { id, labels, type, bytes: Uint8Array.from([...head, ...name, 0, 0, type, 0, 1]) };
  });

Deno.test("dns_message.ts: a query is read as it was meant", () => {
  fc.assert(
    fc.property(query, ({ id, labels, type, bytes }) => {
      const header = read_header(bytes)!;
      const read = read_query(bytes, header);
      assertEquals([header.id, read.type, read.class], [id, type, 1]);
      const text = labels.map((label) =>
        String.fromCharCode(...label).toLowerCase().replaceAll(".", "\\.")
      );
      assertEquals(read.name, text.join("."));
    }),
    runs(300),
  );
});

Deno.test("dns_message.ts: any datagram is a query, is malformed, or gets no answer", () => {
  const datagram = fc.oneof(
    fc.tuple(query, changes("\u0000\u00c0\u003f")).map(([{ bytes }, list]) => changed(bytes, list)),
    some_bytes(60),
  );
  fc.assert(
    fc.property(datagram, (bytes) => {
      const header = read_header(bytes);
      if (!header) return;
      try {
        const reply = write_reply(read_query(bytes, header), { rcode: 0 });
        assert(reply.length <= 512 && (reply[2]! & 0x80) !== 0);
      } catch (error) {
        assert(error instanceof RangeError, String(error));
      }
    }),
    runs(1000),
  );
});

const HEAD =
  "GET /a%20b?c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nRange: bytes=0-1\r\n\r\n";

Deno.test("http_request.ts: any head is a request, or is malformed", () => {
  const head = fc.oneof(
    changes("GET /:\r\n HTTP1.0%[]@#\t\u0000").map((list) => changed(bytes_of(HEAD), list)),
    some_bytes(60),
  );
  fc.assert(
    fc.property(head, (bytes) => {
      try {
        const { method, url, headers } = parse(bytes);
        assert(/^[!-~]+$/.test(method) && url instanceof URL && headers.has("connection"));
      } catch (error) {
        assert(error instanceof SyntaxError || error instanceof Deno.errors.InvalidData);
      }
    }),
    runs(1000),
  );
});

/** A command as clients send it. */
function command_of(words: Uint8Array[]): Uint8Array {
  const parts = words.flatMap((word) => [bytes_of(`$${word.length}\r\n`), word, bytes_of("\r\n")]);
  return [bytes_of(`*${words.length}\r\n`), ...parts].reduce(concat);
}

const command = fc.array(some_bytes(30), { minLength: 1, maxLength: 5 });

Deno.test("resp.ts: a command has the words that were sent", async () => {
  await fc.assert(
    fc.asyncProperty(command, async (words) => {
      const reader = new BufferedReader(command_of(words));
      const read = await words_of(await reader.readline(), reader);
      assertEquals(read, words.map((word) => String.fromCharCode(...word)));
    }),
    runs(300),
  );
});

Deno.test("resp.ts: any bytes are a command, or say why not", async () => {
  const said = fc.oneof(
    fc.tuple(command, changes("*$0123456789\r\n\"' ")).map(([words, list]) =>
      changed(command_of(words), list)
    ),
    some_bytes(60),
  );
  await fc.assert(
    fc.asyncProperty(said, async (bytes) => {
      const reader = new BufferedReader(bytes);
      try {
        const words = await soon(words_of(await reader.readline(), reader));
        assert(words.every((word) => typeof word === "string"));
      } catch (error) {
        const { InvalidData, UnexpectedEof } = Deno.errors;
        assert(error instanceof InvalidData || error instanceof UnexpectedEof, String(error));
      }
    }),
    runs(1000),
  );
});
