/** A writer under any order of calls: all that it took arrives, once and in order, or somebody is told. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BufferedWriter, type ByteSink } from "../../handlers/buffered_writer.ts";
import { connect, TRANSPORTS } from "../fixtures/clients/pairs.ts";
import { bytes_of, read_to_end, text_of } from "../fixtures/tools/bytes.ts";
import { runs, slow_runs } from "../fixtures/tools/fuzz.ts";
import { soon, turn } from "../fixtures/tools/waiting.ts";

/** What is done with a writer, and with what it writes to. */
interface Step {
  what: "write" | "offer" | "flush" | "take" | "fail" | "turn" | "rest";
  /** Whether the call is waited for, as far as that ends by itself. */
  is_awaited: boolean;
  /** Whether bytes are written, and not text; they are changed as soon as that may be. */
  as_bytes: boolean;
  /** How long what is written is. */
  length: number;
}

/** Steps; those that fail have to be asked for. */
function steps(more: Step["what"][]): fc.Arbitrary<Step[]> {
  return fc.array(
    fc.record<Step>({
      what: fc.constantFrom("write", "write", "write", "offer", "offer", "flush", "turn", ...more),
      is_awaited: fc.boolean(),
      as_bytes: fc.boolean(),
      length: fc.oneof(
        { weight: 6, arbitrary: fc.nat(12) },
        { weight: 1, arbitrary: fc.nat(20_000) },
      ),
    }),
    { maxLength: 30 },
  );
}

const bufsize = fc.constantFrom(0, -1, 1, 7, 100, 8192, Infinity);
const high_water = fc.constantFrom(0, 5, 100, 65_536);

/** What is written as the n-th: its number shows whether it is lost, doubled or out of order. */
function text_at(number: number, length: number): string {
  return `<${number}:${"é".repeat(length % 7)}${"x".repeat(length)}>`;
}

/** The numbers of what has arrived, all of it whole. */
function numbers_in(text: string): number[] {
  const parts = text.match(/<\d+:[éx]*>/g) ?? [];
  assertEquals(parts.join("").length, text.length, "Something is cut");
  return parts.map((part) => Number(/\d+/.exec(part)));
}

/** Takes what is sent when it is told to, and not before; or fails. */
class SteeredSink implements ByteSink {
  /** All that it was given, and what it has taken of that. */
  given = "";
  taken = "";
  /** The errors of what it has not taken, and the text of each. */
  readonly failures = new Map<Error, string>();
  /** What waits to be taken. */
  readonly waiting: { text: string; end: PromiseWithResolvers<void> }[] = [];
  is_open = false;

  sendall(data: Uint8Array): Promise<void> {
    const text = text_of(data);
    this.given += text;
    const end = Promise.withResolvers<void>();
    this.waiting.push({ text, end });
    if (this.is_open) this.take();
    return end.promise;
  }

  take(): void {
    const sent = this.waiting.shift();
    this.taken += sent?.text ?? "";
    sent?.end.resolve();
  }

  fail(): void {
    const sent = this.waiting.shift();
    if (!sent) return;
    const error = new Error(`failure ${this.failures.size}`);
    this.failures.set(error, sent.text);
    sent.end.reject(error);
  }

  /** Takes all, also what comes later. */
  open(): void {
    this.is_open = true;
    while (this.waiting.length > 0) this.take();
  }
}

/** Makes the steps, and notes how each call ends. */
class Steps {
  readonly writer: BufferedWriter;
  #sink: SteeredSink;
  /** What was taken at once: the numbers, in their order. */
  accepted: number[] = [];
  /** What was refused: offers, and writes that heard of an earlier failure. */
  refused: number[] = [];
  /** The errors that were told. */
  told = new Set<unknown>();
  /** Of writes that resolved. */
  resolved: number[] = [];
  /** How many bytes were accepted. */
  #bytes = 0;
  #calls: Promise<unknown>[] = [];

  constructor(sink: SteeredSink, bufsize: number, high_water: number) {
    this.#sink = sink;
    this.writer = new BufferedWriter(sink, bufsize);
    this.writer.high_water = high_water;
  }

