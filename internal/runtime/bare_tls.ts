/**
 * TLS on a bare connection, without the two streams of `node:net` and `node:tls` around it: what a `TLSSocket` itself
 * speaks through. Part of what depends on how Deno is built inside, see `tls_internals.ts`; where something is not as
 * expected, a `TLSSocket` takes its place.
 *
 * @module
 */
import type tls from "node:tls";
import { type BareHandle, BareStream } from "./bare_stream.ts";
import { late } from "./late.ts";
import type { TlsEvents, TlsLine } from "./tls_internals.ts";

/** What one read takes from the system at the most, in bytes. */
const READ_SIZE = 65_536;
/** What such a read can bring: the start of a record may be there already. */
const PLAIN_SIZE = READ_SIZE + 32_768;

/** The undocumented handle of a `TLSSocket`. */
interface TlsHandle extends BareHandle {
  /** Takes what has come from the peer. */
  receive(bytes: Uint8Array): void;
  /** The peer has sent FIN. */
  emitEof(): void;
  /** Begins the handshake. */
  start(): number;
  /** What is beneath, which `close()` closes, too. */
  _nativeTcpHandle: BareHandle | null;
}

/** The undocumented methods of a `TLSSocket` that need no stream. */
interface Methods {
  _wrapHandle(parent?: undefined, handle?: BareHandle): TlsHandle;
  _init(): void;
}

const METHODS = [
  "_wrapHandle",
  "_init",
  "_finishInit",
  "getProtocol",
  "getCipher",
  "isSessionReused",
  "getPeerX509Certificate",
];
const HANDLE_METHODS = [
  "receive",
  "emitEof",
  "start",
  "useUserBuffer",
  "readStart",
  "readStop",
  "writeBuffer",
  "shutdown",
  "close",
];

let is_there: boolean | undefined;

/** Whether TLS is to be had so. */
export function is_bare_tls(): boolean {
  return is_there ??= has_all(late.tls.TLSSocket.prototype, METHODS) && try_handle();
}

/** Looks at a handle that nothing is connected with. */
function try_handle(): boolean {
  try {
    // Not before it is used: the module is loaded late.
    Object.setPrototypeOf(Socketless.prototype, late.tls.TLSSocket.prototype);
    const maker = new Socketless({ secureContext: late.tls.createSecureContext() });
    const handle = (maker as unknown as Methods)._wrapHandle();
    handle._nativeTcpHandle!.close();
    return has_all(handle, HANDLE_METHODS);
  } catch {
    return false;
  }
}

function has_all(object: object, methods: string[]): boolean {
  return methods.every((name) => typeof (object as Record<string, unknown>)[name] === "function");
}

/** All connections of a thread read into these: what came is taken out before the next read. */
let encrypted_buffer: Uint8Array | undefined;
let plain_buffer: Uint8Array | undefined;

/**
 * The part of a `TLSSocket` that is no stream: its constructor, which makes one, is never called. It has the members
 * that its own methods look for.
 */
class Socketless {
  readonly _tlsOptions: tls.TLSSocketOptions;
  _handle: TlsHandle | null = null;
  /** `close()` of the handle destroys the engine through this. */
  ssl: TlsHandle | null = null;
  servername: string | false | null = null;
  _initError?: Error;
  destroyed = false;
  #events: TlsEvents | undefined;

  constructor(options: tls.TLSSocketOptions, events?: TlsEvents) {
    this._tlsOptions = { ...options, isServer: true };
    this.#events = events;
  }

  emit(name: string): void {
    if (name === "secure") this.#events?.secure();
  }

  /** An error before the handshake is done. */
  destroy(error: Error): void {
    this.#events?.failed(error);
  }

  /** An error after it. */
  _emitTLSError(error: Error): void {
    this.#events?.failed(error);
  }
}

/**
 * Connections that were closed when their peer was looked at. When such a handle is collected Deno waits for it for
 * ever at the end of the program. So many are kept: strangers do not fill the memory, and only who sends more of them
 * at one thread keeps a stopped program.
 */
const refused: BareHandle[] = [];
const MAX_REFUSED = 10_000;
let refusals = 0;

/** The first byte of a handshake, and how many say what it is and how long. */
const HANDSHAKE = 22;
const HEAD_SIZE = 5;
/** The longest record there is. */
const MAX_RECORD = 16_384;

