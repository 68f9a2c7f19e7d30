import type { ByteSource } from "./byte_source.ts";
import type { TlsInfo } from "./tls_terms.ts";

/** What a `StreamSocket` needs of a connection: every `Deno.Conn` has it. */
export type ByteConn<A extends Deno.Addr = Deno.Addr> = Omit<
  Deno.Conn<A>,
  "readable" | "writable" | typeof Symbol.dispose
>;

/** Where a connection's bytes go. */
export interface ByteSink {
  /** Writes some of the bytes; gives how many, at once where there is nothing to wait for. */
  write(p: Uint8Array): number | Promise<number>;
  /** Sends FIN. */
  closeWrite(): Promise<void>;
}

/** A connection that lends what it has read. */
export type SourceConn<A extends Deno.Addr = Deno.Addr> =
  & Omit<ByteConn<A>, "read" | "write">
  & ByteSource
  & ByteSink;

/** A connection that can leave this thread as a file descriptor. */
export interface Detachable {
  /** A descriptor of its own for the connection, which is closed here; -1 if there is none to be had. */
  detach(): number;
  /**
   * One more descriptor for it, which stays open here, too; -1 if there is none to be had, `undefined` if the
   * connection is in use here.
   */
  duplicate?(): number | undefined;
  /** What was read and nobody has asked for: it goes with the descriptor. */
  readonly left?: Uint8Array | undefined;
  /** Whether it has `TCP_NODELAY`. */
  readonly no_delay: boolean;
  /** Whether it must be secured by TLS before it is used. */
  readonly is_secured?: boolean;
}

/** A connection that speaks TLS. */
export interface Secured {
  /** Resolves when the handshake is done; rejects with what it failed with. */
  secure(): Promise<void>;
  /** The request must end: a handshake that is not done soon fails. */
  hurry(): void;
  /** What there is to know of it, when the handshake is done. */
  readonly tls: TlsInfo | undefined;
}

/** What `detach()` gives: the descriptor, and what was read from it already. */
export interface DetachedSocket {
  /** The file descriptor. */
  fd: number;
  /** Bytes that were read here and not yet used. */
  unread: Uint8Array;
  /** Whether the connection has `TCP_NODELAY`. */
  no_delay: boolean;
  /** See `ByteSource`. */
  patience: number | undefined;
  /** Whether it must be secured by TLS before it is used. */
  is_secured: boolean;
}

/** What a use of a connection throws that was closed here. */
export function closed_error(): Error {
  return new Deno.errors.BadResource("The connection is closed");
}