  async make({ what, is_awaited, as_bytes, length }: Step, number: number): Promise<void> {
    const text = text_at(number, length);
    const data = as_bytes ? bytes_of(text) : text;
    const size = bytes_of(text).length;
    switch (what) {
      case "write": {
        const writing = this.writer.write(data).then((count) => {
          assertEquals(count, size);
          this.resolved.push(number);
          if (typeof data !== "string") data.fill(33);
        });
        this.accepted.push(number);
        this.#bytes += size;
        this.#note(writing);
        break;
      }
      case "offer": {
        await turn();
        const waits = this.#bytes - bytes_of(this.#sink.taken).length;
        const has_failed = this.#sink.failures.size > 0;
        const is_taken = this.writer.offer(data);
        if (!has_failed) assertEquals(is_taken, waits <= this.writer.high_water);
        if (is_taken) {
          this.accepted.push(number);
          this.#bytes += size;
          if (typeof data !== "string") data.fill(33);
        } else {
          this.refused.push(number);
        }
        break;
      }
      case "flush":
        this.#note(this.writer.flush());
        break;
      case "take":
        this.#sink.take();
        break;
      case "fail":
        this.#sink.fail();
        break;
      case "turn":
        await turn();
        break;
      case "rest":
        this.#sink.open();
    }
    if (is_awaited && this.#sink.is_open) await this.ended();
  }

  /** Resolves when all calls have ended. */
  async ended(): Promise<void> {
    await soon(Promise.all(this.#calls));
    this.#calls = [];
  }

  #note(call: Promise<unknown>): void {
    this.#calls.push(call.catch((error: unknown) => void this.told.add(error)));
  }
}

Deno.test("BufferedWriter: all that it took arrives, once and in order, and goes by itself", async () => {
  const property = fc.asyncProperty(
    steps(["take", "rest"]),
    bufsize,
    high_water,
    async (list, bufsize, high_water) => {
      const sink = new SteeredSink();
      const steps = new Steps(sink, bufsize, high_water);
      for (const [number, step] of list.entries()) await steps.make(step, number);
      sink.open();
      if (bufsize === Infinity) await soon(steps.writer.flush());
      else for (let turns = 0; turns < 3; turns++) await turn();
      assertEquals(numbers_in(sink.taken), steps.accepted);
      await steps.ended();
      assertEquals(steps.told.size, 0);
      assertEquals(sink.given, sink.taken);
    },
  );
  await fc.assert(property, runs(150));
});

Deno.test("BufferedWriter.flush() resolves when all that was written before is taken, and writes without a buffer", async () => {
  const property = fc.asyncProperty(
    steps(["take"]),
    bufsize,
    fc.nat(20),
    async (list, bufsize, length) => {
      const sink = new SteeredSink();
      const steps = new Steps(sink, bufsize, Infinity);
      for (const [number, step] of list.entries()) await steps.make(step, number);
      const last = list.length;
      const writing = bufsize === 0 ? steps.writer.write(text_at(last, length)) : undefined;
      const flushing = steps.writer.flush();
      const wanted = [...steps.accepted, ...(writing ? [last] : [])];
      const check = () => assertEquals(numbers_in(sink.taken), wanted);
      let is_over = false;
      const checked = Promise.all([writing?.then(check), flushing.then(check)])
        .finally(() => is_over = true);
      while (!is_over) {
        sink.take();
        await turn();
      }
      await checked;
      await steps.ended();
    },
  );
  await fc.assert(property, runs(150));
});

Deno.test("BufferedWriter: what fails is told, and nothing else of it is lost, doubled or out of order", async () => {
  const property = fc.asyncProperty(
    steps(["take", "fail", "fail", "rest"]),
    bufsize,
    high_water,
    async (list, bufsize, high_water) => {
      const sink = new SteeredSink();
      const steps = new Steps(sink, bufsize, high_water);
      for (const [number, step] of list.entries()) await steps.make(step, number);
      sink.open();
      for (let turns = 0; turns < 3; turns++) await turn();
      // Who asks at the end is told of what nobody has heard of; what was refused stays away.
      await soon(steps.writer.flush()).catch((error) => steps.told.add(error));
      await soon(steps.writer.flush());
      await steps.ended();
      const given = numbers_in(sink.given);
      assertEquals(given, given.toSorted((a, b) => a - b));
      assertEquals(new Set(given).size, given.length);
      for (const number of steps.refused) assert(!given.includes(number), `${number} was refused`);
      const failed = new Set([...sink.failures.values()].flatMap(numbers_in));
      for (const number of steps.accepted) {
        const is_there = given.includes(number);
        // One that is not there has heard of an earlier failure in place of its own outcome.
        assert(is_there || !steps.resolved.includes(number), `${number} is lost`);
        if (bufsize === 0 && steps.resolved.includes(number) && is_there) {
          const collected = list.some(({ what }) => what === "offer");
          assert(!failed.has(number) || collected, `${number} has failed, and resolved`);
        }
      }
      for (const error of steps.told) assert(sink.failures.has(error as Error), String(error));
      if (sink.failures.size > 0) assert(steps.told.size > 0, "Nobody was told");
    },
  );
  await fc.assert(property, runs(150));
});

for (const transport of TRANSPORTS) {
  Deno.test(`BufferedWriter: what arrives is what was written (${transport.name})`, async () => {
    const property = fc.asyncProperty(
      steps([]),
      bufsize,
      fc.boolean(),
      async (list, bufsize, ends_by_flush) => {
        using pair = await connect(transport);
        const writer = new BufferedWriter(pair.socket, bufsize);
        const reading = read_to_end(pair.peer);
        const writes: Promise<unknown>[] = [];
        const wanted: number[] = [];
        for (const [number, { what, is_awaited, as_bytes, length }] of list.entries()) {
          const text = text_at(number, length * 3);
          const data = as_bytes ? bytes_of(text) : text;
          if (what === "write") writes.push(writer.write(data));
          else if (what === "flush") writes.push(writer.flush());
          else if (what === "turn") await turn();
          if (what === "write" || (what === "offer" && writer.offer(data))) wanted.push(number);
          if (is_awaited) await soon(Promise.all(writes));
        }
        if (ends_by_flush || bufsize === Infinity) writes.push(writer.flush());
        else await turn();
        await soon(Promise.all(writes));
        await soon(pair.socket.closeWrite());
        assertEquals(numbers_in(text_of(await reading)), wanted);
      },
    );
    await fc.assert(property, slow_runs(40));
  });
}
