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
import tls from "node:tls";

/** What is told of a TLS connection. */
export interface TlsEvents {
  /** The handshake is done. What is refused now is closed before the peer gets anything it could resume. */
  secure(): void;
  /** Bytes have come, in memory that nobody else uses. */
  data(bytes: Uint8Array): void;
  /** The peer has ended its output; before `secure` it has gone. */
  end(): void;
  /** The connection is broken. */
  failed(error: Error & { code?: string }): void;
  /** It is closed. */
  close(): void;
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

/** Begins TLS on the server's side of a connection, which nobody must have read from. */
export function open_tls(
  raw: net.Socket,
  unread: Uint8Array,
  options: tls.TLSSocketOptions,
  events: TlsEvents,
): tls.TLSSocket {
  // What is buffered here, the engine gets first.
  if (unread.length > 0) raw.unshift(Buffer.from(unread));
  const socket = new tls.TLSSocket(raw, { ...options, isServer: true });
  const failed = (error: Error) => events.failed(error);
  socket.once("secure", () => events.secure());
  socket.on("data", (bytes: Uint8Array) => events.data(bytes));
  socket.on("end", () => events.end());
  // After the handshake an error of the engine comes as this one only.
  socket.on("_tlsError", failed);
  socket.on("error", failed);
  raw.on("error", failed);
  socket.on("close", () => events.close());
  return socket;
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
  const made = tls.createSecureContext({
    pfx: Buffer.from(pfx),
    ...(passphrase !== undefined && { passphrase }),
  }) as ContextParts;
  const { cert, key } = made.context ?? {};
  if (typeof cert !== "string" || typeof key !== "string") return undefined;
  return { cert, key };
}
