/**
 * What depends on how `node:tls` is built inside Deno. Each fact has a test that says in words what stopped working
 * when a later Deno changes it (`tests/internal/runtime/tls_internals_test.ts`).
 *
 * Deno's own `listenTls` asks for no client certificates, cannot take over a connection that was begun without TLS,
 * and belongs to one thread.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { X509Certificate } from "node:crypto";
import type net from "node:net";
import type tls from "node:tls";
import type { BareHandle } from "./bare_stream.ts";
import { BareTls, is_bare_tls } from "./bare_tls.ts";
import { late } from "./late.ts";
import { start_reading, stop_reading } from "./deno_internals.ts";

/** What is told of a TLS connection. */
export interface TlsEvents {
  /** The handshake is done. What is refused now is closed before the peer gets anything it could resume. */
  secure(): void;
  /** Bytes have come. They are lent. */
  data(bytes: Uint8Array): void;
  /** The peer has ended its output; before `secure` it has gone. */
  end(): void;
  /** The connection is broken. */
  failed(error: Error & { code?: string }): void;
  /** It was closed from beneath. */
  close(): void;
}

/** The server's side of a connection that speaks TLS. */
export interface TlsLine {
  /** What there is to ask of it. Its stream, if it is one, is not to be used. */
  readonly socket: tls.TLSSocket;
  /** What is beneath. */
  readonly beneath: BareHandle | net.Socket;
  /** Takes what comes from the system again; `false` where that is not known here. */
  start(): boolean;
  /** Lets what comes wait in the system; `false` where that is not known here. */
  stop(): boolean;
  /** Encrypts and writes, one write after the other; resolves when the system has it. Not for nothing at all. */
  write(bytes: Uint8Array): Promise<void>;
  /** Sends `close_notify`, then FIN. */
  end(): Promise<void>;
  /** Closes it at once. */
  close(): void;
  /** Lets it keep the program running. */
  ref(): void;
  /** Lets the program end. */
  unref(): void;
}

/** The undocumented members of a `TLSSocket` and its handle. */
interface Internals {
  /** Names what is wrong with the peer's certificate; empty or nothing if that is good, or there is none. */
  _handle: { verifyError?(): string | Error | null | undefined } | null;
}

/** The undocumented contents of a `SecureContext`. */
interface ContextParts {
  context?: { cert?: unknown; key?: unknown };
}

/** How a socket is opened that TLS begins on. */
export const SOCKET_OPTIONS: net.SocketConstructorOpts = {
  readable: true,
  writable: true,
  allowHalfOpen: true,
};

/**
 * Begins TLS on the server's side of a connection, which nobody must read from any more.
 *
 * @param beneath The connection: its handle, or a socket with {@linkcode SOCKET_OPTIONS}.
 * @param unread What was read from it already.
 * @param options What it is secured with.
 * @param events What is told of it, later.
 */
export function open_tls(
  beneath: BareHandle | net.Socket,
  unread: Uint8Array,
  options: tls.TLSSocketOptions,
  events: TlsEvents,
): TlsLine {
  if (beneath instanceof late.net.Socket) return new SocketTls(beneath, unread, options, events);
  if (is_bare_tls()) return new BareTls(beneath, unread, options, events);
  const handle = { handle: beneath } as net.SocketConstructorOpts;
  const socket = new late.net.Socket({ ...SOCKET_OPTIONS, ...handle });
  return new SocketTls(socket, unread, options, events);
}

/** The same through the streams of `node:net` and `node:tls`. */
class SocketTls implements TlsLine {
  readonly socket: tls.TLSSocket;
  readonly beneath: net.Socket;

  constructor(
    beneath: net.Socket,
    unread: Uint8Array,
    options: tls.TLSSocketOptions,
    events: TlsEvents,
  ) {
    this.beneath = beneath;
    // What is buffered here, the engine gets first.
    if (unread.length > 0) beneath.unshift(Buffer.from(unread));
    const socket = this.socket = new late.tls.TLSSocket(beneath, { ...options, isServer: true });
    const failed = (error: Error) => events.failed(error);
    socket.once("secure", () => events.secure());
    // No `Buffer`, whose `slice()` is another one.
    socket.on(
      "data",
      (bytes: Uint8Array) =>
        events.data(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)),
    );
    socket.on("end", () => events.end());
    // After the handshake an error of the engine comes as this one only.
    socket.on("_tlsError", failed);
    socket.on("error", failed);
    beneath.on("error", failed);
    socket.on("close", () => events.close());
  }

  start(): boolean {
    return start_reading(this.beneath);
  }

  stop(): boolean {
    // Pausing the stream instead would let the engine read on, and fill the memory.
    return stop_reading(this.beneath);
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (error) => error ? reject(error) : resolve());
    });
  }

  end(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.end((error?: Error | null) => error ? reject(error) : resolve());
    });
  }

  close(): void {
    this.socket.destroy();
    this.beneath.destroy();
  }

  ref(): void {
    this.beneath.ref();
  }

  unref(): void {
    this.beneath.unref();
  }
}

/**
 * The peer's certificate, as it stands after the handshake: Deno completes that whatever is wrong, and `authorized`
 * is never true.
 *
 * @returns What is wrong with it, empty if nothing is; and the certificate, if there is one.
 */
export function peer_of(socket: tls.TLSSocket): [fault: string, X509Certificate | undefined] {
  const { _handle: handle } = socket as unknown as Internals;
  // Where it cannot be asked, nobody is let in.
  const fault = handle?.verifyError ? handle.verifyError() : "NOT_VERIFIED";
  const named = fault instanceof Error ? (fault as { code?: string }).code ?? fault.message : fault;
  return [String(named ?? ""), socket.getPeerX509Certificate() as X509Certificate | undefined];
}

/**
 * The certificates and the key of a PKCS#12 file, as PEM; `undefined` where there are none.
 *
 * @throws If it is none, or the passphrase is wrong.
 */
export function parts_of_pfx(
  pfx: Uint8Array,
  passphrase: string | undefined,
): { cert: string; key: string } | undefined {
  const made = late.tls.createSecureContext({
    pfx: Buffer.from(pfx),
    ...(passphrase !== undefined && { passphrase }),
  }) as ContextParts;
  const { cert, key } = made.context ?? {};
  if (typeof cert !== "string" || typeof key !== "string") return undefined;
  return { cert, key };
}
