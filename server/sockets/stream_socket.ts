import { peer_addr } from "../address.ts";
import { exchange_of } from "../requests/exchange.ts";
import { rest, turn_is_long } from "../../internal/runtime/fairness.ts";
import { may_fail } from "../../internal/runtime/pending.ts";
import { MAX_TIMER } from "../../internal/runtime/timer.ts";
import type { ByteSource } from "./byte_source.ts";
import { check_bytes } from "./check_bytes.ts";
import { ConnSource } from "./conn_source.ts";
import { IdleClock } from "./idle_clock.ts";

/** How much is read at once at the most, in bytes. */
const READ_SIZE = 65_536;
/** The most that {@linkcode close_gracefully} reads and throws away, in bytes. */
const MAX_DISCARD = 1_048_576;
/** With a timeout, so many bytes are written at a time: it is enough that the peer takes these. */
const MAX_PIECE = 65_536;

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

/** What {@linkcode StreamSocket} needs of a connection: every `Deno.Conn` has it. */
export type ByteConn<A extends Deno.Addr = Deno.Addr> = Omit<
  Deno.Conn<A>,
  "readable" | "writable"
>;

/** A connection that lends what it has read. */
export type SourceConn<A extends Deno.Addr = Deno.Addr> = Omit<ByteConn<A>, "read"> & ByteSource;

/** A connection that can leave this thread as a file descriptor. */
interface Detachable {
  /**
   * A descriptor of its own for the connection, which is closed here; -1 if there is none to be had,
   * `undefined` if the connection is in use here.
   */
  detach(): number | undefined;
  /** Whether it has `TCP_NODELAY`. */
  readonly no_delay: boolean;
}

/** What {@linkcode detach} gives: the descriptor, and what was read from it already. */
export interface DetachedSocket {
  /** The file descriptor. */
  fd: number;
  /** Bytes that were read here and not yet used. */
  unread: Uint8Array;
  /** Whether the connection has `TCP_NODELAY`. */
  no_delay: boolean;
}

/** Friends of the class: what servers and readers do with a socket and handlers do not. */
interface Friends {
  /**
   * Reads at most `size` bytes into an array of the caller's own, empty at the end. `midway` says
   * that something is half-read.
   */
  receive(socket: StreamSocket, size: number, midway: boolean): Promise<Uint8Array>;
  /** Ends the input for reads with nothing half-read, the one that waits now and all later ones. */
  end_input(socket: StreamSocket): void;
  /** Takes the connection out of this thread; `undefined`, and it stays, where it can't leave it. */
  detach(socket: StreamSocket): DetachedSocket | undefined;
  /** FIN, then discarding what the peer still sends for at most `linger` ms, then close. */
  close_gracefully(socket: StreamSocket, linger: number): Promise<void>;
}

const friends = {} as Friends;

/**
 * A stream connection: the `request` of TCP and Unix stream servers. It is a `Deno.Conn`, so code
 * written for one takes it, and it has the methods of Python's socket objects.
 *
 * Unlike a bare `Deno.Conn`, a {@linkcode write} always writes everything, writes that are not
 * awaited keep their order, {@linkcode close} may be called twice, and a read that times out loses
 * no bytes: the next read gets them.
 *
 * @example Echo, as over a Python socket
 * ```ts
 * import { BaseRequestHandler, TCPServer } from "@socketserver/socketserver";
 *
 * class EchoHandler extends BaseRequestHandler {
 *   override async handle(): Promise<void> {
 *     for (;;) {
 *       const data = await this.request.recv(1024);
 *       if (data.length === 0) break;
 *       await this.request.sendall(data);
 *     }
 *   }
 * }
 *
 * await using server = new TCPServer(["127.0.0.1", 0], EchoHandler);
 * const { hostname, port } = server.server_address;
 * using client = await Deno.connect({ hostname, port });
 * await client.write(new TextEncoder().encode("hello"));
 * await client.closeWrite();
 * await server.handle_request();
 * console.log(await new Response(client.readable).text()); // hello
 * ```
 *
 * @typeParam A The type of its addresses.
 */
export class StreamSocket<A extends Deno.Addr = Deno.Addr> implements Deno.Conn<A> {
  #conn: ByteConn<A>;
  #local: A | undefined;
  #remote: A | undefined;
  #source: ByteSource;
  /** What was read and nobody has taken yet. */
  #unread: Uint8Array;
  /** Whether a read of the connection is under way; it has one owner, this object. */
  #pulling = false;
  #waiter: Waiter | undefined;
  #input: "open" | "ending" | "ended" = "open";
  /** Whether it was looked, since its input was ended, for what had come before. */
  #looked = false;
  #look: ReturnType<typeof setTimeout> | undefined;
  /** Whether it was idle when its input was ended: no reply is on its way. */
  #idle = false;
  #error: unknown;
  /** How long a read may wait; none where that is for ever. */
  #read_clock: IdleClock | undefined;
  /** How long a write may make no progress. */
  #write_clock: IdleClock | undefined;
  /** Rejects the write that is under way with a clock. */
  #fail_write: ((error: unknown) => void) | undefined;
  #writing = false;
  #writers: (() => void)[] = [];
  #output: "open" | "closed" | "stuck" = "open";
  #closed = false;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;

