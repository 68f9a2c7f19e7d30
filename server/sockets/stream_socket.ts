import { peer_addr } from "../address.ts";
import { is_client_gone } from "../../internal/runtime/error_names.ts";
import { duplicate_conn } from "../../internal/runtime/deno_internals.ts";
import { type Exchange, exchange_of } from "../requests/exchange.ts";
import { type Agreed, HANDSHAKE_TIMEOUT } from "../requests/handshakes.ts";
import { may_fail } from "../../internal/runtime/pending.ts";
import type { Traffic } from "../info.ts";
import type { ByteSource } from "./byte_source.ts";
import {
  type ByteConn,
  closed_error,
  type Detachable,
  type DetachedSocket,
  type Secured,
  type SourceConn,
} from "./byte_conn.ts";
import { check_bytes } from "./check_bytes.ts";
import { check_time } from "./check_time.ts";
import { source_of } from "./conn_source.ts";
import { begin_tls, ExpectedTls, type TlsSettings } from "./expected_tls.ts";
import { joined } from "./joined.ts";
import type { ProxyHeader, ProxyInfo } from "./proxy_header.ts";
import { close_in_peace } from "./socket_closing.ts";
import { SocketInput } from "./socket_input.ts";
import { SocketOutput } from "./socket_output.ts";
import { readable_of, writable_of } from "./socket_streams.ts";
import { terms_of, type TlsInfo } from "./tls_terms.ts";
import type { TlsOptions } from "../tls_options.ts";

export type { ByteConn, SourceConn };

const EMPTY = new Uint8Array(0);

/** What has read more of a connection than was wanted of it. */
export interface Unread {
  /** Takes what nobody has read yet. */
  take_unread(): Uint8Array;
}

/** Where a connection comes from. */
export interface SocketOrigin {
  local: Deno.Addr;
  remote: Deno.Addr;
  header: ProxyHeader | undefined;
}

/** Friends of the class: what servers and readers do with a socket and handlers do not. */
interface Friends {
  /**
   * Reads at most `size` bytes into an array of the caller's own, empty at the end. `midway` says
   * that something is half-read.
   */
  receive(socket: StreamSocket, size: number, midway: boolean): Promise<Uint8Array>;
  /** Rejects the read that waits, if any. What comes later is for the next one. */
  give_up(socket: StreamSocket, error: Error): void;
  /** Ends the input for reads with nothing half-read, the one that waits now and all later ones. */
  end_input(socket: StreamSocket): void;
  /** Has it be what the header of its proxy says; `rest` was read behind the header. */
  introduce(socket: StreamSocket, header: ProxyHeader, rest?: Uint8Array): void;
  /** The addresses of the connection itself, and the header of its proxy, if it had one. */
  origin_of(socket: StreamSocket): SocketOrigin;
  /** Takes note of what reads ahead: with TLS none of that may reach the handler. */
  read_by(socket: StreamSocket, reader: Unread): void;
  /** Has it speak TLS from its first use on. */
  expect_tls(socket: StreamSocket, settings: () => TlsSettings): void;
  /** Resolves when the handshake is done, which begins now if it has not; `undefined` where there is none. */
  secure(socket: StreamSocket): Promise<Agreed> | undefined;
  /** Takes the connection out of this thread; `undefined`, and it stays, where it can't leave it. */
  detach(socket: StreamSocket): DetachedSocket | undefined;
  /** The same connection in a new object, while this one is closed; `undefined` where it is in use. */
  give_away(socket: StreamSocket): StreamSocket | undefined;
  /**
   * One more descriptor of the connection, for another thread; `undefined`, or -1, where there is none to be had,
   * and where something was read and is still here.
   */
  duplicate(socket: StreamSocket): number | undefined;
  /** How many bytes it has read and written; `undefined` once it has left this thread. */
  traffic_of(socket: StreamSocket): Traffic | undefined;
  /** FIN, then discarding what the peer still sends for at most `linger` ms, then close. */
  close_gracefully(socket: StreamSocket, linger: number): Promise<void>;
}

const friends = {} as Friends;

