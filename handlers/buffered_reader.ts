import { client_fault } from "../internal/runtime/client_fault.ts";
import { check_time } from "../server/sockets/check_time.ts";
import { bufsize_of } from "./bufsize.ts";
import { InputBuffer } from "./input_buffer.ts";
import {
  check_block,
  check_size,
  deadline_of,
  limit_of,
  MAX_BLOCK,
  type ReadBounds,
} from "./read_bounds.ts";
import { ReadClock } from "./read_clock.ts";
import { NO_SOURCE, reader_source_of, type ReaderSource } from "./reader_source.ts";

/** How much is asked of the source at once unless told otherwise, in bytes. */
const DEFAULT_SIZE = 65_536;

const NEWLINE = new Uint8Array([10]);

/**
 * Reads lines and blocks from a connection: the `rfile` of stream handlers, after Python's
 * `io.BufferedReader`, with the bounds and the `readexactly` and `readuntil` of asyncio's
 * `StreamReader`.
 *
 * What it gives is the caller's to keep and to change; as in Node.js, arrays of one reader may share their
 * memory (4 KiB at the most), so `slice()` one before its `buffer` is transferred.
 *
 * Nothing is lost when a read fails, by a timeout for example: what had come is still there for the
 * next one.
 *
 * A **`read_deadline`** bounds a whole `readline`, `readuntil` or `readexactly`, and each line of
 * `for await`, however the bytes drip in. Its clock runs from the first byte of the line or block: from
 * the call where that is there already. So a client may pause between two lines, which the socket's
 * timeout bounds, and not within one.
 *
 * @example A line with a size, then a block
 * ```ts
 * import { StreamRequestHandler } from "@socketserver/socketserver";
 *
 * class BlockHandler extends StreamRequestHandler {
 *   static override timeout = 30_000;
 *   static override read_deadline = 10_000;
 *
 *   override async handle(): Promise<void> {
 *     const header = new TextDecoder().decode(await this.rfile.readline(16));
 *     const size = Number(header);
 *     // What a client says is checked: `Number("Infinity")` is a number, too.
 *     if (!/^\d+\n$/.test(header) || size > 65_536) return void await this.wfile.write("No size\n");
 *     const block = await this.rfile.readexactly(size);
 *     await this.wfile.write(`${block.length} bytes\n`);
 *   }
 * }
 * ```
 *
 * @example Bytes that are there
 * ```ts
 * import { BufferedReader } from "@socketserver/socketserver";
 *
 * const reader = new BufferedReader(new TextEncoder().encode("5\nhelloone\ntwo\n"));
 * const length = Number(new TextDecoder().decode(await reader.readline()));
 * console.log(new TextDecoder().decode(await reader.readexactly(length))); // hello
 * for await (const line of reader) console.log(line.length); // 4, 4
 * ```
 */
export class BufferedReader {
  #source: ReaderSource;
  #bufsize: number;
  #read_deadline: number | null;
  #buffer: InputBuffer;

  /**
   * Reads from a connection, or bytes that are there already.
   *
   * @param source Where the bytes come from: a {@linkcode StreamSocket} or any `Deno.Conn`; or the
   * bytes, as of a datagram (Python's `io.BytesIO`).
   * @param bufsize How many bytes to ask of the source at once: 65,536 where it is negative, as
   * Python's default is; with 0 it never reads further than it is asked to.
   * @param read_deadline How long each `readline`, `readuntil` and `readexactly` may take from its
   * first byte on, in ms, unless it is told otherwise; `null`, the default, means for ever.
   * @throws {RangeError} If the size is not a whole number up to 4 GiB, or the deadline is negative or not a
   * number.
   */
  constructor(
    source: Pick<Deno.Conn, "read"> | Uint8Array,
    bufsize = -1,
    read_deadline: number | null = null,
  ) {
    this.#bufsize = bufsize_of(bufsize, DEFAULT_SIZE, MAX_BLOCK);
    this.#read_deadline = check_time("read_deadline", read_deadline);
    const there = source instanceof Uint8Array;
    const buffer = this.#buffer = new InputBuffer(there ? source : undefined);
    this.#source = there ? NO_SOURCE : reader_source_of(source, buffer);
  }

