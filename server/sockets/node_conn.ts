import type net from "node:net";
import { deno_error } from "./node_error.ts";
import type { ByteConn } from "./stream_socket.ts";

/** What one read takes at the most, in bytes. */
const READ_SIZE = 65_536;

/** All connections of a thread read into this: each read is taken out before the next begins. */
let shared_buffer: Uint8Array | undefined;

const NOTHING = new Uint8Array(0);

/** A read that waits for bytes. */
interface Waiter {
  p: Uint8Array;
  resolve(count: number | null): void;
  reject(error: unknown): void;
}

/**
 * A connection over a `node:net` socket: how a connection that was accepted in one thread is used in
 * another. Bytes are pulled: while nobody reads, nothing is taken from the system, so a fast peer
 * cannot fill the memory.
 */
export class NodeConn<A extends Deno.Addr = Deno.Addr> implements ByteConn<A> {
  readonly localAddr: A;
  readonly remoteAddr: A;
  #socket: net.Socket;
  #waiter: Waiter | undefined;
  #left: Uint8Array = NOTHING;
  #stopped = false;
  #ended = false;
  #closed = false;
  #failure: unknown;

  /**
   * @param open Makes the socket with the options it is given.
   * @param localAddr The local address.
   * @param remoteAddr The peer's address.
   */
  constructor(
    open: (options: net.SocketConstructorOpts) => net.Socket,
    localAddr: A,
    remoteAddr: A,
  ) {
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
    const buffer = shared_buffer ??= new Uint8Array(READ_SIZE);
    const onread = { buffer, callback: (count: number) => this.#arrived(count) };
    this.#socket = open({ readable: true, writable: true, allowHalfOpen: true, onread });
    this.#socket.on("end", () => this.#end());
    this.#socket.on("error", (error) => this.#fail(deno_error(error)));
    this.#socket.on("close", () => this.#close());
  }

  read(p: Uint8Array): Promise<number | null> {
    if (this.#left.length > 0) return Promise.resolve(this.#take(this.#left, p));
    if (this.#ended) return Promise.resolve(null);
    const error = this.#error;
    if (error !== undefined) return Promise.reject(error);
    return new Promise((resolve, reject) => {
      this.#waiter = { p, resolve, reject };
      if (!this.#stopped) return;
      this.#stopped = false;
      this.#socket.read(0);
    });
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

  setNoDelay(no_delay?: boolean): void {
    this.#socket.setNoDelay(no_delay);
  }

  setKeepAlive(keep_alive?: boolean): void {
    this.#socket.setKeepAlive(keep_alive);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  /** Called with each read; `false` stops reading until somebody wants more. */
  #arrived(count: number): boolean {
    const bytes = shared_buffer!.subarray(0, count);
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter && count <= waiter.p.length) {
      waiter.p.set(bytes);
      waiter.resolve(count);
      return true;
    }
    this.#stopped = true;
    const copy = bytes.slice();
    if (waiter) waiter.resolve(this.#take(copy, waiter.p));
    else this.#left = copy;
    return false;
  }

  #take(bytes: Uint8Array, p: Uint8Array): number {
    const count = Math.min(bytes.length, p.length);
    p.set(bytes.subarray(0, count));
    this.#left = bytes.subarray(count);
    return count;
  }

  #end(): void {
    this.#ended = true;
    this.#waiter?.resolve(null);
    this.#waiter = undefined;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#waiter?.reject(this.#failure);
    this.#waiter = undefined;
  }

  #close(): void {
    this.#closed = true;
    // Most connections are closed while nobody waits, and errors with their stacks are dear.
    if (this.#waiter) this.#fail(this.#error);
  }

  /** Why it cannot be used, if it can't. */
  get #error(): unknown {
    return this.#failure ??
      (this.#closed ? new Deno.errors.Interrupted("operation canceled") : undefined);
  }
}
