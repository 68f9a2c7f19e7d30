import { Buffer } from "node:buffer";
import { nextTick } from "node:process";
import { may_fail } from "../internal/runtime/pending.ts";
import { BytePool } from "../server/sockets/byte_pool.ts";
import { check_bytes } from "../server/sockets/check_bytes.ts";
import { bufsize_of } from "./bufsize.ts";

/** The buffer's size where it is to be "the default" (a negative `bufsize`), in bytes: Python's. */
const DEFAULT_SIZE = 8192;
/** How much may wait before {@linkcode BufferedWriter.offer} takes no more, in bytes. */
const HIGH_WATER = 65_536;

/** Takes what a writer has collected: a symbol, as it is only for this library's own handlers. */
export const take_collected: unique symbol = Symbol("take_collected");

/** What all writers of a thread encode and collect. */
const POOL = new BytePool();

/** Where a writer writes: a {@linkcode StreamSocket}, or what else takes all it is given. */
export interface ByteSink {
  /** Sends all of `data`. */
  sendall(data: Uint8Array): Promise<void>;
}

/**
 * Writes bytes and text to a connection: the `wfile` of stream handlers, after Python's `_SocketWriter`
 * and `io.BufferedWriter`. Never a partial write; writes that are not awaited keep their order. Await
 * them all the same: otherwise you hear of no failure, and a slow client fills the memory.
 *
 * What it has collected it sends **by itself**, when this turn of the event loop ends: many small writes go
 * as one, and none is held back. While the client takes nothing, one such send waits, and what is
 * written then is collected. If it fails, the next {@linkcode write} or {@linkcode flush} throws the error; at
 * the latest that is the `flush()` at the end of a handler.
 *
 * @example Two parts, sent as one
 * ```ts
 * import { StreamRequestHandler } from "@socketserver/socketserver";
 *
 * class PageHandler extends StreamRequestHandler {
 *   static override wbufsize = -1;
 *   override async handle(): Promise<void> {
 *     await this.wfile.write("HTTP/1.0 200 OK\r\n\r\n");
 *     await this.wfile.write("hello\n"); // both go as one
 *   }
 * }
 * ```
 *
 * @example A client
 * ```ts
 * import { BufferedWriter, StreamSocket } from "@socketserver/socketserver";
 *
 * using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const { hostname, port } = listener.addr;
 * using client = new StreamSocket(await Deno.connect({ hostname, port }));
 * using peer = await listener.accept();
 *
 * const writer = new BufferedWriter(client, -1);
 * await writer.write("one ");
 * await writer.write("two");
 * await writer.flush();
 * await client.closeWrite();
 * console.log(await new Response(peer.readable).text()); // one two
 * ```
 */
export class BufferedWriter {
  #sink: ByteSink;
  #size: number;
  #high_water = HIGH_WATER;
  /** What is being sent. */
  #sending: Promise<unknown> | undefined;
  /** How many bytes of that the sink has not taken yet. */
  #unsent = 0;
  #parts: Uint8Array[] = [];
  #length = 0;
  /** Whether what is collected is sent at the end of this turn. */
  #scheduled = false;
  /** Why something that nobody waited for was not sent, until somebody is told. */
  #failure: unknown;

  /**
   * Writes to a connection.
   *
   * @param sink Where the bytes go: a {@linkcode StreamSocket}.
   * @param bufsize With 0, which is the default, every write is sent before it resolves. Otherwise
   * that many bytes are collected in a turn of the event loop, 8192 where it is negative (Python's
   * `io.DEFAULT_BUFFER_SIZE`). With `Infinity` nothing is sent before {@linkcode flush}.
   * @throws {RangeError} If the size is neither a whole number nor `Infinity`.
   */
  constructor(sink: ByteSink, bufsize = 0) {
    this.#sink = sink;
    this.#size = bufsize_of(bufsize, DEFAULT_SIZE, Infinity);
  }

  /**
   * How much may wait before {@linkcode offer} takes no more, in bytes: 65,536 unless set. What the system has taken
   * for the client does not count.
   *
   * @throws {RangeError} If it is set to what is no number from 0.
   */
  get high_water(): number {
    return this.#high_water;
  }

  set high_water(size: number) {
    if (typeof size !== "number" || !(size >= 0)) {
      const told = Deno.inspect(size);
      throw new RangeError(`Cannot use high_water = ${told}: it must be a number from 0`);
    }
    this.#high_water = size;
  }

