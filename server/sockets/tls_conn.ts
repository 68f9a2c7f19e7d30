import type net from "node:net";
import type { BareHandle } from "../../internal/runtime/bare_stream.ts";
import { set_tcp_option } from "../../internal/runtime/deno_internals.ts";
import { must_end } from "../../internal/runtime/order_to_end.ts";
import { may_fail } from "../../internal/runtime/pending.ts";
import { set_timer } from "../../internal/runtime/timer.ts";
import { open_tls, type TlsLine } from "../../internal/runtime/tls_internals.ts";
import { TlsError } from "../../internal/shared/errors.ts";
import type { SourceConn } from "./byte_conn.ts";
import type { Arrived } from "./byte_source.ts";
import { deno_error } from "./node_error.ts";
import type { TlsInfo, TlsTerms } from "./tls_terms.ts";

/** What is encrypted at once at the most, in bytes: the engine takes no more, and keeps it until the peer takes it. */
const MAX_PIECE = 49_152;

/** How long, in ms, a handshake may go on when the request is told to end. */
const HURRY = 1000;

/** What a connection is secured with. */
export interface TlsOpening<A extends Deno.Addr> {
  /** What is secured: see `open_tls()`. */
  beneath: BareHandle | net.Socket;
  localAddr: A;
  remoteAddr: A;
  /** What was read already: all of it is for the engine. */
  unread: Uint8Array;
  terms: TlsTerms;
  /** How long the handshake may take, in ms. */
  timeout: number;
  /** See `ByteSource`. */
  patience?: number | undefined;
  /** Called when it is closed. */
  closed?(): void;
}

/**
 * A connection that speaks TLS: it begins with the handshake at once. Bytes are pulled, as from any other: while nobody
 * reads, nothing is taken from the system. Its end without `close_notify` cannot be told from a good one.
 */
export class TlsConn<A extends Deno.Addr = Deno.Addr> implements SourceConn<A> {
  readonly localAddr: A;
  readonly remoteAddr: A;
  /** See `ByteSource`. */
  readonly patience: number | undefined;
  /** What there is to know of it, when the handshake is done. */
  tls: TlsInfo | undefined;
  #line: TlsLine;
  #terms: TlsTerms;
  #secured: PromiseWithResolvers<void> = Promise.withResolvers();
  #timeout: number;
  #clock: ReturnType<typeof setTimeout> | undefined;
  /** What came while nobody read: a record may come in parts. */
  #left: Uint8Array[] = [];
  /** Whether nothing more is taken from the system. */
  #is_stopped = false;
  /** What the read that waits is told. */
  #arrived: Arrived | undefined;
  #failed: ((error: unknown) => void) | undefined;
  /** Told when the connection breaks, even if nobody reads or writes. */
  #gone: ((error: unknown) => void) | undefined;
  #when_closed: (() => void) | undefined;
  /** The handshake has it, whatever comes then. */
  #no_delay = true;
  #ended = false;
  #closed = false;
  #failure: unknown;

