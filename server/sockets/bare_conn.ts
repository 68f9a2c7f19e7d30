import {
  type BareHandle,
  type BareReader,
  BareStream,
} from "../../internal/runtime/bare_stream.ts";
import { deno_error } from "./node_error.ts";
import { buffer_of_thread, PulledConn } from "./pulled_conn.ts";

/** A read of so much is followed by more, and goes at once into the array of the reader if that is as large. */
const MUCH = 16_384;

/** A connection over its handle alone, as one that was accepted in one thread is used in another. */
export class BareConn<A extends Deno.Addr = Deno.Addr> extends PulledConn<A> implements BareReader {
  protected readonly beneath: BareHandle;
  #stream: BareStream;
  #buffer: Uint8Array = buffer_of_thread();
  #is_reading = true;
  /** Whether the last read has brought much. */
  #much = false;
  /** The array of the read that waits, where what is read goes into it at once. */
  #target: Uint8Array | undefined;

  /**
   * @param handle The handle, which belongs to the connection from then on.
   * @param localAddr The local address.
   * @param remoteAddr The peer's address.
   * @param no_delay Whether it has `TCP_NODELAY`.
   */
  constructor(handle: BareHandle, localAddr: A, remoteAddr: A, no_delay = false) {
    super(localAddr, remoteAddr, no_delay);
    this.beneath = handle;
    this.#stream = new BareStream(handle, this);
    this.#stream.read_into(this.#buffer);
    this.#stream.start();
  }

  /** See `ByteSource`. */
  give_up(): void {
    this.#take_back();
  }

  /** See `Detachable`. */
  detach(): number {
    // A broken one stays: its error is told to who uses it.
    if (this.error !== undefined) return -1;
    this.#stop();
    const fd = this.beneath.fdForIpc();
    if (fd >= 0) this.close();
    else if (!this.left) this.#start();
    return fd;
  }

  write(p: Uint8Array): number | Promise<number> {
    const { error } = this;
    if (error !== undefined) return Promise.reject(error);
    // Mostly the system takes it all at once, and there is nothing to wait for.
    const rest = this.#stream.write(p);
    return rest ? this.#wait_for(rest).then(() => p.length) : p.length;
  }

  closeWrite(): Promise<void> {
    const { error } = this;
    return error === undefined ? this.#wait_for(this.#stream.end()) : Promise.reject(error);
  }

  close(): void {
    if (this.closed) return;
    this.#take_back();
    this.#stream.close();
    this.end_use();
  }

  /** See `BareReader`. */
  bytes_came(count: number): void {
    const buffer = this.#target ?? this.#buffer;
    const is_there = this.#target !== undefined;
    this.#much = count >= MUCH;
    this.#take_back();
    // The next read would begin at once, before this one is used.
    if (count === buffer.length) this.#stop();
    if (!this.bring(buffer.subarray(0, count), is_there)) this.#stop();
  }

  /** See `BareReader`. */
  end_came(): void {
    this.#take_back();
    this.end();
  }

  /** See `BareReader`. */
  error_came(error: Error): void {
    this.break(deno_error(error));
  }

  protected override break(error: unknown): void {
    this.#take_back();
    super.break(error);
  }

  protected read_on(target?: Uint8Array): void {
    if (this.#much && target && target.length >= MUCH) this.#read_into(target);
    this.#start();
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
      const error = this.closed ? this.error : deno_error(fault as Error);
      if (!this.closed) this.break(error);
      throw error;
    }
  }
}
