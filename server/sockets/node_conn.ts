import type net from "node:net";
import {
  duplicate_descriptor,
  start_reading,
  stop_reading,
} from "../../internal/runtime/deno_internals.ts";
import { deno_error } from "./node_error.ts";
import { buffer_of_thread, PulledConn } from "./pulled_conn.ts";

const NOTHING = new Uint8Array(0);

/** A connection over a `node:net` socket: what takes the place of `BareConn` where there is no handle to be had. */
export class NodeConn<A extends Deno.Addr = Deno.Addr> extends PulledConn<A> {
  protected readonly beneath: net.Socket;
  #has_stopped = false;

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
    super(localAddr, remoteAddr, no_delay);
    const onread = {
      buffer: buffer_of_thread(),
      callback: (count: number) => this.#receive(count),
    };
    this.beneath = open({ readable: true, writable: true, allowHalfOpen: true, onread });
    this.beneath.on("end", () => this.end());
    this.beneath.on("error", (error) => this.break(deno_error(error)));
    this.beneath.on("close", () => this.end_use());
  }

  /** See `Detachable`. */
  detach(): number {
    // A broken one stays: its error is told to who uses it.
    if (this.error !== undefined || !stop_reading(this.beneath)) return -1;
    const fd = duplicate_descriptor(this.beneath);
    if (fd >= 0) this.beneath.destroy();
    else if (!this.left) start_reading(this.beneath);
    return fd;
  }

  write(p: Uint8Array): Promise<number> {
    const { error } = this;
    if (error !== undefined) return Promise.reject(error);
    this.beneath.write(p);
    // Mostly the system took it all at once, and there is nothing to wait for.
    if (this.beneath.writableLength === 0 && !this.beneath.errored) {
      return Promise.resolve(p.length);
    }
    return new Promise((resolve, reject) => {
      this.beneath.write(
        NOTHING,
        (fault) => fault ? reject(this.error ?? deno_error(fault)) : resolve(p.length),
      );
    });
  }

  closeWrite(): Promise<void> {
    const { error } = this;
    if (error !== undefined) return Promise.reject(error);
    return new Promise((resolve, reject) => {
      this.beneath.end((fault?: Error | null) => fault ? reject(deno_error(fault)) : resolve());
    });
  }

  close(): void {
    this.beneath.destroy();
    this.end_use();
  }

  protected read_on(): void {
    if (!this.#has_stopped) return;
    this.#has_stopped = false;
    if (!start_reading(this.beneath)) this.beneath.read(0);
  }

  /** Called with each read; `false` stops reading until somebody wants more. */
  #receive(count: number): boolean {
    if (this.bring(buffer_of_thread().subarray(0, count))) return true;
    this.#has_stopped = true;
    return stop_reading(this.beneath);
  }
}
