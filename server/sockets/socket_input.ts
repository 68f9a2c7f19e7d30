import { client_fault } from "../../internal/runtime/client_fault.ts";
import { rest, turn_is_long } from "../../internal/runtime/fairness.ts";
import { closed_error } from "./byte_conn.ts";
import { joined } from "./joined.ts";
import type { ByteSource } from "./byte_source.ts";
import { IdleClock } from "./idle_clock.ts";

const EMPTY = new Uint8Array(0);

/** What a read gives. */
type Result = Uint8Array | number | null;

/** The input of a connection: one read at a time, and what was read and nobody has taken yet. */
export class SocketInput {
  #source: ByteSource;
  #report: (error: unknown) => void;
  #unread: Uint8Array;
  /** Whether a read of the connection is under way; it has one owner, this object. */
  #pulling = false;
  /** Where the bytes of the read that waits go: into this array, or into a new one of at most this size. */
  #target: Uint8Array | number = 0;
  /** Whether what it reads completes something half-read, so that a drain must not cut it. */
  #midway = false;
  /** Ends the read that waits, if any. */
  #resolve: ((result: Result) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
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
  /** How many bytes have come for whoever reads. */
  count: number;
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
    this.count = unread.length;
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
  read(target: Uint8Array | number, midway: boolean): Promise<Result> {
    if (this.#resolve) {
      return Promise.reject(new Deno.errors.Busy("Another read of this connection waits already"));
    }
    if (this.closed) return Promise.reject(closed_error());
    if (this.#unread.length > 0 || size_of(target) === 0) {
      return Promise.resolve(this.#take(target));
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const ending = this.#state === "ending" && !midway;
    if (this.#state === "ended" || (ending && this.#looked)) return Promise.resolve(end_of(target));
    this.#target = target;
    this.#midway = midway;
    const reading = new Promise<Result>(this.#wait);
    if (ending) this.#look_once_more();
    this.#clock?.start();
    if (!this.#pulling) this.#pull();
    return reading;
  }

  /** Sets how long a read may wait, in ms; `null` means for ever. */
  set_timeout(timeout: number | null): void {
    this.#clock?.end();
    this.#clock = timeout === null ? undefined : new IdleClock(timeout, () => this.#late(timeout));
    if (this.#resolve) this.#clock?.start();
  }

  /** Rejects the read that waits, if any. The read of the connection goes on, for the next one. */
  give_up(error: Error): void {
    const reject = this.#reject;
    if (!reject) return;
    this.#end_wait();
    this.#source.give_up?.();
    reject(error);
  }

  /** Ends the input for reads with nothing half-read, the one that waits now and all later ones. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    if (this.#resolve && !this.#midway) this.#look_once_more();
  }

  /** Gives the read that waits, if any, the end of the input. */
  release(): void {
    const resolve = this.#resolve;
    if (!resolve) return;
    const end = end_of(this.#target);
    this.#end_wait();
    this.#source.give_up?.();
    resolve(end);
  }

  /** Nothing is read any more. A read that waits ends when the connection is closed. */
  close(): void {
    this.closed = true;
    clearTimeout(this.#look);
    this.#clock?.end();
  }

  /** One function for all reads, as each of its own would be one more to be collected. */
  #wait = (resolve: (result: Result) => void, reject: (error: unknown) => void): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  #pull(): void {
    this.#pulling = true;
    if (turn_is_long()) void rest().then(() => this.#pull_now());
    else this.#pull_now();
  }

  #pull_now(): void {
    const target = this.#resolve ? this.#target : 0;
    this.#source.pull(
      this.#arrived,
      this.#failed,
      typeof target === "object" ? target : undefined,
    );
  }

  #arrived = (bytes: Uint8Array | null, is_there = false): void => {
    this.#pulling = false;
    if (bytes === null) {
      this.#state = "ended";
      return this.release();
    }
    const resolve = this.#resolve;
    if (bytes.length === 0 && resolve) return this.#pull();
    this.#is_fresh = false;
    this.count += bytes.length;
    const target = this.#target;
    // The usual cases, and no copy but this one: none where it was read into the array itself.
    if (resolve && size_of(target) >= bytes.length) {
      this.#end_wait();
      return resolve(is_there ? bytes.length : copied(bytes, target));
    }
    this.#unread = bytes.slice();
    if (!resolve) return;
    this.#end_wait();
    resolve(this.#take(target));
  };

  #failed = (error: unknown): void => {
    this.#pulling = false;
    this.#error = error;
    this.#report(error);
    const reject = this.#reject;
    this.#end_wait();
    reject?.(error);
  };

  #end_wait(): void {
    this.#resolve = this.#reject = undefined;
    this.#target = 0;
    this.#clock?.stop();
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
    if (!this.#resolve || this.#midway) return;
    this.idle = true;
    this.release();
  }
}

/** Gives a read all of the bytes, which it has room for. */
function copied(bytes: Uint8Array, target: Uint8Array | number): Uint8Array | number {
  if (typeof target === "number") return bytes.slice();
  target.set(bytes);
  return bytes.length;
}

/** How many bytes a read takes at the most. */
function size_of(target: Uint8Array | number): number {
  return typeof target === "number" ? target : target.length;
}

/** What a read gives at the end of the input. */
function end_of(target: Uint8Array | number): Uint8Array | null {
  return typeof target === "number" ? EMPTY : null;
}