  /**
   * Wraps a connection, which belongs to the new object from then on.
   *
   * @param conn The connection: any `Deno.Conn`, a TLS one too.
   * @param unread Bytes that were read from it already and come first.
   */
  constructor(conn: ByteConn<A>, unread: Uint8Array = EMPTY) {
    this.#conn = conn;
    this.#source = is_source(conn) ? conn : new ConnSource(conn);
    this.#unread = unread;
  }

  static {
    friends.receive = (socket, size, midway) => socket.#read(size, midway) as Promise<Uint8Array>;
    friends.end_input = (socket) => socket.#end_input();
    friends.detach = (socket) => socket.#detach();
    friends.close_gracefully = (socket, linger) => socket.#close_gracefully(linger);
  }

  /** The local address of the connection. */
  get localAddr(): A {
    return this.#local ??= peer_addr(this.#conn.localAddr);
  }

  /**
   * The address of the peer. An IPv4 client of an IPv6 server has its IPv4 address; a Unix client
   * without a name has the path `""`, as in Python.
   */
  get remoteAddr(): A {
    return this.#remote ??= peer_addr(this.#conn.remoteAddr);
  }

  /**
   * Reads into `p`, as `Deno.Conn` does.
   *
   * @param p Where the bytes go.
   * @returns How many bytes were read, or `null` at the end of the input.
   * @throws {Deno.errors.TimedOut} If nothing came within the timeout; what comes later is not lost.
   * @throws {Deno.errors.Busy} If another read waits already.
   */
  read(p: Uint8Array): Promise<number | null> {
    return this.#read(p, false) as Promise<number | null>;
  }

