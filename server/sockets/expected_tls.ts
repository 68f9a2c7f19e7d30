import type net from "node:net";
import {
  duplicate_conn,
  open_bare,
  open_descriptor,
  rid_of,
} from "../../internal/runtime/deno_internals.ts";
import type { BareHandle } from "../../internal/runtime/bare_stream.ts";
import { SOCKET_OPTIONS } from "../../internal/runtime/tls_internals.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import type { ByteConn, Detachable, SourceConn } from "./byte_conn.ts";
import type { Arrived, ByteSource } from "./byte_source.ts";
import { source_of } from "./conn_source.ts";
import { joined } from "./joined.ts";
import { TlsConn } from "./tls_conn.ts";
import type { TlsInfo, TlsTerms } from "./tls_terms.ts";

const NOTHING = new Uint8Array(0);

/** A connection that may be able to leave its thread. */
type PlainConn<A extends Deno.Addr> = ByteConn<A> & Partial<Detachable & ByteSource>;

/** On what terms a connection is secured, and how long that may take, in ms. */
export interface TlsSettings {
  terms: TlsTerms;
  timeout: number;
}

/**
 * Begins TLS on a connection that is used without until now.
 *
 * @param unread What was read from it already: that is for the engine.
 * @throws {Deno.errors.NotSupported} If it has no descriptor that the engine could use.
 */
export function begin_tls<A extends Deno.Addr>(
  conn: PlainConn<A>,
  unread: Uint8Array,
  { terms, timeout }: TlsSettings,
): TlsConn<A> {
  const { localAddr, remoteAddr, patience } = conn;
  // Acknowledgements of the handshake would otherwise hold up what follows it.
  (conn as Partial<Deno.TcpConn>).setNoDelay?.(true);
  const beneath = taken_out(conn);
  return new TlsConn({
    beneath,
    localAddr,
    remoteAddr,
    unread: joined(unread, conn.left ?? NOTHING),
    terms,
    timeout,
    patience,
    // Deno's own connection must stay open as long as its descriptor is used by another.
    closed: () => conn.close(),
  });
}

/** Takes the descriptor of a connection, which is of no use any more. */
function taken_out(conn: PlainConn<Deno.Addr>): BareHandle | net.Socket {
  const fd = conn.detach ? conn.detach() : duplicate_conn(conn);
  if (fd >= 0) {
    const { table } = sharing;
    return open_bare(fd, table) ?? open_descriptor(fd, SOCKET_OPTIONS, table);
  }
  if (conn.detach || is_tcp(conn)) {
    throw Object.assign(new Error("Too many open files: TLS needs one more"), { code: "EMFILE" });
  }
  throw new Deno.errors.NotSupported(
    "Cannot begin TLS: this connection has no descriptor of its own. One that a worker reads and writes through the " +
      "server's thread has none, nor has one of Deno's own over a Unix socket",
  );
}

/** Whether it is a TCP connection of Deno's own. */
function is_tcp(conn: PlainConn<Deno.Addr>): boolean {
  return rid_of(conn) !== undefined && conn.remoteAddr.transport === "tcp" && "setNoDelay" in conn;
}

/**
 * A connection of a server that speaks TLS, until it is used: the first use begins the handshake, so that nothing is
 * ever read or written without TLS. Before that it can leave this thread.
 */
export class ExpectedTls<A extends Deno.Addr = Deno.Addr> implements SourceConn<A>, Detachable {
  readonly localAddr: A;
  readonly remoteAddr: A;
  #plain: PlainConn<A>;
  #unread: Uint8Array;
  #settings: () => TlsSettings;
  #conn: TlsConn<A> | undefined;
  #gone: ((error: unknown) => void) | undefined;
  /** Whether it is over before it was secured. */
  #is_over = false;

  /**
   * @param plain The connection as it was accepted.
   * @param unread What was read from it already.
   * @param settings What it is secured with, when that begins.
   */
  constructor(plain: PlainConn<A>, unread: Uint8Array, settings: () => TlsSettings) {
    this.localAddr = plain.localAddr;
    this.remoteAddr = plain.remoteAddr;
    this.#plain = plain;
    this.#unread = unread;
    this.#settings = settings;
  }

  /** See `Detachable`: whoever takes it secures it. */
  get is_secured(): boolean {
    return !this.#conn;
  }

  /** See `TlsConn`. */
  get tls(): TlsInfo | undefined {
    return this.#conn?.tls;
  }

  get patience(): number | undefined {
    return (this.#conn ?? this.#plain).patience;
  }

  /** See `Detachable`. */
  get no_delay(): boolean {
    return this.#plain.no_delay ?? false;
  }

  /** See `Detachable`. */
  get left(): Uint8Array {
    return joined(this.#unread, this.#plain.left ?? NOTHING);
  }

  /** See `Detachable`. */
  detach(): number {
    return this.#conn || this.#is_over ? -1 : this.#plain.detach?.() ?? -1;
  }

  /** See `TlsConn`. */
  async secure(): Promise<void> {
    await this.#begin().secure();
  }

  /** See `TlsConn`. */
  hurry(): void {
    this.#conn?.hurry();
  }

  pull(arrived: Arrived, failed: (error: unknown) => void): void {
    try {
      // What comes after the end is read to be thrown away.
      (this.#is_over ? source_of(this.#plain) : this.#begin()).pull(arrived, failed);
    } catch (error) {
      failed(error);
    }
  }

  watch(gone: (error: unknown) => void): void {
    this.#gone = gone;
  }

  write(p: Uint8Array): Promise<number> {
    return this.#begin().write(p);
  }

  async closeWrite(): Promise<void> {
    if (this.#conn) return await this.#conn.closeWrite();
    this.#is_over = true;
    await this.#plain.closeWrite();
  }

  close(): void {
    (this.#conn ?? this.#plain).close();
  }

  setNoDelay(no_delay = true): void {
    ((this.#conn ?? this.#plain) as Partial<Deno.TcpConn>).setNoDelay?.(no_delay);
  }

  setKeepAlive(keep_alive = true): void {
    ((this.#conn ?? this.#plain) as Partial<Deno.TcpConn>).setKeepAlive?.(keep_alive);
  }

  ref(): void {
    (this.#conn ?? this.#plain).ref();
  }

  unref(): void {
    (this.#conn ?? this.#plain).unref();
  }

  #begin(): TlsConn<A> {
    if (this.#conn) return this.#conn;
    if (this.#is_over) throw new Deno.errors.BrokenPipe("The output is closed");
    this.#conn = begin_tls(this.#plain, this.#unread, this.#settings());
    this.#unread = NOTHING;
    if (this.#gone) this.#conn.watch(this.#gone);
    return this.#conn;
  }
}
