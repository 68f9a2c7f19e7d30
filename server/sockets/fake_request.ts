import { check_bytes } from "./check_bytes.ts";
import type { Arrived } from "./byte_source.ts";
import { type ByteConn, type SourceConn, StreamSocket } from "./stream_socket.ts";

const SERVER: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 8080 };
const CLIENT: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 50_000 };

/** How {@linkcode fake_request} gives its input. */
export interface FakeRequestOptions {
  /** The most bytes that a read gives at once. Unless told, the first read gives all. */
  chunk_size?: number;
}

/** A connection whose peer is an array of bytes. */
class MemoryConn implements SourceConn<Deno.NetAddr> {
  readonly localAddr: Deno.NetAddr = SERVER;
  readonly remoteAddr: Deno.NetAddr = CLIENT;
  readonly parts: Uint8Array[] = [];
  #unread: Uint8Array;
  #chunk_size: number;
  #closed = false;

  constructor(input: Uint8Array, chunk_size: number) {
    this.#unread = input;
    this.#chunk_size = chunk_size;
  }

  pull(arrived: Arrived, failed: (error: unknown) => void): void {
    // Later, as from the network: the caller may close it before.
    queueMicrotask(() => {
      if (this.#closed) failed(new Deno.errors.Interrupted("The connection was closed"));
      else arrived(this.#next());
    });
  }

  #next(): Uint8Array | null {
    if (this.#unread.length === 0) return null;
    const bytes = this.#unread.subarray(0, this.#chunk_size);
    this.#unread = this.#unread.subarray(bytes.length);
    return bytes;
  }

  // deno-lint-ignore require-await
  async write(p: Uint8Array): Promise<number> {
    // A copy: the caller may fill the array anew.
    this.parts.push(p.slice());
    return p.length;
  }

  async closeWrite(): Promise<void> {}

  close(): void {
    this.#closed = true;
  }

  ref(): void {}

  unref(): void {}
}

/** What {@linkcode fake_request} makes: a connection in memory, and what was written to it. */
export interface FakeRequest extends StreamSocket<Deno.NetAddr> {
  /** All bytes that were written so far, in a new array each time. */
  readonly sent: Uint8Array;
}

class MemorySocket extends StreamSocket<Deno.NetAddr> implements FakeRequest {
  #parts: Uint8Array[];

  constructor(conn: MemoryConn) {
    super(conn as MemoryConn & ByteConn<Deno.NetAddr>);
    this.#parts = conn.parts;
  }

  get sent(): Uint8Array {
    const sent = new Uint8Array(this.#parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      sent.set(part, at);
      at += part.length;
    }
    return sent;
  }
}

/**
 * Makes a connection in memory, to test a handler without a network. Its input is the given bytes
 * and then the end of the input, as from a client that sends and half-closes. What the handler
 * writes is in `sent`. Reading, writing, timeouts and closing work as on a server's
 * {@linkcode StreamSocket}, which it is. Both addresses are of TCP at 127.0.0.1. The handler's
 * `signal` does not abort, as no server runs the request. Needs no permission.
 *
 * @example A handler that answers in upper case
 * ```ts
 * import { fake_request, StreamRequestHandler } from "@socketserver/socketserver";
 *
 * class UpperHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) {
 *       await this.wfile.write(new TextDecoder().decode(line).toUpperCase());
 *     }
 *   }
 * }
 *
 * const request = fake_request("hello\nworld\n", { chunk_size: 1 });
 * const server = {} as never; // This handler does not use it.
 * await new UpperHandler(request, request.remoteAddr, server).run();
 * console.log(new TextDecoder().decode(request.sent)); // HELLO, WORLD
 * ```
 *
 * @param input What the client sends: bytes, or text, which is sent in UTF-8.
 * @param options In what pieces the input comes.
 * @throws {RangeError} If `chunk_size` is not a whole number from 1.
 * @throws {TypeError} If the input is neither bytes nor text.
 */
export function fake_request(
  input: Uint8Array | string,
  options: FakeRequestOptions = {},
): FakeRequest {
  const { chunk_size = Infinity } = options;
  if (!(chunk_size >= 1) || (chunk_size !== Infinity && !Number.isSafeInteger(chunk_size))) {
    throw new RangeError(
      `Cannot give the input in pieces of ${chunk_size} bytes: it must be a whole number from 1`,
    );
  }
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : check_bytes(input);
  return new MemorySocket(new MemoryConn(bytes, chunk_size));
}