/** Whether the engine can do anything with what came first: it needs a whole record, unless that is none. */
function is_enough(bytes: Uint8Array): boolean {
  if (bytes.length > 0 && bytes[0] !== HANDSHAKE) return true;
  if (bytes.length < HEAD_SIZE) return false;
  const length = bytes[3]! * 256 + bytes[4]!;
  return length > MAX_RECORD || bytes.length >= HEAD_SIZE + length;
}

function both(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/**
 * The server's side of a connection that speaks TLS, over its handles alone. To make the engine is a good part of what
 * a handshake costs, as Deno reads the certificate and the key each time: it is made when a client has said hello, so
 * that those who never do cost little.
 */
export class BareTls implements TlsLine {
  readonly socket: tls.TLSSocket;
  readonly beneath: BareHandle;
  #socketless: Socketless;
  #events: TlsEvents;
  #encrypted: BareStream;
  /** The other side of the engine, when that is made. */
  #plain: BareStream | undefined;
  #handle: TlsHandle | undefined;
  /** What came before it is. */
  #hello: Uint8Array | undefined;
  /** Whether the peer is being looked at. */
  #is_securing = false;
  #closed = false;

  /** See `open_tls()`. */
  constructor(
    beneath: BareHandle,
    unread: Uint8Array,
    options: tls.TLSSocketOptions,
    events: TlsEvents,
  ) {
    this.beneath = beneath;
    this.#events = events;
    this.#socketless = new Socketless(options, { ...events, secure: () => this.#secure() });
    this.socket = this.#socketless as unknown as tls.TLSSocket;
    const encrypted = encrypted_buffer ??= new Uint8Array(READ_SIZE);
    this.#encrypted = new BareStream(beneath, {
      bytes_came: (count) => this.#receive(encrypted.subarray(0, count)),
      end_came: () => this.#handle ? this.#handle.emitEof() : events.end(),
      error_came: (error) => events.failed(error),
    });
    this.#encrypted.read_into(encrypted);
    // Who makes it is told nothing before it has it.
    queueMicrotask(() => this.#begin(unread));
  }

  start(): boolean {
    if (!this.#closed) this.#encrypted.start();
    return true;
  }

  stop(): boolean {
    if (!this.#closed) this.#encrypted.stop();
    return true;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#plain!.write(bytes);
  }

  end(): Promise<void> {
    return (this.#plain ?? this.#encrypted).end();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = this.#socketless.destroyed = true;
    if (this.#is_securing) refused[refusals++ % MAX_REFUSED] = this.beneath;
    // First, so that nothing of what the engine still has leaves: it might be a ticket.
    this.#encrypted.close();
    if (this.#handle) this.#handle._nativeTcpHandle = null;
    this.#plain?.close();
  }

  ref(): void {
    this.#encrypted.ref();
  }

  unref(): void {
    this.#encrypted.unref();
  }

  #secure(): void {
    this.#is_securing = true;
    this.#events.secure();
    this.#is_securing = false;
  }

  #begin(unread: Uint8Array): void {
    if (this.#closed) return;
    if (unread.length > 0) this.#receive(unread);
    if (!this.#closed) this.#encrypted.start();
  }

  #receive(bytes: Uint8Array): void {
    if (this.#handle) return this.#handle.receive(bytes);
    const all = this.#hello ? both(this.#hello, bytes) : bytes;
    if (!is_enough(all)) this.#hello = all === bytes ? bytes.slice() : all;
    else if (this.#make_engine()) this.#handle!.receive(all);
  }

  /** Whether there is one now: it may not like the certificate, or the key. */
  #make_engine(): boolean {
    const { beneath } = this;
    const { onread } = beneath;
    const methods = this.#socketless as unknown as Methods;
    const handle = this.#handle = methods._wrapHandle(undefined, beneath);
    // It has set its own.
    beneath.onread = onread!;
    this.#hello = undefined;
    this.#socketless._handle = this.#socketless.ssl = handle;
    methods._init();
    const plain = plain_buffer ??= new Uint8Array(PLAIN_SIZE);
    this.#plain = new BareStream(handle, {
      bytes_came: (count) => this.#events.data(plain.subarray(0, count)),
      end_came: () => this.#events.end(),
      error_came: (error) => this.#events.failed(error),
    });
    this.#plain.read_into(plain);
    if (handle.start() !== 0) {
      const { _initError: error = new Error("The engine cannot be used") } = this.#socketless;
      this.#events.failed(error);
      return false;
    }
    this.#plain.start();
    return true;
  }
}
