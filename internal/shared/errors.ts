import { know_error } from "../workers/error_image.ts";

/**
 * A wait took longer than its `timeout`: of `hold()` and `run()` of locks, conditions and semaphores, and of `join()` of
 * queues. Python's `TimeoutError`. `acquire()`, and `wait()` of
 * events and conditions, give `false` instead.
 */
export class TimeoutError extends Deno.errors.TimedOut {
  /** Always `"TimeoutError"`. */
  override readonly name = "TimeoutError";
}

/** There was no item in a queue: Python's `queue.Empty`. */
export class Empty extends Error {
  /** Always `"Empty"`. */
  override readonly name = "Empty";
}

/** There was no room in a queue, or for another task of an executor: Python's `queue.Full`. */
export class Full extends Error {
  /** Always `"Full"`. */
  override readonly name = "Full";
}

/** A queue was shut down: Python's `queue.ShutDown`. */
export class ShutDown extends Deno.errors.BadResource {
  /** Always `"ShutDown"`. */
  override readonly name = "ShutDown";
}

/** The other end of a pipe is closed, and all was read that it had sent: Python's `EOFError`. */
export class EOFError extends Deno.errors.UnexpectedEof {
  /** Always `"EOFError"`. */
  override readonly name = "EOFError";
}

/** Somebody will never come to a barrier: Python's `threading.BrokenBarrierError`. */
export class BrokenBarrierError extends Error {
  /** Always `"BrokenBarrierError"`. */
  override readonly name = "BrokenBarrierError";
}

/**
 * The other side of a manager's connection does not know the `authkey`, or does not speak the protocol: Python's
 * `multiprocessing.AuthenticationError`.
 */
export class AuthenticationError extends Deno.errors.PermissionDenied {
  /** Always `"AuthenticationError"`. */
  override readonly name = "AuthenticationError";
}

/** How TLS failed. */
export interface TlsFailure {
  /** What went wrong, as a code: `"ERR_SSL_WRONG_VERSION_NUMBER"`, for example. */
  code: string;
  /** Whether it was in the handshake, or later in what was received. */
  phase: "handshake" | "record";
}

/**
 * TLS failed: the handshake, or what was received after it. Mostly the client is to blame, which speaks no TLS, or does
 * not accept the certificate; so `handle_error()` prints nothing of it unless it is overridden.
 */
export class TlsError extends Deno.errors.InvalidData {
  /** Always `"TlsError"`. */
  override readonly name = "TlsError";
  /**
   * What went wrong: a code of OpenSSL as Node.js names it, such as `"ERR_SSL_WRONG_VERSION_NUMBER"` where the client
   * speaks no TLS; `"ERR_TLS_HANDSHAKE_TIMEOUT"`; or `"ERR_TLS_CLIENT_CERTIFICATE"`.
   */
  readonly code: string;
  /** Whether it was in the handshake, or later in what was received. */
  readonly phase: "handshake" | "record";

  /**
   * Made where TLS fails.
   *
   * @param message What happened.
   * @param failure How.
   */
  constructor(message: string, { code, phase }: TlsFailure) {
    super(message);
    this.code = code;
    this.phase = phase;
  }
}

/** The future was cancelled: Python's `concurrent.futures.CancelledError`. */
export class CancelledError extends Error {
  /** Always `"CancelledError"`. */
  override readonly name = "CancelledError";
}

/** A future has its outcome already: Python's `concurrent.futures.InvalidStateError`. */
export class InvalidStateError extends Error {
  /** Always `"InvalidStateError"`. */
  override readonly name = "InvalidStateError";
}

/** No worker of an executor could start: Python's `concurrent.futures.BrokenExecutor`. The cause says why. */
export class BrokenExecutor extends Error {
  /** Always `"BrokenExecutor"`. */
  override readonly name = "BrokenExecutor";
}

/** How a worker ended. */
export interface WorkerDeath {
  /** Its exit code, where it ended by itself; else `null`. */
  exitcode: number | null;
  /** The signal that ended its process, `"SIGKILL"` for example; else `null`. */
  signal: string | null;
  /** Why it ended, where that is known. */
  cause?: unknown;
}

/** The worker ended that ran the task. */
export class WorkerDied extends Error {
  /** Always `"WorkerDied"`. */
  override readonly name = "WorkerDied";
  /** Its exit code, where it ended by itself; else `null`. */
  readonly exitcode: number | null;
  /** The signal that ended its process, `"SIGKILL"` for example; else `null`. */
  readonly signal: string | null;

  /**
   * Made where a worker ends.
   *
   * @param message What happened.
   * @param death How it ended.
   */
  constructor(message: string, { exitcode, signal, cause }: WorkerDeath) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitcode = exitcode;
    this.signal = signal;
  }
}

// So that they keep their classes on the way to other threads and processes.
for (
  const Class of [
    TimeoutError,
    Empty,
    Full,
    ShutDown,
    EOFError,
    BrokenBarrierError,
    AuthenticationError,
    CancelledError,
    InvalidStateError,
    BrokenExecutor,
  ]
) know_error(Class);
know_error(TlsError, ["phase"]);
know_error(WorkerDied, ["exitcode", "signal"]);
