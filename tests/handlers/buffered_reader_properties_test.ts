/** A reader against a plain array of bytes: any calls, however the bytes come. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { BufferedReader } from "../../handlers/buffered_reader.ts";
import { connect, TRANSPORTS } from "../fixtures/clients/pairs.ts";
import { bytes_of, text_of, write_bytes } from "../fixtures/tools/bytes.ts";
import { runs, slow_runs } from "../fixtures/tools/fuzz.ts";
import { soon, turn } from "../fixtures/tools/waiting.ts";

/** A call of a reader. */
type Call =
  | { call: "read" | "read1" | "peek" | "readexactly"; size: number }
  | { call: "readline"; limit: number | undefined }
  | { call: "readuntil"; delimiter: string; limit: number }
  | { call: "next" };

const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(12) },
  { weight: 2, arbitrary: fc.nat(20_000) },
  { weight: 1, arbitrary: fc.constantFrom(-1, Infinity) },
);
const limit = fc.oneof(
  { weight: 4, arbitrary: fc.nat(12) },
  { weight: 2, arbitrary: fc.nat(20_000) },
);

const call: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ call: fc.constantFrom("read", "read1", "peek"), size }),
  fc.record({
    call: fc.constant("readexactly" as const),
    size: size.filter((size) => size >= 0 && size < Infinity),
  }),
  fc.record({ call: fc.constant("readline"), limit: fc.option(limit, { nil: undefined }) }),
  fc.record({
    call: fc.constant("readuntil"),
    delimiter: fc.constantFrom("\n", "\r\n", "\n\n", "aab", "ab", "aaaa"),
    limit,
  }),
  fc.constant({ call: "next" as const }),
) as fc.Arbitrary<Call>;

/** Few different bytes, so that what is looked for is there, begins and does not go on, and is cut. */
const piece = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.array(fc.constantFrom(..."aab\r\n"), { minLength: 1, maxLength: 9 })
      .map((letters) => letters.join("")),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      word: fc.constantFrom("a", "ab", "\n", "b\r", "aaab\n"),
      times: fc.integer({ min: 1, max: 3000 }),
    }).map(({ word, times }) => word.repeat(times)),
  },
);

/** What comes: pieces, and errors between them. */
const pieces = fc.array(
  fc.oneof({ weight: 9, arbitrary: piece }, { weight: 1, arbitrary: fc.constant(null) }),
  { maxLength: 12 },
);

/** Gives pieces as they come; in the place of `null` it fails. */
class Pieces {
  /** How much it has given, how often it was asked, and how often it has failed. */
  given = 0;
  asked = 0;
  failures: Error[] = [];
  #left: (Uint8Array | null)[];

  constructor(all: (string | null)[]) {
    this.#left = all.map((piece) => piece === null ? null : bytes_of(piece));
  }

  read(p: Uint8Array): Promise<number | null> {
    this.asked++;
    const next = this.#left.shift();
    if (next === undefined) return Promise.resolve(null);
    if (next === null) {
      this.failures.push(new Error(`failure ${this.failures.length}`));
      return Promise.reject(this.failures.at(-1));
    }
    const part = next.subarray(0, p.length);
    p.set(part);
    if (part.length < next.length) this.#left.unshift(next.subarray(part.length));
    this.given += part.length;
    return Promise.resolve(part.length);
  }
}

/** What a call must give, unless that depends on the pieces: the class of an error, or text. */
type Outcome = string | typeof Deno.errors.InvalidData | typeof Deno.errors.UnexpectedEof;

/** What it gives for what is left, and nothing more comes. */
function outcome_of(call: Call, left: string): Outcome {
  switch (call.call) {
    case "read":
    case "read1":
    case "peek":
      return left.slice(0, call.size < 0 ? left.length : call.size);
    case "readexactly":
      return left.length < call.size ? Deno.errors.UnexpectedEof : left.slice(0, call.size);
    case "next":
      return line_of(left, "\n", 65_536) ?? left;
    case "readline":
      return line_of(left, "\n", call.limit ?? 65_536) ?? left;
    case "readuntil":
      return line_of(left, call.delimiter, call.limit) ?? Deno.errors.UnexpectedEof;
  }
}

/** What ends with a delimiter; `undefined` if the input ends before, and within the limit. */
function line_of(left: string, delimiter: string, limit: number): Outcome | undefined {
  const at = left.indexOf(delimiter);
  const length = at < 0 ? left.length : at + delimiter.length;
  if (length > limit) return Deno.errors.InvalidData;
  return at < 0 ? undefined : left.slice(0, length);
}

/** How far a call may look, without a buffer, from where it begins. */
function reach_of(call: Call, left: string): number {
  const outcome = outcome_of(call, left);
  if (call.call === "peek") return call.size < 0 ? 1 : call.size;
  if (typeof outcome === "string") return outcome.length;
  return outcome === Deno.errors.UnexpectedEof
    ? left.length
    : (call as { limit: number }).limit + 1;
}

function make_call(
  reader: BufferedReader,
  call: Call,
  deadline: number | null | undefined,
): Promise<Uint8Array> {
  switch (call.call) {
    case "read":
      return reader.read(call.size);
    case "read1":
      return reader.read1(call.size);
    case "peek":
      return reader.peek(call.size);
    case "readexactly":
      return reader.readexactly(call.size, deadline);
    case "readline":
      return reader.readline(call.limit, deadline);
    case "readuntil":
      return reader.readuntil(call.delimiter, call.limit, deadline);
    case "next":
      return reader[Symbol.asyncIterator]().next().then(({ done, value }) => {
        assert(!done || value === undefined);
        return done ? new Uint8Array(0) : value;
      });
  }
}

