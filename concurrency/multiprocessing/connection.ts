import {
  arrived,
  begin,
  core_of,
  type Kind,
  LocalCore,
  RemoteCore,
  SharedObject,
} from "../../internal/shared/shared_object.ts";
import { program } from "../../internal/shared/task.ts";
import { copy_of, provide_class } from "../../internal/shared/travel.ts";
import {
  attempt_later,
  timeout_argument,
  type WaitArguments,
} from "../../internal/shared/waits.ts";
import { broken_pipe, ConnectionHome, type Directions, end_of_pipe } from "./connection_home.ts";

const KIND: Kind = { file: "concurrency/multiprocessing/connection.ts", name: "Connection" };

/** How long `send()`, `recv()`, `recv_bytes()` and `poll()` wait. */
export interface ConnectionWaitOptions {
  /**
   * How long to wait, in ms; `null` for ever, 0 tries once.
   *
   * @default {null}
   */
  timeout?: number | null;
  /** Ends the wait: it rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What the next end that is made here is at home. */
let next_home: ConnectionHome | undefined;

/**
 * An end of a pipe: Python's `multiprocessing.Connection`. {@linkcode Pipe} gives two of them.
 *
 * It belongs to the thread or process that it was sent to last: as an argument of a task, a thread or a process, or as
 * an item of a queue or of another pipe. Who sent it has it until it has arrived, and is refused then; to `close()` it there does
 * nothing, so programs may do so as in Python, and need not. When the thread or process ends that has it, it is closed.
 *
 * @typeParam S The type of what it sends.
 * @typeParam R The type of what it receives.
 */
export class Connection<S = unknown, R = S> extends SharedObject implements AsyncDisposable {
  /** Says at home who has it. */
  #key = 0;
  #is_closed = false;
  /** Whether it is closed, or its home has ended, whoever did that. */
  #is_withdrawn = false;

