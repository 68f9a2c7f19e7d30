import { client_fault } from "../internal/runtime/client_fault.ts";
import { BytePool } from "../server/sockets/byte_pool.ts";
import { receive, StreamSocket } from "../server/sockets/stream_socket.ts";

/** How long a line may be unless the caller says otherwise, in bytes. */
const DEFAULT_LIMIT = 65_536;
/** How much is asked of the source at once unless told otherwise, in bytes. */
const DEFAULT_SIZE = 65_536;
/** The most memory that an array from here may share with its neighbours, in bytes. */
const MAX_SHARED = 4096;

const NEWLINE = new Uint8Array([10]);
const EMPTY = new Uint8Array(0);

/** Gives at most `size` bytes, none at the end; `midway` says that something is half-read. */
type Source = (size: number, midway: boolean) => Promise<Uint8Array>;

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
 * @example Lines, then a block
 * ```ts
 * import { StreamRequestHandler } from "@socketserver/socketserver";
 *
 * class BlockHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     const header = new TextDecoder().decode(await this.rfile.readline(1024));
 *     const block = await this.rfile.readexactly(Number(header));
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
  #source: Source;
  #bufsize: number;
  #before_wait: (() => Promise<void>) | undefined;
  /** What has come and is not read yet is `#buffer.subarray(#start, #end)`. */
  #buffer: Uint8Array = EMPTY;
  #start = 0;
  #end = 0;
  /** Where what is read is put, while more of it is there. */
  #pool: BytePool | undefined;

  /**
   * Reads from a connection, or bytes that are there already.
   *
   * @param source Where the bytes come from: a {@linkcode StreamSocket} or any `Deno.Conn`; or the
   * bytes, as of a datagram (Python's `io.BytesIO`).
   * @param bufsize How many bytes to ask of the source at once: 65,536 where it is negative, as
   * Python's default is; with 0 it never reads further than it is asked to.
   * @param before_wait Called, and waited for, before each read of the source: what is to be done when
   * nothing is left here, as sending the replies so far.
   */
  constructor(
    source: Pick<Deno.Conn, "read"> | Uint8Array,
    bufsize = -1,
    before_wait?: () => Promise<void>,
  ) {
    this.#before_wait = before_wait;
    this.#bufsize = bufsize < 0 ? DEFAULT_SIZE : bufsize;
    if (source instanceof Uint8Array) {
      this.#source = no_more;
      this.#buffer = source;
      this.#end = source.length;
    } else {
      this.#source = source_of(source);
    }
  }

  /**
   * Reads a line with its `\n`. The last line may lack it.
   *
   * @param limit The most bytes of a line, its end included; 65,536 unless told.
   * @returns The line, an empty array at the end of the input.
   * @throws {Deno.errors.InvalidData} If the line is longer than `limit`. It stays unread.
   * @throws {Deno.errors.TimedOut} If nothing came within the socket's timeout.
   * @throws {RangeError} If the size or the limit is not a whole number from 0.
   */
  readline(limit: number = DEFAULT_LIMIT): Promise<Uint8Array> {
    check_size(limit);
    const length = this.#buffer.indexOf(10, this.#start) + 1 - this.#start;
    if (length > 0 && length <= Math.min(limit, this.#available)) {
      return Promise.resolve(this.#take(length));
    }
    return this.#read_until(NEWLINE, limit, () => this.#take(this.#end - this.#start));
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
    while (open && this.#available < wanted) open = await this.#more(wanted - this.#available);
    return this.#take(Math.min(wanted, this.#available));
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
    if (this.#available === 0 && most > 0) await this.#more(most);
    return this.#take(Math.min(most, this.#available));
  }

  /**
   * Reads exactly `n` bytes.
   *
   * @param n The number of bytes.
   * @throws {Deno.errors.UnexpectedEof} If the input ends before. What came stays unread.
   * @throws {Deno.errors.TimedOut} If nothing came within the socket's timeout.
   * @throws {RangeError} If the size or the limit is not a whole number from 0.
   */
  async readexactly(n: number): Promise<Uint8Array> {
    check_size(n);
    while (this.#available < n) {
      if (await this.#more(n - this.#available)) continue;
      const message = `The input ended after ${this.#available} of ${n} bytes`;
      throw new Deno.errors.UnexpectedEof(message);
    }
    return this.#take(n);
  }

  /**
   * Reads up to a delimiter and with it.
   *
   * @param delimiter The bytes, or text in UTF-8, that end the block.
   * @param limit The most bytes of a block, its delimiter included; 65,536 unless told.
   * @throws {Deno.errors.InvalidData} If the block is longer than `limit`. It stays unread.
   * @throws {Deno.errors.UnexpectedEof} If the input ends before. What came stays unread.
   * @throws {Deno.errors.TimedOut} If nothing came within the socket's timeout.
   * @throws {RangeError} If the delimiter is empty, or the limit not a whole number from 0.
   */
  async readuntil(
    delimiter: Uint8Array | string,
    limit: number = DEFAULT_LIMIT,
  ): Promise<Uint8Array> {
    check_size(limit);
    const bytes = typeof delimiter === "string" ? new TextEncoder().encode(delimiter) : delimiter;
    if (bytes.length === 0) throw new RangeError("Cannot read until an empty delimiter");
    return await this.#read_until(bytes, limit, () => {
      const message = `The input ended after ${this.#available} bytes, before the delimiter`;
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
    if (this.#available === 0 && most > 0) await this.#more(size < 0 ? 1 : most);
    return this.#buffer.slice(this.#start, Math.min(this.#start + most, this.#end));
  }

  /** The lines to the end of the input, each with its `\n`; bounded as {@linkcode readline} is. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    const lines: AsyncIterableIterator<Uint8Array> = {
      next: async () => {
        const line = await this.readline();
        return line.length > 0 ? { value: line, done: false } : { value: undefined, done: true };
      },
      [Symbol.asyncIterator]: () => lines,
    };
    return lines;
  }

  get #available(): number {
    return this.#end - this.#start;
  }

  #take(count: number): Uint8Array {
    const bytes = this.#buffer.subarray(this.#start, this.#start + count);
    const left = this.#available - count;
    if (left > 0) {
      this.#start += count;
      this.#pool ??= new BytePool();
      return this.#pool.copy(bytes, Math.min(count + left, MAX_SHARED));
    }
    this.#buffer = EMPTY;
    this.#start = this.#end = 0;
    this.#pool = undefined;
    return bytes.slice();
  }

  async #read_until(
    delimiter: Uint8Array,
    limit: number,
    at_end: () => Uint8Array,
  ): Promise<Uint8Array> {
    for (let scanned = 0;;) {
      const found = find(this.#buffer.subarray(this.#start, this.#end), delimiter, scanned);
      const length = found < 0 ? this.#available : found + delimiter.length;
      if (length > limit) {
        const end = delimiter === NEWLINE ? "end of the line" : "delimiter";
        const message = `No ${end} was found within ${limit} bytes`;
        throw client_fault(new Deno.errors.InvalidData(message));
      }
      if (found >= 0) return this.#take(length);
      scanned = Math.max(0, length - delimiter.length + 1);
      if (!await this.#more(1)) return at_end();
    }
  }

  /** Waits for more bytes; `false` at the end of the input. */
  async #more(wanted: number): Promise<boolean> {
    const size = this.#bufsize === 0 ? Math.min(wanted, DEFAULT_SIZE) : this.#bufsize;
    if (this.#before_wait) await this.#before_wait();
    const chunk = await this.#source(size, this.#available > 0);
    if (this.#available === 0) {
      this.#buffer = chunk;
      this.#start = 0;
      this.#end = chunk.length;
    } else {
      this.#append(chunk);
    }
    return chunk.length > 0;
  }

  #append(chunk: Uint8Array): void {
    const length = this.#available + chunk.length;
    if (this.#end + chunk.length > this.#buffer.length) {
      // Room for twice as much, so that a block of many small parts is not copied for each.
      const room = new Uint8Array(length * 2);
      room.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = room;
      this.#start = 0;
    }
    this.#buffer.set(chunk, length - chunk.length + this.#start);
    this.#end = this.#start + length;
  }
}

function no_more(): Promise<Uint8Array> {
  return Promise.resolve(EMPTY);
}

function source_of(source: Pick<Deno.Conn, "read">): Source {
  if (source instanceof StreamSocket) return (size, midway) => receive(source, size, midway);
  return async (size) => {
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, await source.read(bytes) ?? 0);
  };
}

/** The size, if it is one. */
function check_size(size: number): number {
  if (size === Infinity || (Number.isInteger(size) && size >= 0)) return size;
  throw new RangeError(`Cannot read ${size} bytes: it must be a whole number from 0`);
}

/** The place of `wanted` in `bytes`, from `start` on; -1 if it is not there. */
function find(bytes: Uint8Array, wanted: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(wanted[0]!, start); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}
