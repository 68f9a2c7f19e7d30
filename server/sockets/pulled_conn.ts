import type net from "node:net";
import type { BareHandle } from "../../internal/runtime/bare_stream.ts";
import { set_tcp_option } from "../../internal/runtime/deno_internals.ts";
import { must_end } from "../../internal/runtime/order_to_end.ts";
import type { SourceConn } from "./byte_conn.ts";
import type { Arrived } from "./byte_source.ts";

/** What one read takes at the most, in bytes. */
const READ_SIZE = 65_536;

let buffer: Uint8Array | undefined;

/** All connections of a thread read into this: each read is taken out before the next begins. */
export function buffer_of_thread(): Uint8Array {
  return buffer ??= new Uint8Array(READ_SIZE);
}

/**
 * A connection of a descriptor, whose bytes are pulled: what comes while nobody reads is kept, and then nothing is
 * taken from the system, so a fast peer cannot fill the memory. A read that waits needs no buffer of its own, so an
 * idle connection has none.
 */
export abstract class PulledConn<A extends Deno.Addr = Deno.Addr> implements SourceConn<A> {
  readonly localAddr: A;
  readonly remoteAddr: A;
  /** What came while nobody read; reading has stopped then. See `Detachable`. */
  left: Uint8Array | undefined;
  /** See `ByteSource`. */
  patience: number | undefined;
  /** See `Detachable`. */
  no_delay: boolean;
  /** What it reads from and writes to. */
  protected abstract readonly beneath: net.Socket | BareHandle;
  /** What the read that waits is told. */
  #arrived: Arrived | undefined;
  #failed: ((error: unknown) => void) | undefined;
  /** Told when the connection breaks, even if nobody reads or writes. */
  #gone: ((error: unknown) => void) | undefined;
  #ended = false;
  #closed = false;
  #failure: unknown;

  /**
   * @param localAddr The local address.
   * @param remoteAddr The peer's address.
   * @param no_delay Whether it has `TCP_NODELAY`.
   */
  constructor(localAddr: A, remoteAddr: A, no_delay: boolean) {
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
    this.no_delay = no_delay;
  }

  pull(arrived: Arrived, failed: (error: unknown) => void, target?: Uint8Array): void {
    const { left } = this;
    if (left) {
      this.left = undefined;
      this.read_on();
      return arrived(left);
    }
    if (this.#ended) return arrived(null);
    const { error } = this;
    if (error !== undefined) return failed(error);
    this.#arrived = arrived;
    this.#failed = failed;
    this.read_on(target);
  }

  watch(gone: (error: unknown) => void): void {
    this.#gone = gone;
  }

  abstract write(p: Uint8Array): number | Promise<number>;
  abstract closeWrite(): Promise<void>;
  abstract close(): void;

  setNoDelay(no_delay = true): void {
    if (!this.#is_tcp || no_delay === this.no_delay) return;
    this.no_delay = no_delay;
    set_tcp_option(this.beneath, (handle) => handle.setNoDelay(no_delay));
  }

  setKeepAlive(keep_alive = true): void {
    if (this.#is_tcp) set_tcp_option(this.beneath, (handle) => handle.setKeepAlive(keep_alive, 0));
  }

  ref(): void {
    this.beneath.ref();
  }

  unref(): void {
    this.beneath.unref();
  }

  get #is_tcp(): boolean {
    return this.remoteAddr.transport === "tcp" && !this.#closed;
  }

  /** Reads, where that has stopped; at once into the array of the reader, where that is worth it. */
  protected abstract read_on(target?: Uint8Array): void;

  /** Why it cannot be used, if it can't. */
  protected get error(): unknown {
    return this.#failure ??
      (this.#closed ? new Deno.errors.Interrupted("operation canceled") : undefined);
  }

  /** Whether it was closed here. */
  protected get closed(): boolean {
    return this.#closed;
  }

  /** Gives the bytes to the read that waits; else keeps a copy of them, and reading must stop: then it is `false`. */
  protected bring(bytes: Uint8Array, is_there = false): boolean {
    const arrived = this.#end_wait();
    if (arrived) arrived(bytes, is_there);
    else this.left = bytes.slice();
    return arrived !== undefined;
  }

  /** The peer has sent FIN. */
  protected end(): void {
    this.#ended = true;
    this.#end_wait()?.(null);
  }

  protected break(error: unknown): void {
    this.#fail(error);
    this.#gone?.(error);
  }

  /** It is closed here. */
  protected end_use(): void {
    this.#closed = true;
    // Most connections are closed while nobody waits, and errors with their stacks are dear.
    if (this.#failed) this.#fail(this.error);
  }

  #end_wait(): Arrived | undefined {
    const arrived = must_end() ? undefined : this.#arrived;
    this.#arrived = this.#failed = undefined;
    return arrived;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const failed = this.#failed;
    this.#end_wait();
    if (!must_end()) failed?.(this.#failure);
  }
}
