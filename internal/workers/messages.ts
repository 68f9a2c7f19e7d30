import type { Mark } from "./envelope.ts";
import type { ErrorImage } from "./error_image.ts";
import type { Packed, Passenger, ProcessPlace } from "./sharing.ts";

/** What a worker is given when it starts. */
export interface WorkerStart {
  /** The URL of the module that says how jobs are done there: see `Service`. */
  service: string;
  /** What that module is told. */
  settings: unknown;
}

/** What a message `job` has, and a message `done`. Each object, and each name in it, has its price on the way. */
export type PlainJob = [
  id: number,
  message: unknown,
  claim: number | undefined,
  fd: number | undefined,
];
export type PlainDone = [id: number, bytes_in?: number | undefined, bytes_out?: number | undefined];

/** What the pool's thread tells a worker. */
export type ToWorker =
  /** The first message. `claims`, `table` and `results` are shared memory: a process has none. */
  | (WorkerStart & {
    type: "start";
    /** The URL of the program's main module. */
    main_module: string;
    /** The process in which the worker is. */
    process: ProcessPlace;
    /** Objects that the worker shares, by their names. */
    shared?: Packed | undefined;
    /** See {@linkcode ClaimCounter}. */
    claims?: SharedArrayBuffer | undefined;
    /** See {@linkcode DescriptorTable}. */
    table?: SharedArrayBuffer | undefined;
    /** See {@linkcode ResultBox}. */
    results?: SharedArrayBuffer | undefined;
  })
  /**
   * Do this. `claim` is its number for the {@linkcode ClaimCounter}, if there is one; `fd` a descriptor
   * of this process that goes with it. To another process it goes as a socket beside the message.
   */
  | {
    type: "job";
    id: number;
    message: unknown;
    passengers?: Passenger[];
    claim?: number | undefined;
    fd?: number | undefined;
  }
  /** Do these: jobs that can surely be cloned. */
  | { type: "jobs"; jobs: PlainJob[] }
  /** A descriptor of this process that a message after this one names by the number. It goes as that of a job. */
  | { type: "connection"; number: number; fd: number }
  /** Come to an end with it. */
  | { type: "interrupt"; id: number; reason: ErrorImage }
  /** End it now. Answered by `cut`. */
  | { type: "cut"; id: number; reason: ErrorImage }
  /** It is given up. Answered by `abandoned`. */
  | { type: "abandon"; id: number }
  /** What a call gave. */
  | {
    type: "answer";
    call: number;
    value?: unknown;
    error?: ErrorImage;
    passengers?: Passenger[] | undefined;
  }
  /** For the objects that it shares; `is_plain` says that the body can surely be cloned. */
  | { type: "peer"; body: unknown[]; is_plain: boolean }
  /** Some of what the service was told at the start has changed. */
  | { type: "configure"; changes: Record<string, unknown> }
  /** End, when the last job is wholly over. */
  | { type: "end" }
  /** End at once. */
  | { type: "exit" };

/** What a worker tells the pool's thread. */
export type FromWorker =
  /** It can take jobs. */
  | { type: "ready" }
  /** How much memory it has, in bytes. */
  | { type: "memory"; bytes: number }
  /** Nobody caught this, so the worker ends; `how` says why not. Before `ready`: it could not start. */
  | { type: "fault"; error: ErrorImage; how?: string }
  /** The job is done, and has given this. */
  | {
    type: "done";
    id: number;
    value?: unknown;
    passengers?: Passenger[];
    error?: ErrorImage;
    /** How many bytes it has read and written, where that is counted. */
    bytes_in?: number | undefined;
    bytes_out?: number | undefined;
  }
  /** These jobs are done, and have given nothing. */
  | { type: "dones"; jobs: PlainDone[] }
  /** Whether it still has something to close, so that the program must not end yet. */
  | { type: "holds"; holds: boolean }
  /** The job was told to end now: the worker answers. */
  | { type: "cut"; id: number }
  /** The job is nobody's any more. */
  | { type: "abandoned"; id: number }
  /** An error of a job that is not its outcome; 0 where the job is not known. */
  | { type: "report"; job: number; error: ErrorImage }
  /** Answer this, when all that came before was begun. */
  | { type: "echo"; call: number }
  /**
   * Call this method for a job, if one is named; with `call` 0 no answer is wanted, and `also` has the arguments of
   * further calls.
   */
  | {
    type: "call";
    call: number;
    job?: number;
    target: string;
    method: string;
    args: unknown[];
    also?: unknown[][];
    passengers?: Passenger[] | undefined;
    /** What the caller holds, and the method may take again. */
    scopes?: Packed[] | undefined;
  }
  /** For the objects that it shares; `is_plain` says that the body can surely be cloned. */
  | { type: "peer"; body: unknown[]; is_plain: boolean };

/** The first message to a child process; all others carry its mark. */
export interface ChildStart {
  mark: Mark;
  /** The folder to go to, if it is not the one in which the child starts. */
  folder: string | undefined;
  /** Whether it has a pipe for results: see {@linkcode ChildPipe}. */
  has_pipe: boolean;
}

/** What a child process sends at once when a connection has come, instead of messages. */
export const TAKEN = "taken";

/** What is asked of a child process before a connection follows on messages, and what it answers. */
export const READ = "read";

/** The exit code of a child process that is not heard any more: see `hearing.ts`. */
export const UNHEARD = 86;