/** A call, again after each failure of the source: nothing is lost by that. */
async function outcome_at(
  reader: BufferedReader,
  call: Call,
  deadline: number | null | undefined,
  source: Pieces | undefined,
): Promise<Uint8Array | Error> {
  for (;;) {
    const failures = source?.failures.length;
    try {
      return await soon(make_call(reader, call, deadline));
    } catch (error) {
      if (failures === source?.failures.length) return error as Error;
      assertEquals(error, source!.failures.at(-1));
    }
  }
}

/** Makes calls, and looks at what each gives. */
async function check_calls(
  reader: BufferedReader,
  whole: string,
  calls: Call[],
  deadline: number | null | undefined,
  source: Pieces | undefined,
  bufsize: number,
): Promise<void> {
  let [at, reached] = [0, 0];
  const kept: [bytes: Uint8Array, text: string][] = [];
  for (const [number, call] of calls.entries()) {
    const left = whole.slice(at);
    const [given, asked] = [source?.given ?? 0, source?.asked ?? 0];
    const outcome = await outcome_at(reader, call, deadline, source);
    const wanted = outcome_of(call, left);
    const where = `call ${number}, ${JSON.stringify(call)}, at ${at}`;
    reached = Math.max(reached, at + reach_of(call, left));
    if (typeof wanted !== "string") {
      assertInstanceOf(outcome, wanted, where);
      assert(outcome instanceof Error && outcome.message.length > 10);
    } else {
      assertInstanceOf(outcome, Uint8Array, `${where}: ${outcome}`);
      const text = text_of(outcome);
      if (call.call === "read1" || call.call === "peek") {
        assert(wanted.startsWith(text) && (text !== "" || wanted === ""), where);
        if (source && given > at) {
          // What is there is enough, and all of it is given.
          assertEquals([text.length, source.asked], [Math.min(given - at, wanted.length), asked]);
        }
      } else {
        assertEquals(text, wanted, where);
      }
      if (call.call !== "peek") at += text.length;
      // They are the caller's, to keep or to change.
      if (number % 2 === 0) outcome.fill(7);
      else kept.push([outcome, text]);
    }
    if (bufsize === 0 && source) assert(source.given <= reached, `${where}: it has read too far`);
  }
  for (const [bytes, text] of kept) assertEquals(text_of(bytes), text);
}

const deadline = fc.constantFrom(undefined, null, 60_000);
const bufsize = fc.oneof(fc.constantFrom(-1, 0, 1, 2), fc.integer({ min: 3, max: 70_000 }));

/** At least one call, and one that shows whether all has come. */
const calls = fc.array(call, { maxLength: 20 }).map((calls): Call[] => [
  ...calls,
  { call: "read", size: -1 },
]);

Deno.test("BufferedReader gives what a plain array would, however the bytes come", async () => {
  await fc.assert(
    fc.asyncProperty(pieces, calls, bufsize, deadline, async (all, calls, bufsize, deadline) => {
      const source = new Pieces(all);
      const reader = new BufferedReader(source, bufsize, deadline);
      await check_calls(reader, all.join(""), calls, undefined, source, bufsize);
    }),
    runs(400),
  );
});

Deno.test("BufferedReader gives what a plain array would, of bytes that are there", async () => {
  await fc.assert(
    fc.asyncProperty(pieces, calls, bufsize, async (all, calls, bufsize) => {
      const whole = all.join("");
      const reader = new BufferedReader(bytes_of(whole), bufsize);
      await check_calls(reader, whole, calls, undefined, undefined, bufsize);
      assertEquals(bytes_of(whole), bytes_of(all.join("")));
    }),
    runs(300),
  );
});

for (const transport of TRANSPORTS) {
  Deno.test(`BufferedReader gives what a plain array would, of a connection (${transport.name})`, async () => {
    await fc.assert(
      fc.asyncProperty(pieces, calls, bufsize, deadline, async (all, calls, bufsize, deadline) => {
        using pair = await connect(transport);
        const texts = all.filter((piece) => piece !== null);
        const writing = (async () => {
          for (const text of texts) {
            await write_bytes(pair.peer, bytes_of(text));
            await turn();
          }
          await pair.peer.closeWrite();
        })();
        const reader = new BufferedReader(pair.socket, bufsize);
        await check_calls(reader, texts.join(""), calls, deadline, undefined, bufsize);
        await writing;
      }),
      slow_runs(40),
    );
  });
}

Deno.test("BufferedReader refuses sizes and limits that are none, and loses nothing by that", async () => {
  const odd = fc.oneof(
    fc.double().filter((number) => !Number.isInteger(number) && number !== Infinity),
    fc.constantFrom("5", {}, [], true, 1n),
  ) as fc.Arbitrary<number>;
  await fc.assert(
    fc.asyncProperty(odd, fc.boolean(), async (odd, is_there) => {
      const source = is_there ? bytes_of("line\n") : new Pieces(["li", "ne\n"]);
      const reader = new BufferedReader(source);
      const calls = [
        () => reader.readexactly(odd),
        () => reader.readline({ limit: odd }),
        () => reader.readuntil("\n", { limit: odd }),
        // A negative size means all.
        ...(Number(odd) < 0 ? [] : [() => reader.read(odd)]),
      ];
      for (const call of calls) {
        const error = await (async () => await call())().catch((error) => error);
        assert(error instanceof RangeError || error instanceof TypeError, String(error));
      }
      assertEquals(text_of(await reader.readline()), "line\n");
    }),
    { ...runs(200), examples: [[NaN, true], [1.5, false]] },
  );
});