/**
 * A stream connection: the `request` of TCP and Unix stream servers. It is a `Deno.Conn`, so code
 * written for one takes it, and it has the methods of Python's socket objects.
 *
 * Unlike a bare `Deno.Conn`, a {@linkcode write} always writes everything, writes that are not
 * awaited keep their order, {@linkcode close} may be called twice, and a read that times out loses
 * no bytes: the next read gets them.
 *
 * @example Echo, as over a Python socket
 * ```ts
 * import { BaseRequestHandler, TCPServer } from "@socketserver/socketserver";
 *
 * class EchoHandler extends BaseRequestHandler {
 *   override async handle(): Promise<void> {
 *     for (;;) {
 *       const data = await this.request.recv(1024);
 *       if (data.length === 0) break;
 *       await this.request.sendall(data);
 *     }
 *   }
 * }
 *
 * await using server = new TCPServer(["127.0.0.1", 0], EchoHandler);
 * const { hostname, port } = server.server_address;
 * using client = await Deno.connect({ hostname, port });
 * await client.write(new TextEncoder().encode("hello"));
 * await client.closeWrite();
 * await server.handle_request();
 * console.log(await new Response(client.readable).text()); // hello
 * ```
 *
 * @typeParam A The type of its addresses.
 */
export class StreamSocket<A extends Deno.Addr = Deno.Addr> implements Deno.Conn<A> {
  #conn: ByteConn<A>;
  #local: A | undefined;
  #remote: A | undefined;
  #header: ProxyHeader | undefined;
  /** Whether it was taken out of this thread. */
  #has_left = false;
  /** How it is read and written, once it is: most connections of servers with workers only pass through here. */
  #made_input: SocketInput | undefined;
  #made_output: SocketOutput | undefined;
  #unread: Uint8Array;
  #closed = false;
  #timeout: number | null = null;
  #readers: Unread[] | undefined;
  /** Why the connection broke, if it did. */
  #failure: unknown;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;

