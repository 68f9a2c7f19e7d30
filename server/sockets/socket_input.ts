import { client_fault } from "../../internal/runtime/client_fault.ts";
import { rest, turn_is_long } from "../../internal/runtime/fairness.ts";
import { closed_error } from "./byte_conn.ts";
import { joined } from "./joined.ts";
import type { ByteSource } from "./byte_source.ts";
import { IdleClock } from "./idle_clock.ts";

const EMPTY = new Uint8Array(0);

/** A read that waits for bytes. */
interface Waiter {
  /** Where the bytes go: into this array, or into a new one of at most this size. */
  target: Uint8Array | number;
  /** Whether what it reads completes something half-read, so that a drain must not cut it. */
  midway: boolean;
  resolve(result: Uint8Array | number | null): void;
  reject(error: unknown): void;
}

/** The input of a connection: one read at a time, and what was read and nobody has taken yet. */
export class SocketInput {
  #source: ByteSource;
  #report: (error: unknown) => void;
  #unread: Uint8Array;
  /** Whether a read of the connection is under way; it has one owner, this object. */
  #pulling = false;
  #waiter: Waiter | undefined;
  #state: "open" | "ending" | "ended" = "open";
  /** Whether it was looked, since the input was ended, for what had come before. */
  #looked = false;
  #look: ReturnType<typeof setTimeout> | undefined;
  /** Whether nothing has come that is the client's own. */
  #is_fresh: boolean;
  #error: unknown;
  /** How long a read may wait; none means for ever. */
  #clock: IdleClock | undefined;
  /** Whether nothing is read any more. */
  closed = false;
  /** Whether the input was ended while a read waited, and nothing was written since. */
  idle = false;

  /**
   * @param source Where the bytes come from.
   * @param unread Bytes that came before.
   * @param report Called with the error when the connection cannot be read any more.
   */
  constructor(source: ByteSource, unread: Uint8Array, report: (error: unknown) => void) {
    this.#source = source;
    this.#unread = unread;
    this.#is_fresh = unread.length === 0;
    this.#report = report;
  }

  /** What came and nobody has taken yet. */
  get unread(): Uint8Array {
    return this.#unread;
  }

  /** Gives back what was read and is not used: it comes first, as if nothing had come before it. */
  put_back(bytes: Uint8Array): void {
    this.#is_fresh = bytes.length === 0;
    this.#unread = joined(bytes, this.#unread);
  }

  /** Whether a read of the connection is under way. */
  get pulling(): boolean {
    return this.#pulling;
  }

  /** Whether the peer has sent FIN, or the input was ended for it. */
  get ended(): boolean {
    return this.#state === "ended";
  }

  /** Whether the input ends, or has ended, because the request must. */
  get ending(): boolean {
    return this.#state === "ending";
  }

  /** Whether reading has failed. */
  get broken(): boolean {
    return this.#error !== undefined;
  }

