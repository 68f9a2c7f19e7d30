import { Buffer } from "node:buffer";
import { may_fail } from "../internal/runtime/pending.ts";
import { BytePool } from "../server/sockets/byte_pool.ts";
import { check_bytes } from "../server/sockets/check_bytes.ts";

/** The buffer's size where it is to be "the default" (a negative `bufsize`), in bytes: Python's. */
const DEFAULT_SIZE = 8192;

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
 * @example Two parts, sent as one
 * ```ts
 * import { StreamRequestHandler } from "@socketserver/socketserver";
 *
 * class PageHandler extends StreamRequestHandler {
 *   static override wbufsize = -1;
 *   override async handle(): Promise<void> {
 *     await this.wfile.write("HTTP/1.0 200 OK\r\n\r\n");
 *     await this.wfile.write("hello\n"); // sent by finish()
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
  /** What is being sent. */
  #sending: Promise<void> | undefined;
  #parts: Uint8Array[] = [];
  #length = 0;

  /**
   * Writes to a connection.
   *
   * @param sink Where the bytes go: a {@linkcode StreamSocket}.
   * @param bufsize With 0, which is the default, every write is sent before it resolves. Otherwise
   * that many bytes are collected, 8192 where it is negative (Python's `io.DEFAULT_BUFFER_SIZE`).
   */
  constructor(sink: ByteSink, bufsize = 0) {
    this.#sink = sink;
    this.#size = bufsize < 0 ? DEFAULT_SIZE : bufsize;
  }

  /**
   * Writes all of `data`.
   *
   * @param data Bytes, or text, which is sent in UTF-8.
   * @returns The number of bytes.
   * @throws {TypeError} If it is neither, at once.
   * @throws {Deno.errors.BrokenPipe} If the peer has closed the connection.
   * @throws {Deno.errors.TimedOut} If the peer took nothing within the socket's timeout.
   */
  write(data: Uint8Array | string): Promise<number> {
    const bytes = typeof data === "string"
      ? POOL.encode(data)
      : check_bytes(data, "a string or a Uint8Array");
    const { length } = bytes;
    if (this.#size === 0) return may_fail(this.#send(bytes).then(() => length));
    // A copy of an array: the caller may fill it anew before this one is sent.
    this.#parts.push(bytes === data ? POOL.copy(bytes) : bytes);
    this.#length += length;
    if (this.#length < this.#size) return Promise.resolve(length);
    return may_fail(this.flush().then(() => length));
  }

  /**
   * Sends what was collected; resolves when everything written before is sent.
   *
   * @throws {Deno.errors.BrokenPipe} If the peer has closed the connection.
   * @throws {Deno.errors.TimedOut} If the peer took nothing within the socket's timeout.
   */
  flush(): Promise<void> {
    // A failure is told to the write that it belongs to, and not to those who only wait.
    if (this.#length === 0) return this.#sending?.catch(() => {}) ?? Promise.resolve();
    const parts = this.#parts;
    const data = parts.length === 1 ? parts[0]! : Buffer.concat(parts, this.#length);
    this.#parts = [];
    this.#length = 0;
    return may_fail(this.#send(data));
  }

  /** The sink keeps the order, so the last one to be sent is the last to be done. */
  #send(data: Uint8Array): Promise<void> {
    return this.#sending = this.#sink.sendall(data);
  }
}
