import { client_fault } from "../../internal/runtime/client_fault.ts";
import { rest, turn_is_long } from "../../internal/runtime/fairness.ts";
import { may_fail } from "../../internal/runtime/pending.ts";
import { type ByteSink, closed_error } from "./byte_conn.ts";
import { IdleClock } from "./idle_clock.ts";

/** With a timeout, so many bytes are written at a time: it is enough that the peer takes these. */
const MAX_PIECE = 65_536;

/** What was done at once needs no promise of its own. */
const DONE = Promise.resolve();

/** The input of the same connection. */
interface Input {
  /** See `SocketInput`: something is written now. */
  idle: boolean;
}

/** The output of a connection: writes in their order, each of them whole, and then FIN. */
export class SocketOutput {
  #conn: ByteSink;
  #input: Input;
  #failed: (error: unknown) => void;
  /** How long a write may make no progress; none means for ever. */
  #clock: IdleClock | undefined;
  /** Rejects the write that is under way with a clock. */
  #fail: ((error: unknown) => void) | undefined;
  #writing = false;
  #writers: (() => void)[] = [];
  #state: "open" | "closed" | "stuck" = "open";
  #closed = false;
  /** How many bytes were written. */
  count = 0;
  /** What is being written, with nothing to see to until the system has taken it. */
  #bytes: Uint8Array | undefined;
  #result: Promise<number> | undefined;
  /** One function for all writes. */
  #taken: ((sent: number) => number | Promise<number>) | undefined;
  #refused: ((error: unknown) => never) | undefined;

  /**
   * @param conn Where the bytes go.
   * @param input The input of the same connection.
   * @param failed Called when it could not be written to.
   */
  constructor(conn: ByteSink, input: Input, failed: (error: unknown) => void) {
    this.#conn = conn;
    this.#input = input;
    this.#failed = failed;
  }

  /** Whether something is being written. */
  get writing(): boolean {
    return this.#writing;
  }

  /** Whether a write has timed out, so that nobody knows what the peer has. */
  get stuck(): boolean {
    return this.#state === "stuck";
  }

  /** Writes all of the bytes, when it is their turn; resolves to their number. Its failure ends no program. */
  write(p: Uint8Array): Promise<number> {
    const written = this.#begin(p);
    return typeof written === "number" ? Promise.resolve(written) : written;
  }

  /** The same, and resolves to nothing. */
  send_all(p: Uint8Array): Promise<void> {
    const written = this.#begin(p);
    return typeof written === "number" ? DONE : may_fail(written.then(pass_over));
  }

  /** Writes; a number where the system has taken all at once. */
  #begin(p: Uint8Array): number | Promise<number> {
    if (p.length === 0) return 0;
    if (this.#writing || !this.#is_open || turn_is_long()) {
      return may_fail(this.#write_in_turn(p));
    }
    this.#writing = true;
    this.#input.idle = false;
    const written = this.#write_some(p);
    if (typeof written === "object") {
      this.#bytes = p;
      this.#taken ??= (sent) => this.#take(sent);
      this.#refused ??= (error) => this.#refuse(error);
      return this.#result = written.then(this.#taken, this.#refused);
    }
    this.count += written;
    if (written < p.length) return may_fail(this.#write_rest(p, written));
    this.#next();
    return written;
  }

  async #write_in_turn(p: Uint8Array): Promise<number> {
    this.check();
    if (this.#writing) await this.#turn();
    this.#writing = true;
    this.#input.idle = false;
    try {
      // The one before it may have timed out.
      if (this.stuck) this.check();
      if (turn_is_long()) await rest();
    } catch (error) {
      this.#next();
      throw error;
    }
    return await this.#write_rest(p, 0);
  }

  async #write_rest(p: Uint8Array, sent: number): Promise<number> {
    try {
      while (sent < p.length) {
        const taken = await this.#write_some(sent === 0 ? p : p.subarray(sent));
        this.count += taken;
        sent += taken;
      }
      return sent;
    } catch (error) {
      this.#report(error);
      throw error;
    } finally {
      this.#next();
    }
  }

  /** These two do what an async function would, without one for each write. */
  #take(sent: number): number | Promise<number> {
    const bytes = this.#bytes!;
    this.#bytes = this.#result = undefined;
    this.count += sent;
    if (sent < bytes.length) return this.#write_rest(bytes, sent);
    this.#next();
    return sent;
  }

  #refuse(error: unknown): never {
    may_fail(this.#result!);
    this.#bytes = this.#result = undefined;
    this.#report(error);
    this.#next();
    throw error;
  }

  /** Sends FIN, after what is to be written already. */
  async end(): Promise<void> {
    if (this.#state === "closed") return;
    this.check();
    this.#state = "closed";
    if (this.#writing) await this.#turn();
    this.#writing = true;
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      this.#report(error);
      throw error;
    } finally {
      this.#next();
    }
  }

  /** Sets how long a write may make no progress, in ms; `null` means for ever. */
  set_timeout(timeout: number | null): void {
    this.#clock?.end();
    this.#clock = timeout === null ? undefined : new IdleClock(timeout, () => this.#late(timeout));
    if (this.#fail) this.#clock?.start();
  }

  /** Nothing is written any more. */
  close(): void {
    this.#closed = true;
    this.#clock?.end();
  }

  /** Reports what the connection has thrown, and not what follows from what was done here. */
  #report(error: unknown): void {
    if (!this.stuck && !this.#closed) this.#failed(error);
  }

  #late(timeout: number): void {
    this.#state = "stuck";
    const message = `The peer took no bytes within ${timeout} ms`;
    this.#fail?.(client_fault(new Deno.errors.TimedOut(message)));
  }

  get #is_open(): boolean {
    return this.#state === "open" && !this.#closed;
  }

  /** Throws if nothing can be written any more. */
  check(): void {
    if (this.#closed) throw closed_error();
    if (this.#state === "closed") throw new Deno.errors.BrokenPipe("The output is closed");
    if (this.stuck) throw new Deno.errors.BrokenPipe("An earlier write timed out");
  }

  /** Writes some of the bytes, all if it can; with a timeout no more than the peer must take in it. */
  #write_some(p: Uint8Array): number | Promise<number> {
    const clock = this.#clock;
    const is_too_long = clock !== undefined && p.length > MAX_PIECE;
    const written = this.#try_write(is_too_long ? p.subarray(0, MAX_PIECE) : p);
    if (!clock || typeof written === "number") return written;
    clock.start();
    return new Promise<number>((resolve, reject) => {
      this.#fail = reject;
      written.then(resolve, reject);
    }).finally(() => {
      this.#fail = undefined;
      this.#clock?.stop();
    });
  }

  #try_write(p: Uint8Array): number | Promise<number> {
    try {
      return this.#conn.write(p);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #turn(): Promise<void> {
    return new Promise((go) => this.#writers.push(go));
  }

  #next(): void {
    const next = this.#writers.length > 0 ? this.#writers.shift() : undefined;
    if (next) next();
    else this.#writing = false;
  }
}

function pass_over(): void {}