  /**
   * Reads into an array, or gives a new one.
   *
   * @param target The array, or the most bytes of a new one.
   * @param midway Whether something is half-read, so that {@linkcode end} must not cut it.
   * @returns The number of bytes, `null` at the end; or the bytes, none at the end.
   */
  read(target: Uint8Array | number, midway: boolean): Promise<Uint8Array | number | null> {
    if (this.#waiter) {
      return Promise.reject(new Deno.errors.Busy("Another read of this connection waits already"));
    }
    if (this.closed) return Promise.reject(closed_error());
    if (this.#unread.length > 0 || size_of(target) === 0) {
      return Promise.resolve(this.#take(target));
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const ending = this.#state === "ending" && !midway;
    if (this.#state === "ended" || (ending && this.#looked)) return Promise.resolve(end_of(target));
    return new Promise((resolve, reject) => {
      this.#waiter = { target, midway, resolve, reject };
      if (ending) this.#look_once_more();
      this.#clock?.start();
      if (!this.#pulling) this.#pull();
    });
  }

  /** Sets how long a read may wait, in ms; `null` means for ever. */
  set_timeout(timeout: number | null): void {
    this.#clock?.end();
    this.#clock = timeout === null ? undefined : new IdleClock(timeout, () => this.#late(timeout));
    if (this.#waiter) this.#clock?.start();
  }

  /** Rejects the read that waits, if any. The read of the connection goes on, for the next one. */
  give_up(error: Error): void {
    this.#end_wait()?.reject(error);
  }

  /** Ends the input for reads with nothing half-read, the one that waits now and all later ones. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    if (this.#waiter?.midway === false) this.#look_once_more();
  }

  /** Gives the read that waits, if any, the end of the input. */
  release(): void {
    const waiter = this.#end_wait();
    waiter?.resolve(end_of(waiter.target));
  }

  /** Nothing is read any more. A read that waits ends when the connection is closed. */
  close(): void {
    this.closed = true;
    clearTimeout(this.#look);
    this.#clock?.end();
  }

  #pull(): void {
    this.#pulling = true;
    if (turn_is_long()) void rest().then(() => this.#pull_now());
    else this.#pull_now();
  }

  #pull_now(): void {
    this.#source.pull(this.#arrived, this.#failed);
  }

  #arrived = (bytes: Uint8Array | null, may_keep = false): boolean => {
    this.#pulling = false;
    if (bytes === null) {
      this.#state = "ended";
      this.release();
      return false;
    }
    if (bytes.length === 0 && this.#waiter) {
      this.#pull();
      return false;
    }
    this.#is_fresh = false;
    const waiter = this.#end_wait();
    if (typeof waiter?.target === "object" && waiter.target.length >= bytes.length) {
      // The usual case, and no copy but this one.
      waiter.target.set(bytes);
      waiter.resolve(bytes.length);
      return false;
    }
    this.#unread = may_keep ? bytes : bytes.slice();
    waiter?.resolve(this.#take(waiter.target));
    return may_keep;
  };

  #failed = (error: unknown): void => {
    this.#pulling = false;
    this.#error = error;
    this.#report(error);
    this.#end_wait()?.reject(error);
  };

  #end_wait(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    this.#clock?.stop();
    return waiter;
  }

  /** Gives what waits to be read, as much as is wanted of it, in an array of the caller's own. */
  #take(target: Uint8Array | number): Uint8Array | number {
    const wanted = size_of(target);
    const unread = this.#unread;
    const whole = wanted >= unread.length;
    const bytes = whole ? unread : unread.subarray(0, wanted);
    this.#unread = whole ? EMPTY : unread.subarray(wanted);
    if (typeof target !== "number") {
      target.set(bytes);
      return bytes.length;
    }
    const has_all = bytes.length === bytes.buffer.byteLength;
    return has_all ? bytes : bytes.slice();
  }

  #late(timeout: number): void {
    const message = `No bytes came from the peer within ${timeout} ms`;
    this.give_up(client_fault(new Deno.errors.TimedOut(message)));
  }

  /**
   * Ends the read that waits, but not before what has come is read: it was sent in time, and is
   * answered. Once, because a client that is answered may go on asking for ever.
   */
  #look_once_more(): void {
    this.#looked = true;
    // The first turn of the event loop asks the system, the second one brings what it has.
    const end = () => this.#end_idle_read();
    const { patience = 0 } = this.#source;
    this.#look = setTimeout(
      () => this.#look = setTimeout(end, 0),
      this.#is_fresh ? patience : 0,
    );
  }

  #end_idle_read(): void {
    if (this.#waiter?.midway !== false) return;
    this.idle = true;
    this.release();
  }
}

/** How many bytes a read takes at the most. */
function size_of(target: Uint8Array | number): number {
  return typeof target === "number" ? target : target.length;
}

/** What a read gives at the end of the input. */
function end_of(target: Uint8Array | number): Uint8Array | null {
  return typeof target === "number" ? EMPTY : null;
}
