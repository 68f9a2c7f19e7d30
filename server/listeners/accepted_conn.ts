import type { Accepted } from "../../internal/runtime/accepted.ts";
import { BareConn } from "../sockets/bare_conn.ts";
import type { Detachable, SourceConn } from "../sockets/byte_conn.ts";
import type { Arrived } from "../sockets/byte_source.ts";
import { NodeConn } from "../sockets/node_conn.ts";

/** A connection that is open here. */
type Opened<A extends Deno.Addr> =
  & SourceConn<A>
  & Detachable
  & Pick<Deno.TcpConn, "setNoDelay" | "setKeepAlive">;

/**
 * A connection as it was accepted, untouched: it leaves this thread as a descriptor, or is opened in
 * this one at its first use.
 */
export class AcceptedConn<A extends Deno.Addr> implements SourceConn<A> {
  readonly localAddr: A;
  readonly remoteAddr: A;
  /** See `Detachable`. */
  no_delay: boolean;
  /** See `ByteSource`. */
  patience: number | undefined;
  /** What was accepted; nothing once it has left, so that no memory is held for it. */
  #accepted: Accepted | undefined;
  #conn: Opened<A> | undefined;
  #gone: ((error: unknown) => void) | undefined;

  constructor(accepted: Accepted, no_delay: boolean, localAddr: A, remoteAddr: A) {
    this.#accepted = accepted;
    this.no_delay = no_delay;
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
  }

  /** See `Detachable`. */
  detach(): number {
    if (this.#conn) return this.#conn.detach();
    if (!this.#accepted) return -1;
    const fd = this.#accepted.duplicate();
    if (fd < 0) return fd;
    this.close();
    return fd;
  }

  /** See `Detachable`. */
  duplicate(): number | undefined {
    return this.#accepted?.duplicate();
  }

  /** See `Detachable`. */
  get left(): Uint8Array | undefined {
    return this.#conn?.left;
  }

  pull(arrived: Arrived, failed: (error: unknown) => void, target?: Uint8Array): void {
    this.#open().pull(arrived, failed, target);
  }

  /** See `ByteSource`. */
  give_up(): void {
    this.#conn?.give_up?.();
  }

  watch(gone: (error: unknown) => void): void {
    this.#gone = gone;
  }

  write(p: Uint8Array): number | Promise<number> {
    return this.#open().write(p);
  }

  closeWrite(): Promise<void> {
    return this.#open().closeWrite();
  }

  close(): void {
    this.#conn?.close();
    this.#accepted?.close();
    this.#accepted = undefined;
  }

  setNoDelay(no_delay = true): void {
    if (no_delay === this.no_delay) return;
    (this.#conn ?? this.#accepted)?.setNoDelay(no_delay);
    this.no_delay = no_delay;
  }

  setKeepAlive(keep_alive = true): void {
    (this.#conn ?? this.#accepted)?.setKeepAlive(keep_alive);
  }

  ref(): void {
    (this.#conn ?? this.#accepted)?.ref();
  }

  unref(): void {
    (this.#conn ?? this.#accepted)?.unref();
  }

  #open(): Opened<A> {
    if (this.#conn) return this.#conn;
    const accepted = this.#accepted!;
    this.#accepted = undefined;
    const { localAddr, remoteAddr, no_delay } = this;
    const handle = accepted.open_bare();
    const conn = handle
      ? new BareConn(handle, localAddr, remoteAddr, no_delay)
      : new NodeConn((options) => accepted.open(options), localAddr, remoteAddr, no_delay);
    if (this.#gone) conn.watch(this.#gone);
    return this.#conn = conn;
  }
}
