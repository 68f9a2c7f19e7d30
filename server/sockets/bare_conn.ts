import {
  type BareHandle,
  type BareReader,
  BareStream,
} from "../../internal/runtime/bare_stream.ts";
import { set_tcp_option } from "../../internal/runtime/deno_internals.ts";
import { must_end } from "../../internal/runtime/order_to_end.ts";
import type { SourceConn } from "./byte_conn.ts";
import type { Arrived } from "./byte_source.ts";
import { deno_error } from "./node_error.ts";

/** What one read takes at the most, in bytes. */
const READ_SIZE = 65_536;
/** A read of so much is followed by more, and goes at once into the array of the reader if that is as large. */
const MUCH = 16_384;

/** All connections of a thread read into this: each read is taken out before the next begins. */
let shared_buffer: Uint8Array | undefined;

/**
 * A connection over its handle alone, as one that was accepted in one thread is used in another. Bytes are pulled:
 * what comes while nobody reads is kept, and then nothing is taken from the system, so a fast peer cannot fill the
 * memory. A read that waits needs no buffer of its own, so an idle connection has none.
 */
export class BareConn<A extends Deno.Addr = Deno.Addr> implements SourceConn<A>, BareReader {
  readonly localAddr: A;
  readonly remoteAddr: A;
  /** What came while nobody read; reading has stopped then. See `Detachable`. */
  left: Uint8Array | undefined;
  /** See `ByteSource`. */
  patience: number | undefined;
  /** See `Detachable`. */
  no_delay: boolean;
  #handle: BareHandle;
  #stream: BareStream;
  #buffer: Uint8Array;
  #is_reading = true;
  /** Whether the last read has brought much. */
  #much = false;
  /** The array of the read that waits, where what is read goes into it at once. */
  #target: Uint8Array | undefined;
  /** What the read that waits is told. */
  #arrived: Arrived | undefined;
  #failed: ((error: unknown) => void) | undefined;
  /** Told when the connection breaks, even if nobody reads or writes. */
  #gone: ((error: unknown) => void) | undefined;
  #ended = false;
  #closed = false;
  #failure: unknown;

  /**
   * @param handle The handle, which belongs to the connection from then on.
   * @param localAddr The local address.
   * @param remoteAddr The peer's address.
   * @param no_delay Whether it has `TCP_NODELAY`.
   */
  constructor(handle: BareHandle, localAddr: A, remoteAddr: A, no_delay = false) {
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
    this.no_delay = no_delay;
    this.#handle = handle;
    this.#buffer = shared_buffer ??= new Uint8Array(READ_SIZE);
    this.#stream = new BareStream(handle, this);
    this.#stream.read_into(this.#buffer);
    this.#stream.start();
  }

  pull(arrived: Arrived, failed: (error: unknown) => void, target?: Uint8Array): void {
    const left = this.left;
    if (left) {
      this.left = undefined;
      this.#start();
      return arrived(left);
    }
    if (this.#ended) return arrived(null);
    const error = this.#error;
    if (error !== undefined) return failed(error);
    this.#arrived = arrived;
    this.#failed = failed;
    if (this.#much && target && target.length >= MUCH) this.#read_into(target);
    this.#start();
  }

  /** See `ByteSource`. */
  give_up(): void {
    this.#take_back();
  }

  /** See `Detachable`. */
  detach(): number {
    // A broken one stays: its error is told to who uses it.
    if (this.#error !== undefined) return -1;
    this.#stop();
    const fd = this.#handle.fdForIpc();
    if (fd >= 0) this.close();
    else if (!this.left) this.#start();
    return fd;
  }

  watch(gone: (error: unknown) => void): void {
    this.#gone = gone;
  }

  write(p: Uint8Array): number | Promise<number> {
    const error = this.#error;
    if (error !== undefined) return Promise.reject(error);
    // Mostly the system takes it all at once, and there is nothing to wait for.
    const rest = this.#stream.write(p);
    return rest ? this.#wait_for(rest).then(() => p.length) : p.length;
  }

  closeWrite(): Promise<void> {
    const error = this.#error;
    return error === undefined ? this.#wait_for(this.#stream.end()) : Promise.reject(error);
  }

  close(): void {
    if (this.#closed) return;
    this.#take_back();
    this.#closed = true;
    this.#stream.close();
    // Most connections are closed while nobody waits, and errors with their stacks are dear.
    if (this.#failed) this.#fail(this.#error);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  setNoDelay(no_delay = true): void {
    if (!this.#is_tcp || no_delay === this.no_delay) return;
    this.no_delay = no_delay;
    set_tcp_option(this.#handle, (handle) => handle.setNoDelay(no_delay));
  }

  setKeepAlive(keep_alive = true): void {
    if (this.#is_tcp) set_tcp_option(this.#handle, (handle) => handle.setKeepAlive(keep_alive, 0));
  }

  ref(): void {
    this.#stream.ref();
  }

  unref(): void {
    this.#stream.unref();
  }

  get #is_tcp(): boolean {
    return this.remoteAddr.transport === "tcp" && !this.#closed;
  }

  /** See `BareReader`. */
  bytes_came(count: number): void {
    const buffer = this.#target ?? this.#buffer;
    const is_there = this.#target !== undefined;
    this.#much = count >= MUCH;
    this.#take_back();
    // The next read would begin at once, before this one is used.
    if (count === buffer.length) this.#stop();
    const bytes = buffer.subarray(0, count);
    const arrived = this.#end_wait();
    if (arrived) return arrived(bytes, is_there);
    this.left = bytes.slice();
    this.#stop();
  }

  /** See `BareReader`. */
  end_came(): void {
    this.#take_back();
    this.#ended = true;
    this.#end_wait()?.(null);
  }

  /** See `BareReader`. */
  error_came(error: Error): void {
    this.#break(deno_error(error));
  }

  #read_into(target: Uint8Array): void {
    this.#target = target;
    this.#stream.read_into(target);
  }

  /** Has it read into the buffer of the thread: the array of a reader is its own again. */
  #take_back(): void {
    if (!this.#target) return;
    this.#target = undefined;
    this.#stream.read_into(this.#buffer);
  }

  #start(): void {
    if (this.#is_reading) return;
    this.#is_reading = true;
    this.#stream.start();
  }

  #stop(): void {
    if (!this.#is_reading) return;
    this.#is_reading = false;
    this.#stream.stop();
  }

  async #wait_for(doing: Promise<void>): Promise<void> {
    try {
      await doing;
    } catch (fault) {
      const error = this.#closed ? this.#error : deno_error(fault as Error);
      if (!this.#closed) this.#break(error);
      throw error;
    }
  }

  #end_wait(): Arrived | undefined {
    const arrived = must_end() ? undefined : this.#arrived;
    this.#arrived = this.#failed = undefined;
    return arrived;
  }

  #break(error: unknown): void {
    this.#fail(error);
    this.#gone?.(error);
  }

  #fail(error: unknown): void {
    this.#take_back();
    this.#failure ??= error;
    const failed = this.#failed;
    this.#end_wait();
    if (!must_end()) failed?.(this.#failure);
  }

  /** Why it cannot be used, if it can't. */
  get #error(): unknown {
    return this.#failure ??
      (this.#closed ? new Deno.errors.Interrupted("operation canceled") : undefined);
  }
}