  /**
   * Reads a line with its `\n`. The last line may lack it.
   *
   * @param limit The most bytes of a line, its end included; 65,536 unless told.
   * @param read_deadline How long it may take from its first byte on, in ms; `null` means for ever. Unless
   * told, it is the reader's.
   * @returns The line, an empty array at the end of the input.
   * @throws {Deno.errors.InvalidData} If the line is longer than `limit`. It stays unread.
   * @throws {Deno.errors.TimedOut} If nothing came within the socket's timeout, or the line was not
   * whole within its deadline. What came stays unread.
   * @throws {RangeError} If the limit is not a whole number from 0, or the deadline no time.
   */
  readline(limit?: number, read_deadline?: number | null): Promise<Uint8Array>;
  /** The same with names. */
  readline(bounds: ReadBounds): Promise<Uint8Array>;
  readline(first?: number | ReadBounds, second?: number | null): Promise<Uint8Array> {
    const limit = limit_of(first);
    const deadline = deadline_of(typeof first === "object" ? first : second, this.#read_deadline);
    const length = this.#buffer.index_of(NEWLINE, 0) + 1;
    if (length > 0 && length <= limit) return Promise.resolve(this.#buffer.take(length));
    return this.#read_until(NEWLINE, limit, deadline, () => this.#buffer.take(this.#buffer.length));
  }

  /**
   * Reads a given number of bytes, or all to the end.
   *
   * @param size The number of bytes; negative, as it is unless told, means all.
   * @returns The bytes: fewer than `size` only at the end of the input.
   * @throws {Deno.errors.TimedOut} If nothing came within the socket's timeout.
   * @throws {RangeError} If the size or the limit is not a whole number from 0.
   */
  async read(size = -1): Promise<Uint8Array> {
    const wanted = size < 0 ? Infinity : check_size(size);
    let open = true;
    while (open && this.#buffer.length < wanted) {
      open = await this.#more(wanted - this.#buffer.length);
    }
    return this.#buffer.take(Math.min(wanted, this.#buffer.length));
  }

  /**
   * Reads what is there: what has come already or, where nothing has, what one read of the source
   * gives. After `read1` of Python's `io.BufferedReader`.
   *
   * @param size The most bytes to read; negative, as it is unless told, means all that are there. 0
   * reads nothing.
   * @returns At least one byte, and an empty array only at the end of the input or for a `size` of 0.
   * @throws {Deno.errors.TimedOut} If nothing came within the socket's timeout.
   * @throws {RangeError} If the size is not a whole number.
   */
  async read1(size = -1): Promise<Uint8Array> {
    const most = size < 0 ? Infinity : check_size(size);
    if (this.#buffer.length === 0 && most > 0) await this.#more(most);
    return this.#buffer.take(Math.min(most, this.#buffer.length));
  }

  /**
   * Reads exactly `n` bytes. Memory grows as they come: check an `n` that a client has sent.
   *
   * @param n The number of bytes, at most 4 GiB.
   * @param read_deadline How long it may take from the first byte on, in ms; `null` means for ever. Unless
   * told, it is the reader's.
   * @throws {Deno.errors.UnexpectedEof} If the input ends before. What came stays unread.
   * @throws {Deno.errors.TimedOut} If nothing came within the socket's timeout, or not all within the
   * deadline. What came stays unread.
   * @throws {RangeError} If `n` is not a whole number from 0 to 4 GiB, or the deadline no time.
   */
  readexactly(n: number, read_deadline?: number | null): Promise<Uint8Array>;
  /** The same with a name. */
  readexactly(n: number, bounds: Pick<ReadBounds, "read_deadline">): Promise<Uint8Array>;
  async readexactly(n: number, given?: ReadBounds | number | null): Promise<Uint8Array> {
    check_block(n);
    const clock = this.#clock(deadline_of(given, this.#read_deadline));
    try {
      while (this.#buffer.length < n) {
        if (await this.#more(n - this.#buffer.length, clock)) continue;
        const message = `The input ended after ${this.#buffer.length} of ${n} bytes`;
        throw new Deno.errors.UnexpectedEof(message);
      }
      return this.#buffer.take(n);
    } finally {
      clock?.end();
    }
  }

  /**
   * Reads up to a delimiter and with it.
   *
   * @param delimiter The bytes, or text in UTF-8, that end the block.
   * @param limit The most bytes of a block, its delimiter included; 65,536 unless told.
   * @param read_deadline How long it may take from its first byte on, in ms; `null` means for ever. Unless
   * told, it is the reader's.
   * @throws {Deno.errors.InvalidData} If the block is longer than `limit`. It stays unread.
   * @throws {Deno.errors.UnexpectedEof} If the input ends before. What came stays unread.
   * @throws {Deno.errors.TimedOut} If nothing came within the socket's timeout, or the block was not
   * whole within its deadline. What came stays unread.
   * @throws {RangeError} If the delimiter is empty, the limit not a whole number from 0, or the deadline
   * no time.
   */
  readuntil(
    delimiter: Uint8Array | string,
    limit?: number,
    read_deadline?: number | null,
  ): Promise<Uint8Array>;
  /** The same with names. */
  readuntil(delimiter: Uint8Array | string, bounds: ReadBounds): Promise<Uint8Array>;
  async readuntil(
    delimiter: Uint8Array | string,
    first?: number | ReadBounds,
    second?: number | null,
  ): Promise<Uint8Array> {
    const limit = limit_of(first);
    const deadline = deadline_of(typeof first === "object" ? first : second, this.#read_deadline);
    const bytes = typeof delimiter === "string" ? new TextEncoder().encode(delimiter) : delimiter;
    if (bytes.length === 0) throw new RangeError("Cannot read until an empty delimiter");
    return await this.#read_until(bytes, limit, deadline, () => {
      const message = `The input ended after ${this.#buffer.length} bytes, before the delimiter`;
      throw new Deno.errors.UnexpectedEof(message);
    });
  }

  /**
   * Shows what comes next, and leaves it there: what has come already or, where nothing has, what one
   * read of the source gives. After `peek` of Python's `io.BufferedReader`, for which `size` is a hint.
   *
   * @param size The most bytes to show, and to copy; negative, as it is unless told, means all that
   * are there. 0 shows nothing and reads nothing.
   * @returns At least one byte, and an empty array only at the end of the input or for a `size` of 0.
   * @throws {Deno.errors.TimedOut} If nothing came within the socket's timeout.
   * @throws {RangeError} If the size is not a whole number.
   */
  async peek(size = -1): Promise<Uint8Array> {
    const most = size < 0 ? Infinity : check_size(size);
    // Without a buffer, what need not be read stays where it is.
    if (this.#buffer.length === 0 && most > 0) await this.#more(size < 0 ? 1 : most);
    return this.#buffer.show(most);
  }

  /** The lines to the end of the input, each with its `\n`; bounded as {@linkcode readline} is. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    const lines: AsyncIterableIterator<Uint8Array> = {
      next: () => this.readline().then(step_of),
      [Symbol.asyncIterator]: () => lines,
    };
    return lines;
  }

  async #read_until(
    delimiter: Uint8Array,
    limit: number,
    deadline: number | null,
    at_end: () => Uint8Array,
  ): Promise<Uint8Array> {
    const clock = this.#clock(deadline);
    try {
      for (let scanned = 0;;) {
        const found = this.#buffer.index_of(delimiter, scanned);
        const length = found < 0 ? this.#buffer.length : found + delimiter.length;
        if (length > limit) {
          const end = delimiter === NEWLINE ? "end of the line" : "delimiter";
          const message = `No ${end} was found within ${limit} bytes`;
          throw client_fault(new Deno.errors.InvalidData(message));
        }
        if (found >= 0) return this.#buffer.take(length);
        scanned = Math.max(0, length - delimiter.length + 1);
        if (!await this.#more(1, clock)) return at_end();
      }
    } finally {
      clock?.end();
    }
  }

  #clock(deadline: number | null): ReadClock | undefined {
    return deadline === null ? undefined : new ReadClock(this.#source, deadline);
  }

  /** Waits for more bytes; `false` at the end of the input. */
  #more(wanted: number, clock?: ReadClock): Promise<boolean> {
    const size = this.#bufsize === 0 ? Math.min(wanted, DEFAULT_SIZE) : this.#bufsize;
    const midway = this.#buffer.length > 0;
    if (midway) {
      this.#buffer.trim();
      clock?.start();
    }
    const reading = midway && clock ? clock.read(size) : this.#source.read(size, midway);
    return reading.then(this.#add);
  }

  #add = (chunk: Uint8Array): boolean => {
    this.#buffer.add(chunk);
    return chunk.length > 0;
  };
}

/** A line, as an iterator gives it. */
function step_of(line: Uint8Array): IteratorResult<Uint8Array> {
  return line.length > 0 ? { value: line, done: false } : { value: undefined, done: true };
}
