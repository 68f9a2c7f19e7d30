/**
 * A connection without the stream of `node:net` around it: what that itself reads from and writes to. This is
 * the rest of what depends on how Deno is built inside: see `deno_internals.ts`. Each fact has a test in
 * `tests/internal/runtime/bare_stream_test.ts`; where one is not as expected, `node:net` takes its place.
 *
 * @module
 */
import process from "node:process";
import { getSystemErrorName } from "node:util";

/** A request to the system: told when it is done, with a code below 0 where that failed. */
interface Request {
  oncomplete?: (code: number) => void;
  /** Keeps the bytes in memory that the system is still to take. */
  buffer?: Uint8Array;
}

/** The undocumented handle of a connection. */
export interface BareHandle {
  /** Called with each read; what came of it is in {@linkcode Binding.streamBaseState}. */
  onread?: () => void;
  /** Has it read into this from now on. */
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  /** Takes what it can at once; what is left goes on, and the request is told when that is done. */
  writeBuffer(request: Request, bytes: Uint8Array): number;
  /** Sends FIN after all that is being written. */
  shutdown(request: Request): number;
  /** A duplicate of the descriptor, closed on exec; -1 if there is none to be had. */
  fdForIpc(): number;
  close(closed?: () => void): void;
  ref(): void;
  unref(): void;
}

/** The undocumented binding of streams. */
interface Binding {
  WriteWrap: new () => Request;
  ShutdownWrap: new () => Request;
  /** What came of the last call in this thread. */
  streamBaseState: Int32Array;
  /** Where it has how many bytes were read, or a code below 0. */
  kReadBytesOrError: number;
  /** Where it has whether a write goes on. */
  kLastWriteWasAsync: number;
}

/** What is called of a handle. */
const METHODS = [
  "useUserBuffer",
  "readStart",
  "readStop",
  "writeBuffer",
  "shutdown",
  "fdForIpc",
  "close",
  "ref",
  "unref",
];

/** The code of the end of the input (UV_EOF). */
const END = -4095;
/** The code of what was not done because its connection was closed (ECANCELED). */
const CANCELED = -125;

const binding = find_binding();

/** The binding of streams, if all is there that is needed of it. */
function find_binding(): Binding | undefined {
  const { binding } = process as unknown as { binding?(name: string): Partial<Binding> };
  const found = binding?.("stream_wrap");
  const is_right = typeof found?.WriteWrap === "function" &&
    typeof found.ShutdownWrap === "function" &&
    found.streamBaseState instanceof Int32Array &&
    typeof found.kReadBytesOrError === "number" &&
    typeof found.kLastWriteWasAsync === "number";
  return is_right ? found as Binding : undefined;
}

/** Whether a connection can be used by this handle alone. */
export function is_bare(handle: object): handle is BareHandle {
  const members = handle as Record<string, unknown>;
  return binding !== undefined && METHODS.every((name) => typeof members[name] === "function");
}

/** Serves every write of this thread that the system takes whole at once. */
let spare: Request | undefined;

/** What is told of the input of a connection. */
export interface BareReader {
  /** So many bytes came, into the buffer. */
  bytes_came(count: number): void;
  /** The peer has sent FIN. */
  end_came(): void;
  /** It cannot be read any more: an error with a `code`. */
  error_came(error: Error): void;
}

/** A connection over its handle alone. */
export class BareStream {
  #handle: BareHandle;
  #reader: BareReader;
  /** What the system has not done yet, if there was such a thing. */
  #pending: Set<Request> | undefined;

  /**
   * @param handle The handle, which belongs to the new object from then on.
   * @param reader What is told of what it reads.
   */
  constructor(handle: BareHandle, reader: BareReader) {
    this.#handle = handle;
    this.#reader = reader;
    handle.onread = this.#read;
  }

  /** Has it read into this from now on. */
  read_into(buffer: Uint8Array): void {
    this.#handle.useUserBuffer(buffer);
  }

  /** Reads, and goes on until it is stopped: while a buffer is full, more than once before anything else is done. */
  start(): void {
    this.#handle.readStart();
  }

  /** Lets what comes wait in the system. */
  stop(): void {
    this.#handle.readStop();
  }

  /**
   * Writes all of the bytes.
   *
   * @returns Nothing where the system has taken them, else a promise for when it has.
   */
  write(bytes: Uint8Array): Promise<void> | undefined {
    const request = spare ??= new binding!.WriteWrap();
    const code = this.#handle.writeBuffer(request, bytes);
    if (code < 0) return Promise.reject(error_of("write", code));
    if (binding!.streamBaseState[binding!.kLastWriteWasAsync] === 0) return undefined;
    spare = undefined;
    request.buffer = bytes;
    return this.#done("write", request);
  }

  /** Sends FIN; resolves when that is done. */
  end(): Promise<void> {
    const request = new binding!.ShutdownWrap();
    // It may be told before the call returns.
    const done = this.#done("shutdown", request);
    const code = this.#handle.shutdown(request);
    if (code < 0) request.oncomplete!(code);
    return done;
  }

  /** Closes it. What is not done yet fails. */
  close(): void {
    this.#handle.close();
    for (const request of this.#pending ?? []) request.oncomplete!(CANCELED);
  }

  /** Lets it keep the program running. */
  ref(): void {
    this.#handle.ref();
  }

  /** Lets the program end. */
  unref(): void {
    this.#handle.unref();
  }

  #done(what: string, request: Request): Promise<void> {
    const pending = this.#pending ??= new Set();
    pending.add(request);
    return new Promise((resolve, reject) => {
      request.oncomplete = (code) => {
        pending.delete(request);
        if (code < 0) reject(error_of(what, code));
        else resolve();
      };
    });
  }

  #read = (): void => {
    const count = binding!.streamBaseState[binding!.kReadBytesOrError]!;
    if (count > 0) this.#reader.bytes_came(count);
    else if (count === END) this.#reader.end_came();
    else if (count < 0) this.#reader.error_came(error_of("read", count));
  };
}

/** An error of the system, as `node:net` has it. */
function error_of(what: string, code: number): Error & { code: string } {
  const name = getSystemErrorName(code);
  return Object.assign(new Error(`${what} ${name}`), { code: name });
}