  /**
   * Reads what has come, as Python's `socket.recv` does: it waits for at least one byte.
   *
   * @param bufsize The most bytes to read.
   * @returns The bytes, an empty array at the end of the input.
   * @throws {RangeError} If `bufsize` is not a whole number from 0.
   * @throws {Deno.errors.TimedOut} If nothing came within the timeout; what comes later is not lost.
   * @throws {Deno.errors.Busy} If another read waits already.
   */
  recv(bufsize: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(bufsize) || bufsize < 0) {
      throw new RangeError(`Cannot receive ${bufsize} bytes: it must be a whole number from 0`);
    }
    return this.#read(bufsize, false) as Promise<Uint8Array>;
  }

  /**
   * Writes all of `p`: the system may take it in parts, this takes it whole. It resolves when the
   * system has it all, so a slow peer slows the writer down. Await it: who does not hears nothing of a
   * failure, which ends neither the program nor the worker.
   *
   * @param p The bytes.
   * @returns The number of bytes, always the length of `p`.
   * @throws {TypeError} If it is no `Uint8Array`, at once.
   * @throws {Deno.errors.BrokenPipe} If the peer has closed the connection, {@linkcode closeWrite}
   * was called, or an earlier write timed out.
   * @throws {Deno.errors.TimedOut} If the peer took nothing within the timeout. Nobody knows how much
   * it has: nothing more can be written.
   */
  write(p: Uint8Array): Promise<number> {
    return may_fail(this.#write(check_bytes(p)));
  }

  async #write(p: Uint8Array): Promise<number> {
    if (p.length === 0) return 0;
    this.#check_output();
    if (this.#writing) await this.#turn();
    this.#writing = true;
    this.#idle = false;
    try {
      // The one before may have timed out meanwhile.
      if (this.#output === "stuck") this.#check_output();
      if (turn_is_long()) await rest();
      let sent = await this.#write_some(p);
      while (sent < p.length) sent += await this.#write_some(p.subarray(sent));
      return sent;
    } finally {
      this.#next_writer();
    }
  }

  /**
   * Sends all of `data`. Python's `socket.send` may send a part only; this one never does.
   *
   * @param data The bytes.
   * @returns The number of bytes, always the length of `data`.
   * @throws What {@linkcode write} throws.
   */
  send(data: Uint8Array): Promise<number> {
    return this.write(data);
  }

  /**
   * Sends all of `data`, as Python's `socket.sendall` does.
   *
   * @param data The bytes.
   * @throws What {@linkcode write} throws.
   */
  sendall(data: Uint8Array): Promise<void> {
    return may_fail(this.#write(check_bytes(data)).then(done));
  }

  /**
   * Sets how long a read may wait for bytes of the peer, and a write until the peer takes some more, as
   * Python's `socket.settimeout` does. What is written does not reset the clock of a read.
   *
   * @param timeout Milliseconds, or `null` to wait for ever, which is the default.
   * @throws {RangeError} If it is negative or not a number.
   */
  settimeout(timeout: number | null): void {
    if (timeout !== null && !(timeout >= 0)) {
      throw new RangeError(`Cannot set a timeout of ${timeout} ms: it must be 0 or more, or null`);
    }
    this.#read_clock?.end();
    this.#write_clock?.end();
    const none = timeout === null || timeout === Infinity;
    this.#read_clock = none ? undefined : new IdleClock(timeout, () => this.#read_late(timeout));
    this.#write_clock = none ? undefined : new IdleClock(timeout, () => this.#write_late(timeout));
    if (this.#waiter) this.#read_clock?.start();
    if (this.#fail_write) this.#write_clock?.start();
  }

  /**
   * Sends what is left, then FIN (`shutdown(2)`, `SHUT_WR`): the peer sees the end of its input.
   *
   * @throws {Deno.errors.BrokenPipe} If a write has timed out.
   */
  closeWrite(): Promise<void> {
    return may_fail(this.#close_write());
  }

  async #close_write(): Promise<void> {
    if (this.#output === "closed") return;
    this.#check_output();
    this.#output = "closed";
    if (this.#writing) await this.#turn();
    this.#writing = true;
    try {
      await this.#conn.closeWrite();
    } finally {
      this.#next_writer();
    }
  }

  /** Closes the connection at once. A read or a write that waits is rejected. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#look);
    this.#read_clock?.end();
    this.#write_clock?.end();
    this.#conn.close();
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Sends small writes at once (`TCP_NODELAY`), or lets the system collect them. Nothing happens on
   * connections that are not TCP.
   *
   * @param no_delay `true` unless told: send at once.
   */
  setNoDelay(no_delay = true): void {
    (this.#conn as Partial<Deno.TcpConn>).setNoDelay?.(no_delay);
  }

  /**
   * Lets the system probe a silent peer (`SO_KEEPALIVE`). Nothing happens on connections that are
   * not TCP.
   *
   * @param keep_alive `true` unless told: probe.
   */
  setKeepAlive(keep_alive = true): void {
    (this.#conn as Partial<Deno.TcpConn>).setKeepAlive?.(keep_alive);
  }

  /** Lets the connection keep the program running, as it does unless {@linkcode unref} was called. */
  ref(): void {
    this.#conn.ref();
  }

  /** Lets the program end while the connection is open. */
  unref(): void {
    this.#conn.unref();
  }

  /** The input as a stream. Its end leaves the connection open, for the reply. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= new ReadableStream({
      pull: async (controller) => {
        const chunk = await this.recv(READ_SIZE);
        if (chunk.length === 0) controller.close();
        else controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
      },
    }, { highWaterMark: 0 });
  }

  /** The output as a stream. Closing it sends FIN and leaves the input open. */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= new WritableStream({
      write: (chunk) => this.sendall(chunk),
      close: () => this.closeWrite(),
      abort: () => this.close(),
    });
  }

  #read(target: Uint8Array | number, midway: boolean): Promise<Uint8Array | number | null> {
    if (this.#waiter) {
      return Promise.reject(new Deno.errors.Busy("Another read of this connection waits already"));
    }
    if (this.#closed) return Promise.reject(closed_error());
    if (this.#unread.length > 0 || size_of(target) === 0) {
      return Promise.resolve(this.#take(target));
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const ending = this.#input === "ending" && !midway;
    if (this.#input === "ended" || (ending && this.#looked)) return Promise.resolve(end_of(target));
    return new Promise((resolve, reject) => {
      this.#waiter = { target, midway, resolve, reject };
      if (ending) this.#look_once_more();
      this.#read_clock?.start();
      if (!this.#pulling) this.#pull();
    });
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
      this.#input = "ended";
      this.#resolve_end();
      return false;
    }
    if (bytes.length === 0 && this.#waiter) {
      this.#pull();
      return false;
    }
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
    // Whoever handles the connection may be busy elsewhere: its signal says that the peer is gone.
    exchange_of(this)?.abort(error);
    this.#end_wait()?.reject(error);
  };

  #end_wait(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    this.#read_clock?.stop();
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

  #read_late(timeout: number): void {
    const message = `No bytes came from the peer within ${timeout} ms`;
    this.#end_wait()?.reject(new Deno.errors.TimedOut(message));
  }

  #write_late(timeout: number): void {
    this.#output = "stuck";
    const message = `The peer took no bytes within ${timeout} ms`;
    this.#fail_write?.(new Deno.errors.TimedOut(message));
  }

  #end_input(): void {
    if (this.#input !== "open") return;
    this.#input = "ending";
    if (this.#waiter?.midway === false) this.#look_once_more();
  }

  /**
   * Ends the read that waits, but not before what has come is read: it was sent in time, and is
   * answered. Once, because a client that is answered may go on asking for ever.
   */
  #look_once_more(): void {
    this.#looked = true;
    // The first turn of the event loop asks the system, the second one brings what it has.
    const end = () => this.#end_idle_read();
    this.#look = setTimeout(() => this.#look = setTimeout(end, 0), 0);
  }

  #end_idle_read(): void {
    if (this.#waiter?.midway !== false) return;
    this.#idle = true;
    this.#resolve_end();
  }

  #resolve_end(): void {
    const waiter = this.#end_wait();
    waiter?.resolve(end_of(waiter.target));
  }

  #check_output(): void {
    if (this.#closed) throw closed_error();
    if (this.#output === "closed") throw new Deno.errors.BrokenPipe("The output is closed");
    if (this.#output === "stuck") throw new Deno.errors.BrokenPipe("An earlier write timed out");
  }

  /** Writes some of the bytes, all if it can; with a timeout no more than the peer must take in it. */
  #write_some(p: Uint8Array): Promise<number> {
    const clock = this.#write_clock;
    if (!clock) return this.#conn.write(p);
    clock.start();
    return new Promise<number>((resolve, reject) => {
      this.#fail_write = reject;
      this.#conn.write(p.length > MAX_PIECE ? p.subarray(0, MAX_PIECE) : p).then(resolve, reject);
    }).finally(() => {
      this.#fail_write = undefined;
      this.#write_clock?.stop();
    });
  }

  #turn(): Promise<void> {
    return new Promise((go) => this.#writers.push(go));
  }

  #next_writer(): void {
    const next = this.#writers.length > 0 ? this.#writers.shift() : undefined;
    if (next) next();
    else this.#writing = false;
  }

  #detach(): DetachedSocket | undefined {
    const conn = this.#conn as ByteConn<A> & Partial<Detachable>;
    if (!conn.detach || this.#closed || this.#pulling || this.#writing) return undefined;
    const fd = conn.detach();
    if (fd === undefined || fd < 0) return undefined;
    this.#read_clock?.end();
    this.#write_clock?.end();
    this.#closed = true;
    return { fd, unread: this.#unread, no_delay: conn.no_delay ?? false };
  }

  async #close_gracefully(linger: number): Promise<void> {
    // A read that nobody waits for any more must not become an unhandled rejection.
    this.#resolve_end();
    // Where the peer has sent FIN already, closing sends ours and nothing can be lost.
    const ended = this.#input === "ended" && this.#unread.length === 0 && !this.#writing;
    const broken = this.#error !== undefined || this.#output === "stuck";
    if (ended || broken || this.#closed) return this.close();
    this.settimeout(null);
    const force = setTimeout(() => this.close(), Math.min(linger, MAX_TIMER));
    try {
      await this.closeWrite();
      if (!this.#idle) await this.#discard();
    } catch {
      // The peer went away, or stayed silent for too long: all that is left is to close.
    } finally {
      clearTimeout(force);
      this.close();
    }
  }

  async #discard(): Promise<void> {
    let budget = MAX_DISCARD;
    while (budget > 0 && this.#input !== "ended") {
      budget -= (await this.#read(READ_SIZE, true) as Uint8Array).length;
    }
  }
}

/** A socket over a connection that lends what it has read. */
export function socket_over<A extends Deno.Addr>(
  conn: SourceConn<A>,
  unread?: Uint8Array,
): StreamSocket<A> {
  return new StreamSocket(conn as SourceConn<A> & ByteConn<A>, unread);
}

function done(): void {}

function is_source(conn: object): conn is ByteSource {
  return "pull" in conn;
}

/** How many bytes a read takes at the most. */
function size_of(target: Uint8Array | number): number {
  return typeof target === "number" ? target : target.length;
}

function closed_error(): Error {
  return new Deno.errors.BadResource("The connection is closed");
}

/** What a read gives at the end of the input. */
function end_of(target: Uint8Array | number): Uint8Array | null {
  return typeof target === "number" ? EMPTY : null;
}

/** See {@linkcode Friends}. */
export const { receive, end_input, detach, close_gracefully } = friends;