  /**
   * Made by {@linkcode Pipe} only.
   *
   * @throws {TypeError} If it is called.
   */
  constructor() {
    super();
    const home = next_home;
    next_home = undefined;
    const core = begin(this, KIND, () => {
      if (home) return home;
      throw new TypeError("Cannot make a Connection by itself: Pipe() gives two");
    });
    core.when_withdrawn(() => this.#is_withdrawn = true);
    if (core instanceof RemoteCore) return;
    core.home.possession.close_all = () => core.withdraw();
    this[arrived]();
  }

  /** @ignore */
  override [arrived](): void {
    const core = this.#core;
    this.#is_closed = false;
    this.#key = Math.random();
    if (core instanceof RemoteCore) core.link.tell(core.id, "claim", program, [this.#key]);
    else if (!this.#is_withdrawn) core.home.claim(program.owner, this.#key);
  }

  get #core(): LocalCore<ConnectionHome> | RemoteCore {
    return core_of(this) as LocalCore<ConnectionHome> | RemoteCore;
  }

  /** Whether it can receive. */
  get readable(): boolean {
    return (this.#core.fixed as Directions).readable;
  }

  /** Whether it can send. */
  get writable(): boolean {
    return (this.#core.fixed as Directions).writable;
  }

  /** Whether it was closed. In the thread that made the pipe, also whether it was sent to somebody else, who has it now. */
  get closed(): boolean {
    const core = this.#core;
    return this.#is_closed || this.#is_withdrawn ||
      (core instanceof LocalCore && !core.home.possession.is_held(this.#key));
  }

  /**
   * Sends something. It is copied, but for shared objects, exported functions and other connections. It resolves when it waits at
   * the other end, or is received: where 1 MiB or more waits there it waits, too. Await it.
   *
   * @param obj What is sent.
   * @param options How long to wait for room.
   * @throws {Deno.errors.BrokenPipe} If the other end is closed, or its thread or process has ended.
   * @throws {Deno.errors.BadResource} If this end is closed, or was sent to somebody else.
   * @throws {TypeError} If this end only receives.
   * @throws {DOMException} If it cannot be copied (`DataCloneError`).
   * @throws {TimeoutError} If there was no room in time.
   */
  send(obj: S, options: ConnectionWaitOptions = {}): Promise<void> {
    return attempt_later(async () => {
      const waits = timeout_argument(options);
      const is_local = this.#core instanceof LocalCore;
      const value = is_local ? copy_of("the message", obj) : obj;
      await this.#call("send", [value], waits, broken_pipe);
    });
  }

  /**
   * Receives what was sent first, and waits for it.
   *
   * @param options How long to wait. Python waits for ever.
   * @throws {EOFError} If the other end is closed, or its thread or process has ended, and nothing is left to be received.
   * @throws {Deno.errors.BadResource} If this end is closed, or was sent to somebody else.
   * @throws {TypeError} If this end only sends.
   * @throws {TimeoutError} If nothing came in time.
   */
  recv(options: ConnectionWaitOptions = {}): Promise<R> {
    return attempt_later(() => this.#call<R>("recv", [], timeout_argument(options), end_of_pipe));
  }

  /**
   * Whether there is something to be received, or nothing will ever be.
   *
   * @param timeout How long to wait for it, in ms: 0, as it is unless told, does not wait; `null` for ever.
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If this end is closed, or was sent to somebody else.
   * @throws {TypeError} If this end only sends.
   */
  poll(timeout?: number | null): Promise<boolean>;
  /** The same with the arguments as one object. */
  poll(options: ConnectionWaitOptions): Promise<boolean>;
  poll(first: number | null | ConnectionWaitOptions = 0): Promise<boolean> {
    return attempt_later(async () => {
      try {
        return await this.#call("poll", [], timeout_argument(first), end_of_pipe);
      } catch (error) {
        if (error instanceof Deno.errors.UnexpectedEof) return true;
        throw error;
      }
    });
  }

  /**
   * Sends bytes, as one message. The other end gets them by `recv_bytes()`, or as an `Uint8Array` by `recv()`.
   *
   * @param buf The bytes.
   * @param offset Where they begin; 0 unless told.
   * @param size How many; all that follow unless told.
   * @throws {RangeError} If there are not so many.
   * @throws What {@linkcode Connection.send} throws.
   */
  send_bytes(buf: Uint8Array | ArrayBuffer, offset = 0, size?: number): Promise<void> {
    return attempt_later(async () => {
      const bytes = buf instanceof ArrayBuffer ? new Uint8Array(buf) : buf;
      if (!(bytes instanceof Uint8Array)) {
        throw new TypeError(`Cannot send ${Deno.inspect(buf)} as bytes: it must be an Uint8Array`);
      }
      const end = offset + (size ?? bytes.length - offset);
      if (![offset, end].every(Number.isSafeInteger) || offset < 0 || end < offset) {
        throw new RangeError(
          `Cannot send ${size} bytes from ${offset}: both must be whole numbers from 0`,
        );
      }
      if (end > bytes.length) {
        throw new RangeError(
          `Cannot send the bytes from ${offset} to ${end}: there are ${bytes.length}`,
        );
      }
      // Not the whole of what they are a view of.
      await this.#call("send", [bytes.slice(offset, end)], timeout_argument(null), broken_pipe);
    });
  }

  /**
   * Receives bytes that {@linkcode Connection.send_bytes} has sent.
   *
   * @param maxlength How many they may be. If there are more, the message is lost and the connection closed.
   * @param options How long to wait.
   * @throws {RangeError} If there are more bytes, or `maxlength` is no whole number from 0.
   * @throws {TypeError} If the next message is something else, which stays there.
   * @throws What {@linkcode Connection.recv} throws.
   */
  recv_bytes(
    maxlength = Infinity,
    options: ConnectionWaitOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return attempt_later(async () => {
      if (!(maxlength === Infinity || Number.isSafeInteger(maxlength)) || maxlength < 0) {
        throw new RangeError(
          `Cannot use maxlength = ${maxlength}: it must be a whole number from 0`,
        );
      }
      const waits = timeout_argument(options);
      try {
        return await this.#call("recv_bytes", [maxlength], waits, end_of_pipe);
      } catch (error) {
        // There were too many: its home has closed it.
        if (error instanceof RangeError) this.#is_closed = true;
        throw error;
      }
    });
  }

  /**
   * Closes it. What it has sent can still be received; then the other end gets an `EOFError`. May be called twice.
   */
  close(): void {
    if (this.#is_closed) return;
    this.#is_closed = true;
    const closed = this.#core.call("close", [this.#key]);
    // It is closed already.
    closed.catch(() => {});
  }

  /** The same as {@linkcode Connection.close}. */
  override [Symbol.dispose](): void {
    this.close();
  }

  /** The same. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** What is received, until the other end is closed. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<R> {
    for (;;) {
      let message: R;
      try {
        message = await this.recv();
      } catch (error) {
        if (error instanceof Deno.errors.UnexpectedEof) return;
        throw error;
      }
      yield message;
    }
  }

  /**
   * Calls a method at home.
   *
   * @param gone Makes the error where the home has ended, and the other end with it.
   */
  async #call<T>(
    method: string,
    args: unknown[],
    { timeout, signal }: WaitArguments,
    gone: () => Error,
  ): Promise<T> {
    try {
      if (this.#is_closed) throw closed();
      return await this.#core.call<T>(method, [this.#key, ...args, timeout], {
        kind: "bring",
        signal,
      });
    } catch (error) {
      if (this.#is_closed && error instanceof Deno.errors.BadResource) throw closed();
      throw this.#is_withdrawn && error instanceof Deno.errors.BadResource ? gone() : error;
    }
  }
}

function closed(): Error {
  return new Deno.errors.BadResource("Cannot use this end of the pipe: it is closed");
}

provide_class(KIND, Connection);

/**
 * A pipe: Python's `multiprocessing.Pipe`. What one end sends, the other receives, in order. Both are at home in the thread
 * that makes the pipe, and end with it; each may be sent to another thread or process, and is theirs then.
 *
 * @param duplex Whether both ends send and receive, as they do unless told. With `false` the first receives only, the second
 * sends only.
 *
 * @example Two ends in one thread
 * ```ts
 * import { Pipe } from "@socketserver/socketserver/multiprocessing";
 *
 * const [here, there] = Pipe<string>();
 * await here.send("hello");
 * console.log(await there.recv()); // hello
 * there.close();
 * ```
 */
export function Pipe<A = unknown, B = A>(
  duplex = true,
): [Connection<A, B>, Connection<B, A>] {
  const first = new ConnectionHome({ readable: true, writable: duplex });
  const second = new ConnectionHome({ readable: duplex, writable: true });
  first.peer = second;
  second.peer = first;
  return [end_of<A, B>(first), end_of<B, A>(second)];
}

function end_of<S, R>(home: ConnectionHome): Connection<S, R> {
  next_home = home;
  return new Connection<S, R>();
}
