import type net from "node:net";
import { must_end } from "../../internal/runtime/order_to_end.ts";
import {
  duplicate_descriptor,
  set_tcp_option,
  start_reading,
  stop_reading,
} from "../../internal/runtime/deno_internals.ts";
import type { Arrived } from "./byte_source.ts";
import { deno_error } from "./node_error.ts";
import type { SourceConn } from "./stream_socket.ts";

/** What one read takes at the most, in bytes. */
const READ_SIZE = 65_536;

/** All connections of a thread read into this: each read is taken out before the next begins. */
let shared_buffer: Uint8Array | undefined;

const NOTHING = new Uint8Array(0);

/**
 * A connection over a `node:net` socket: how a connection that was accepted in one thread is used in
 * another. Bytes are pulled: while nobody reads, nothing is taken from the system, so a fast peer
 * cannot fill the memory. A read that waits needs no buffer of its own, so an idle connection has none.
 */
export class NodeConn<A extends Deno.Addr = Deno.Addr> implements SourceConn<A> {
  readonly localAddr: A;
  readonly remoteAddr: A;
  /** What came while nobody read; reading has stopped then. See `Detachable`. */
  left: Uint8Array | undefined;
  /** See `ByteSource`. */
  patience: number | undefined;
  /** See `Detachable`. */
  no_delay: boolean;
  #socket: net.Socket;
  /** What the read that waits is told. */
  #arrived: Arrived | undefined;
  #failed: ((error: unknown) => void) | undefined;
  /** Told when the connection breaks, even if nobody reads or writes. */
  #gone: ((error: unknown) => void) | undefined;
  #ended = false;
  #closed = false;
  #failure: unknown;

  /**
   * @param open Makes the socket with the options it is given.
   * @param localAddr The local address.
   * @param remoteAddr The peer's address.
   * @param no_delay Whether it has `TCP_NODELAY`.
   */
  constructor(
    open: (options: net.SocketConstructorOpts) => net.Socket,
    localAddr: A,
    remoteAddr: A,
    no_delay = false,
  ) {
    this.no_delay = no_delay;
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
    const buffer = shared_buffer ??= new Uint8Array(READ_SIZE);
    const onread = { buffer, callback: (count: number) => this.#receive(count) };
    this.#socket = open({ readable: true, writable: true, allowHalfOpen: true, onread });
    this.#socket.on("end", () => this.#end());
    this.#socket.on("error", (error) => this.#break(deno_error(error)));
    this.#socket.on("close", () => this.#close());
  }

  pull(arrived: Arrived, failed: (error: unknown) => void): void {
    const left = this.left;
    if (left) {
      this.left = undefined;
      if (!start_reading(this.#socket)) this.#socket.read(0);
      return arrived(left);
    }
    if (this.#ended) return arrived(null);
    const error = this.#error;
    if (error !== undefined) return failed(error);
    this.#arrived = arrived;
    this.#failed = failed;
  }

  /** See `Detachable`. */
  detach(): number {
    // A broken one stays: its error is told to who uses it.
    if (this.#error !== undefined || !stop_reading(this.#socket)) return -1;
    const fd = duplicate_descriptor(this.#socket);
    if (fd >= 0) this.#socket.destroy();
    else if (!this.left) start_reading(this.#socket);
    return fd;
  }

  watch(gone: (error: unknown) => void): void {
    this.#gone = gone;
  }

  write(p: Uint8Array): Promise<number> {
    const error = this.#error;
    if (error !== undefined) return Promise.reject(error);
    this.#socket.write(p);
    // Mostly the system took it all at once, and there is nothing to wait for.
    if (this.#socket.writableLength === 0 && !this.#socket.errored) {
      return Promise.resolve(p.length);
    }
    return new Promise((resolve, reject) => {
      this.#socket.write(
        NOTHING,
        (fault) => fault ? reject(this.#error ?? deno_error(fault)) : resolve(p.length),
      );
    });
  }

  closeWrite(): Promise<void> {
    const error = this.#error;
    if (error !== undefined) return Promise.reject(error);
    return new Promise((resolve, reject) => {
      this.#socket.end((fault?: Error | null) => fault ? reject(deno_error(fault)) : resolve());
    });
  }

  close(): void {
    this.#socket.destroy();
    this.#close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  setNoDelay(no_delay = true): void {
    if (!this.#is_tcp || no_delay === this.no_delay) return;
    this.no_delay = no_delay;
    set_tcp_option(this.#socket, (handle) => handle.setNoDelay(no_delay));
  }

  setKeepAlive(keep_alive = true): void {
    if (this.#is_tcp) set_tcp_option(this.#socket, (handle) => handle.setKeepAlive(keep_alive, 0));
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  get #is_tcp(): boolean {
    return this.remoteAddr.transport === "tcp" && !this.#closed;
  }

  /** Called with each read; `false` stops reading until somebody wants more. */
  #receive(count: number): boolean {
    const bytes = shared_buffer!.subarray(0, count);
    const arrived = this.#end_wait();
    if (arrived) {
      arrived(bytes);
      return true;
    }
    this.left = bytes.slice();
    return stop_reading(this.#socket);
  }

  #end_wait(): Arrived | undefined {
    const arrived = must_end() ? undefined : this.#arrived;
    this.#arrived = this.#failed = undefined;
    return arrived;
  }

  #end(): void {
    this.#ended = true;
    this.#end_wait()?.(null);
  }

  #break(error: unknown): void {
    this.#fail(error);
    this.#gone?.(error);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const failed = this.#failed;
    this.#end_wait();
    if (!must_end()) failed?.(this.#failure);
  }

  #close(): void {
    this.#closed = true;
    // Most connections are closed while nobody waits, and errors with their stacks are dear.
    if (this.#failed) this.#fail(this.#error);
  }

  /** Why it cannot be used, if it can't. */
  get #error(): unknown {
    return this.#failure ??
      (this.#closed ? new Deno.errors.Interrupted("operation canceled") : undefined);
  }
}