  /**
   * Writes all of `data`. It resolves when it is collected, or sent if nothing, or too much, is collected: so a
   * slow client slows the writer down.
   *
   * @param data Bytes, or text, which is sent in UTF-8.
   * @returns The number of bytes.
   * @throws {TypeError} If it is neither, at once.
   * @throws {Deno.errors.BrokenPipe} If the peer has closed the connection.
   * @throws {Deno.errors.TimedOut} If the peer took nothing within the socket's timeout.
   */
  write(data: Uint8Array | string): Promise<number> {
    const bytes = bytes_of(data);
    const { length } = bytes;
    if (this.#failure !== undefined) return may_fail(Promise.reject(this.#tell()));
    if (this.#size === 0 && this.#length === 0) return may_fail(this.#send(bytes, length));
    this.#collect(data, bytes);
    if (this.#length >= this.#size) return may_fail(this.flush().then(() => length));
    this.#send_later();
    return Promise.resolve(length);
  }

  /**
   * Writes all of `data`, or nothing where too much waits already: for those who tell many clients something, and
   * wait for none. It is sent at the end of this turn of the event loop, unless the buffer's size is `Infinity`.
   *
   * @example Who does not read misses some
   * ```ts
   * import { type BufferedWriter } from "@socketserver/socketserver";
   *
   * const members = new Set<BufferedWriter>();
   * function tell(message: string): void {
   *   for (const member of members) if (!member.offer(`${message}\n`)) members.delete(member);
   * }
   * tell("hello");
   * ```
   *
   * @param data Bytes, or text, which is sent in UTF-8.
   * @returns `false` if more than {@linkcode high_water} waits, or what was sent before has failed: then nothing
   * is written.
   * @throws {TypeError} If it is neither.
   */
  offer(data: Uint8Array | string): boolean {
    const bytes = bytes_of(data);
    if (this.#failure !== undefined) return false;
    if (this.#unsent + this.#length > this.#high_water) return false;
    this.#collect(data, bytes);
    this.#send_later();
    return true;
  }

  /**
   * Takes what was collected, for who sends it in another way.
   *
   * @returns The bytes; `undefined` if there are none, or something that was sent before is not done, or has failed.
   * @ignore
   */
  [take_collected](): Uint8Array | undefined {
    return this.#is_calm && this.#length > 0 ? this.#take() : undefined;
  }

  /** Whether nothing is being sent, and nothing has failed. */
  get #is_calm(): boolean {
    return this.#unsent === 0 && this.#failure === undefined;
  }

  /**
   * Sends what was collected; resolves when everything written before is sent.
   *
   * @throws {Deno.errors.BrokenPipe} If the peer has closed the connection.
   * @throws {Deno.errors.TimedOut} If the peer took nothing within the socket's timeout.
   */
  flush(): Promise<void> {
    const is_calm = this.#is_calm;
    if (is_calm && this.#length === 0) return Promise.resolve();
    return may_fail(is_calm ? this.#send(this.#take()) : this.#flush());
  }

  /** The same while something is being sent, or has failed. */
  async #flush(): Promise<void> {
    const own = this.#length > 0;
    try {
      await (own ? this.#send(this.#take()) : this.#sending);
    } catch (error) {
      // A failure is told to the write that it belongs to, and not to those who only wait.
      if (own && this.#failure === undefined) throw error;
    }
    if (this.#failure !== undefined) throw this.#tell();
  }

  #collect(data: Uint8Array | string, bytes: Uint8Array): void {
    // A copy of an array: the caller may fill it anew before this one is sent.
    this.#parts.push(bytes === data ? POOL.copy(bytes) : bytes);
    this.#length += bytes.length;
  }

  #take(): Uint8Array {
    const parts = this.#parts;
    const data = parts.length === 1 ? parts[0]! : Buffer.concat(parts, this.#length);
    this.#parts = [];
    this.#length = 0;
    return data;
  }

  /** The sink keeps the order, so the last one to be sent is the last to be done. */
  #send(data: Uint8Array): Promise<void>;
  /** The same, for a promise of something. */
  #send<T>(data: Uint8Array, result: T): Promise<T>;
  #send(data: Uint8Array, result?: unknown): Promise<unknown> {
    return this.#sending = this.#send_all(data, result);
  }

  async #send_all(data: Uint8Array, result: unknown): Promise<unknown> {
    this.#unsent += data.length;
    try {
      await this.#sink.sendall(data);
      return result;
    } finally {
      this.#unsent -= data.length;
      if (this.#length > 0) this.#send_later();
    }
  }

  /**
   * When all that can run has run, before the event loop waits: a turn of it would cost as much as a message. A
   * tick comes after all microtasks only if it was asked for in one.
   */
  #send_later(): void {
    if (this.#scheduled || this.#unsent > 0 || this.#size === Infinity) return;
    this.#scheduled = true;
    queueMicrotask(() => nextTick(BufferedWriter.#send_by_itself, this));
  }

  static async #send_by_itself(writer: BufferedWriter): Promise<void> {
    writer.#scheduled = false;
    if (writer.#length === 0 || writer.#unsent > 0) return;
    try {
      await writer.#send(writer.#take());
    } catch (error) {
      writer.#failure ??= error;
    }
  }

  #tell(): unknown {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }
}

function bytes_of(data: Uint8Array | string): Uint8Array {
  return typeof data === "string"
    ? POOL.encode(data)
    : check_bytes(data, "a string or a Uint8Array");
}