  /** @param opening What it is made of. */
  constructor(opening: TlsOpening<A>) {
    this.localAddr = opening.localAddr;
    this.remoteAddr = opening.remoteAddr;
    this.patience = opening.patience;
    this.#terms = opening.terms;
    this.#timeout = opening.timeout;
    this.#when_closed = opening.closed;
    may_fail(this.#secured.promise);
    this.#line = open_tls(opening.beneath, opening.unread, opening.terms.options, {
      secure: () => this.#secure(),
      data: (bytes) => this.#receive(bytes),
      end: () => this.#end(),
      failed: (error) => this.#break(this.#error_of(error)),
      close: () => this.#close(),
    });
    this.#start_clock(opening.timeout);
  }

  /** Resolves when the handshake is done; rejects with what it failed with. */
  secure(): Promise<void> {
    return this.#secured.promise;
  }

  /** The request must end: a handshake that is not done soon fails. */
  hurry(): void {
    if (!this.tls && !this.#closed) this.#start_clock(Math.min(this.#timeout, HURRY));
  }

  pull(arrived: Arrived, failed: (error: unknown) => void): void {
    // What comes before the client is looked at is for nobody.
    const left = this.tls && this.#left.shift();
    if (left) return arrived(left);
    if (this.#ended) return arrived(null);
    const error = this.#error;
    if (error !== undefined) return failed(error);
    this.#arrived = arrived;
    this.#failed = failed;
    if (this.#is_stopped) this.#is_stopped = !this.#line.start();
  }

  watch(gone: (error: unknown) => void): void {
    this.#gone = gone;
  }

  /**
   * Writes some of the bytes; resolves when the system has them, to how many they are. Before the client is looked at
   * the engine gets nothing.
   */
  write(p: Uint8Array): Promise<number> {
    const error = this.#error;
    if (error !== undefined) return Promise.reject(error);
    if (p.length === 0) return Promise.resolve(0);
    if (!this.tls) return this.secure().then(() => this.write(p));
    const piece = p.length > MAX_PIECE ? p.subarray(0, MAX_PIECE) : p;
    return this.#line.write(piece).then(() => piece.length, (fault) => {
      throw this.#error ?? deno_error(fault);
    });
  }

  /** Sends `close_notify`, then FIN. */
  closeWrite(): Promise<void> {
    const error = this.#error;
    if (error !== undefined) return Promise.reject(error);
    return this.#line.end().catch((fault) => {
      throw deno_error(fault);
    });
  }

  close(): void {
    this.#line.close();
    this.#close();
  }

  setNoDelay(no_delay = true): void {
    if (!this.#is_tcp || no_delay === this.#no_delay) return;
    this.#no_delay = no_delay;
    set_tcp_option(this.#line.beneath, (handle) => handle.setNoDelay(no_delay));
  }

  setKeepAlive(keep_alive = true): void {
    if (this.#is_tcp) {
      set_tcp_option(this.#line.beneath, (handle) => handle.setKeepAlive(keep_alive, 0));
    }
  }

  ref(): void {
    this.#line.ref();
  }

  unref(): void {
    this.#line.unref();
  }

  get #is_tcp(): boolean {
    return this.remoteAddr.transport === "tcp" && !this.#closed;
  }

  #start_clock(timeout: number): void {
    clearTimeout(this.#clock);
    this.#clock = set_timer(timeout, () => this.#break(too_late(timeout)));
  }

  #secure(): void {
    if (this.#closed || must_end()) return;
    clearTimeout(this.#clock);
    try {
      this.tls = this.#terms.admit(this.#line.socket);
      this.#secured.resolve();
      if (this.#arrived) this.pull(this.#arrived, this.#failed!);
    } catch (error) {
      // At once: later the client would have got a ticket, with which it could go on as if it were verified.
      this.#break(error);
    }
  }

  #receive(bytes: Uint8Array): void {
    const arrived = this.tls && this.#end_wait();
    if (arrived) return arrived(bytes);
    this.#left.push(bytes.slice());
    this.#is_stopped ||= this.#line.stop();
  }

  #end_wait(): Arrived | undefined {
    const arrived = must_end() ? undefined : this.#arrived;
    this.#arrived = this.#failed = undefined;
    return arrived;
  }

  #end(): void {
    if (!this.tls) {
      return this.#break(new Deno.errors.UnexpectedEof("The peer left the TLS handshake"));
    }
    this.#ended = true;
    this.#end_wait()?.(null);
  }

  /** Nothing can be done with it any more, and the peer is told so by its end. */
  #break(error: unknown): void {
    if (this.#closed) return;
    this.#fail(error);
    // Who waits for the handshake is told so already.
    if (this.tls) this.#gone?.(error);
    this.close();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const failed = this.#failed;
    this.#end_wait();
    if (must_end()) return;
    this.#secured.reject(this.#failure);
    failed?.(this.#failure);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#clock);
    // Mostly nobody waits, and errors with their stacks are dear.
    if (this.#failed || !this.tls) this.#fail(this.#error);
    this.#when_closed?.();
  }

  /** Why it cannot be used, if it can't. */
  get #error(): unknown {
    return this.#failure ??
      (this.#closed ? new Deno.errors.Interrupted("operation canceled") : undefined);
  }

  /** An error of the engine, or of the connection beneath, as handlers get it. */
  #error_of(error: Error & { code?: string }): Error {
    const { code = "ERR_SSL", message } = error;
    const known = deno_error(error);
    // The codes of the system are one word; the engine's are more, and many: those of certificates, too.
    if (known !== error || !code.includes("_")) return known;
    const phase = this.tls ? "record" : "handshake";
    const what = this.tls ? "What came over TLS cannot be read" : "The TLS handshake failed";
    return new TlsError(`${what}: ${message}`, { code, phase });
  }
}

function too_late(timeout: number): TlsError {
  return new TlsError(`The TLS handshake was not done within ${timeout} ms`, {
    code: "ERR_TLS_HANDSHAKE_TIMEOUT",
    phase: "handshake",
  });
}