  /**
   * Wraps a connection, which belongs to the new object from then on.
   *
   * @param conn The connection: any `Deno.Conn`, a TLS one too.
   * @param unread Bytes that were read from it already and come first.
   */
  constructor(conn: ByteConn<A>, unread: Uint8Array = EMPTY) {
    this.#conn = conn;
    this.#unread = unread;
    (conn as Partial<ByteSource>).watch?.(this.#gone);
  }

  static {
    friends.receive = (socket, size, midway) =>
      socket.#input.read(size, midway) as Promise<Uint8Array>;
    friends.give_up = (socket, error) => socket.#input.give_up(error);
    friends.end_input = (socket) => {
      socket.#input.end();
      socket.#secured?.hurry();
    };
    friends.read_by = (socket, reader) => {
      (socket.#readers ??= []).push(reader);
    };
    friends.expect_tls = (socket, settings) => {
      const conn = new ExpectedTls(socket.#conn, socket.#input.unread, settings);
      socket.#replace(conn as typeof conn & ByteConn);
    };
    friends.secure = (socket) => {
      const conn = socket.#secured;
      return conn && agreed_by(conn);
    };
    friends.introduce = (socket, header, rest = EMPTY) => {
      const { source, destination } = socket.#header = header;
      if (source) socket.#remote = peer_addr(source);
      if (destination) socket.#local = peer_addr(destination);
      socket.#input.put_back(rest);
      // The header is not the client's.
      socket.#input.count = rest.length;
    };
    friends.origin_of = (socket) => socket.#origin;
    friends.detach = (socket) => socket.#detach();
    friends.give_away = (socket) => socket.#give_away();
    friends.duplicate = (socket) => socket.#duplicate();
    friends.traffic_of = (socket) => socket.#traffic;
    friends.close_gracefully = (socket, linger) =>
      close_in_peace(socket, socket.#input, socket.#output, socket.#secured !== undefined, linger);
  }

  /** The local address of the connection. */
  get localAddr(): A {
    return this.#local ??= peer_addr(this.#conn.localAddr);
  }

  /**
   * The address of the peer. An IPv4 client of an IPv6 server has its IPv4 address; a Unix client
   * without a name has the path `""`, as in Python.
   */
  get remoteAddr(): A {
    return this.#remote ??= peer_addr(this.#conn.remoteAddr);
  }

  /**
   * The proxy that the connection came through, where the server has `proxy_protocol: "required"`;
   * `undefined` otherwise.
   */
  get proxy(): ProxyInfo | undefined {
    if (!this.#header) return undefined;
    const { version, command, tlvs } = this.#header;
    return { version, command, peer: peer_addr(this.#conn.remoteAddr), tlvs };
  }

  /** What there is to know of its TLS, when the handshake is done; `undefined` without TLS. */
  get tls(): TlsInfo | undefined {
    return this.#secured?.tls;
  }

  /**
   * Goes on with TLS, as the server's side of it, on a connection that has begun without: `STARTTLS`. Say so to the
   * client first. What the client has sent behind its wish is a part of the handshake, also where a `BufferedReader` has
   * read it, and never reaches the handler: it may be somebody else's.
   *
   * Options are loaded and checked once for each object: keep it. Reading their files takes time, so call this with
   * the same object for all connections. The handshake may take the server's `handshake_timeout`; if it fails, the
   * connection is closed.
   *
   * @param options The certificate and all that goes with it.
   * @throws {Deno.errors.BadResource} If it speaks TLS already, or is closed.
   * @throws {Deno.errors.BrokenPipe} If {@linkcode closeWrite} was called, or a write has timed out.
   * @throws {Deno.errors.Busy} If a read or a write waits.
   * @throws {Deno.errors.NotSupported} If it has no descriptor of its own: it is read and written through another
   * thread, or is one of Deno's own over a Unix socket.
   * @throws {Deno.errors.UnexpectedEof} If the client left the handshake.
   * @throws {RangeError} If the options make no sense.
   * @throws {TlsError} If the handshake failed, or took too long.
   */
  start_tls(options: TlsOptions): Promise<void> {
    return may_fail(this.#start_tls(options));
  }

  /**
   * Reads into `p`, as `Deno.Conn` does.
   *
   * @param p Where the bytes go.
   * @returns How many bytes were read, or `null` at the end of the input.
   * @throws {Deno.errors.TimedOut} If nothing came within the timeout; what comes later is not lost.
   * @throws {Deno.errors.Busy} If another read waits already.
   */
  read(p: Uint8Array): Promise<number | null> {
    return this.#input.read(p, false) as Promise<number | null>;
  }

  /**
   * Reads what has come, as Python's `socket.recv` does: it waits for at least one byte.
   *
   * @param bufsize The most bytes to read.
   * @returns The bytes, an empty array at the end of the input.
   * @throws {RangeError} If `bufsize` is not a whole number from 0.
   * @throws {Deno.errors.TimedOut} If nothing came within the timeout; what comes later is not lost.
   * @throws {Deno.errors.Busy} If another read waits already.
   */
  recv(bufsize: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(bufsize) || bufsize < 0) {
      throw new RangeError(`Cannot receive ${bufsize} bytes: it must be a whole number from 0`);
    }
    return this.#input.read(bufsize, false) as Promise<Uint8Array>;
  }

  /**
   * Writes all of `p`: the system may take it in parts, this takes it whole. It resolves when the
   * system has it all, so a slow peer slows the writer down. Await it: otherwise you do not
   * hear of a failure, which ends neither the program nor the worker.
   *
   * @param p The bytes.
   * @returns The number of bytes, always the length of `p`.
   * @throws {TypeError} If it is no `Uint8Array`, at once.
   * @throws {Deno.errors.BrokenPipe} If the peer has closed the connection, {@linkcode closeWrite}
   * was called, or an earlier write timed out.
   * @throws {Deno.errors.TimedOut} If the peer took nothing within the timeout. Nobody knows how much
   * it has: nothing more can be written.
   */
  write(p: Uint8Array): Promise<number> {
    return this.#output.write(check_bytes(p));
  }

  /**
   * Sends all of `data`. Python's `socket.send` may send a part only; this one never does.
   *
   * @param data The bytes.
   * @returns The number of bytes, always the length of `data`.
   * @throws What {@linkcode write} throws.
   */
  send(data: Uint8Array): Promise<number> {
    return this.write(data);
  }

  /**
   * Sends all of `data`, as Python's `socket.sendall` does.
   *
   * @param data The bytes.
   * @throws What {@linkcode write} throws.
   */
  sendall(data: Uint8Array): Promise<void> {
    return this.#output.send_all(check_bytes(data));
  }

  /**
   * Sets how long a read may wait for bytes of the peer, and a write until the peer takes some more, as
   * Python's `socket.settimeout` does. What is written does not reset the clock of a read. A write that has begun
   * without a timeout goes on without one.
   *
   * @param timeout Milliseconds, or `null` to wait for ever, which is the default.
   * @throws {RangeError} If it is negative or not a number.
   */
  settimeout(timeout: number | null): void {
    const limit = this.#timeout = check_time("timeout", timeout);
    this.#input.set_timeout(limit);
    this.#output.set_timeout(limit);
  }

  /**
   * Sends what is left, then FIN (`shutdown(2)`, `SHUT_WR`): the peer sees the end of its input.
   *
   * @throws {Deno.errors.BrokenPipe} If a write has timed out.
   */
  closeWrite(): Promise<void> {
    return may_fail(this.#output.end());
  }

  /** Closes the connection at once. A read or a write that waits is rejected. */
  close(): void {
    if (this.#closed) return;
    this.#end_use();
    this.#conn.close();
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Sends small writes at once (`TCP_NODELAY`), or lets the system collect them. Nothing happens on
   * connections that are not TCP.
   *
   * @param no_delay `true` unless told: send at once.
   */
  setNoDelay(no_delay = true): void {
    (this.#conn as Partial<Deno.TcpConn>).setNoDelay?.(no_delay);
  }

  /**
   * Lets the system probe a silent peer (`SO_KEEPALIVE`). Nothing happens on connections that are
   * not TCP.
   *
   * @param keep_alive `true` unless told: probe.
   */
  setKeepAlive(keep_alive = true): void {
    (this.#conn as Partial<Deno.TcpConn>).setKeepAlive?.(keep_alive);
  }

  /** Lets the connection keep the program running, as it does unless {@linkcode unref} was called. */
  ref(): void {
    this.#conn.ref();
  }

  /** Lets the program end while the connection is open. */
  unref(): void {
    this.#conn.unref();
  }

  /** The input as a stream. Its end leaves the connection open, for the reply. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readable_of(this);
  }

  /** The output as a stream. Closing it sends FIN and leaves the input open. */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= writable_of(this);
  }

  /** Goes on with another connection in place of this one. */
  #replace(conn: ByteConn<A>): void {
    const is_ending = this.#input.ending;
    const { count: read, unread } = this.#input;
    const { count: sent } = this.#output;
    this.#made_input?.close();
    this.#made_output?.close();
    this.#made_input = this.#made_output = undefined;
    this.#conn = conn;
    this.#unread = EMPTY;
    (conn as Partial<ByteSource>).watch?.(this.#gone);
    this.#input.count = read - unread.length;
    this.#output.count = sent;
    if (this.#timeout !== null) this.settimeout(this.#timeout);
    if (is_ending) this.#input.end();
  }

  async #start_tls(options: TlsOptions): Promise<void> {
    const terms = terms_of(options);
    if (this.#secured) throw new Deno.errors.BadResource("The connection speaks TLS already");
    if (this.#closed) throw closed_error();
    if (this.#is_busy) {
      throw new Deno.errors.Busy(
        "Cannot begin TLS while a read or a write of this connection waits",
      );
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#output.check();
    const exchange = exchange_of(this);
    const timeout = exchange?.handshakes?.timeout ?? HANDSHAKE_TIMEOUT;
    this.#take_back();
    const conn = begin_tls(this.#conn, this.#input.unread, { terms, timeout });
    this.#replace(conn as typeof conn & ByteConn<A>);
    if (this.#input.ending) conn.hurry();
    await watched(exchange, conn);
  }

  /** Takes back what readers have read ahead. */
  #take_back(): void {
    const readers = this.#readers ?? [];
    this.#input.put_back(readers.map((reader) => reader.take_unread()).reduce(joined, EMPTY));
  }

  /** The connection, if it speaks TLS. */
  get #secured(): Secured | undefined {
    return "secure" in this.#conn ? this.#conn as ByteConn<A> & Secured : undefined;
  }

  /** The peer is gone: the signal says so to the handler, which may wait for something else. */
  #gone = (error: unknown): void => {
    this.#failure ??= error;
    exchange_of(this)?.client_gone(error);
  };

  get #input(): SocketInput {
    return this.#made_input ?? this.#make_input();
  }

  get #output(): SocketOutput {
    return this.#made_output ?? this.#make_output();
  }

  #make_input(): SocketInput {
    const input = new SocketInput(source_of(this.#conn), this.#unread, this.#gone);
    if (this.#closed) input.close();
    return this.#made_input = input;
  }

  #make_output(): SocketOutput {
    const failed = (error: unknown) => is_client_gone(error) && this.#gone(error);
    const output = new SocketOutput(this.#conn, this.#input, failed);
    if (this.#closed) output.close();
    return this.#made_output = output;
  }

  /** Nothing is read and written here any more. */
  #end_use(): void {
    this.#closed = true;
    this.#made_input?.close();
    this.#made_output?.close();
  }

  get #is_busy(): boolean {
    const is_in_use = this.#made_input?.pulling || this.#made_output?.writing;
    return this.#closed || is_in_use === true;
  }

  /** What was read and nobody has taken. */
  get #left(): Uint8Array {
    return this.#made_input?.unread ?? this.#unread;
  }

  get #origin(): SocketOrigin {
    const { localAddr, remoteAddr } = this.#conn;
    // Where there is no header these are the request's own, which a hook may have put anything onto.
    if (!this.#header) return { local: this.localAddr, remote: this.remoteAddr, header: undefined };
    return { local: localAddr, remote: remoteAddr, header: this.#header };
  }

  get #traffic(): Traffic | undefined {
    if (this.#has_left) return undefined;
    const bytes_in = this.#made_input?.count ?? this.#unread.length;
    return { bytes_in, bytes_out: this.#made_output?.count ?? 0 };
  }

  #detach(): DetachedSocket | undefined {
    const conn = this.#conn as ByteConn<A> & Partial<Detachable & ByteSource>;
    if (!conn.detach || this.#is_busy) return undefined;
    const fd = conn.detach();
    if (fd < 0) return undefined;
    this.#has_left = true;
    this.#end_use();
    const unread = joined(this.#left, conn.left ?? EMPTY);
    const { no_delay = false, patience, is_secured = false } = conn;
    return { fd, unread, no_delay, patience, is_secured };
  }

  #give_away(): StreamSocket<A> | undefined {
    if (this.#is_busy) return undefined;
    this.#end_use();
    const given = new StreamSocket(this.#conn, this.#left);
    if (this.#header) friends.introduce(given, this.#header);
    return given;
  }

  #duplicate(): number | undefined {
    if (this.#is_busy || this.#left.length > 0) return undefined;
    const conn = this.#conn as ByteConn<A> & Partial<Detachable>;
    return conn.duplicate ? conn.duplicate() : duplicate_conn(conn);
  }
}

/** Has a handshake counted where it is handled. */
async function watched(exchange: Exchange | undefined, conn: Secured): Promise<void> {
  if (!exchange) return await conn.secure();
  exchange.handshakes?.begun(exchange);
  try {
    const agreed = await agreed_by(conn);
    exchange.handshakes?.ended(exchange, { agreed });
  } catch (error) {
    exchange.handshakes?.ended(exchange, { error });
    throw error;
  }
}

/** Resolves when the handshake is done, to what was agreed on. */
async function agreed_by(conn: Secured): Promise<Agreed> {
  await conn.secure();
  const { protocol, alpn_protocol: alpn, resumed } = conn.tls!;
  return { protocol, ...(alpn !== undefined && { alpn }), resumed };
}

/** A socket over a connection that lends what it has read. */
export function socket_over<A extends Deno.Addr>(
  conn: SourceConn<A>,
  unread?: Uint8Array,
): StreamSocket<A> {
  return new StreamSocket(conn as SourceConn<A> & ByteConn<A>, unread);
}

/** See {@linkcode Friends}. */
export const {
  receive,
  give_up,
  end_input,
  introduce,
  origin_of,
  read_by,
  expect_tls,
  secure,
  detach,
  give_away,
  duplicate,
  traffic_of,
  close_gracefully,
} = friends;
