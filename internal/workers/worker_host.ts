import type { FromWorker, ToWorker } from "./messages.ts";
import type { PoolPipe } from "./result_pipe.ts";
import type { Exit } from "./worker_ended.ts";

/** What a worker is to the system: a thread, or a child process. */
export interface WorkerHost {
  /** What it is called in messages. */
  readonly name: string;
  /** The number of its process, if it is one of its own. */
  readonly pid?: number;
  /** Whether it shares memory with the server's thread. */
  readonly shares_memory: boolean;
  /** What jobs can be sent ahead by where no memory is shared. */
  readonly pipe?: PoolPipe;
  /**
   * Sends messages to it.
   *
   * @param transfer What is moved to it; to another process nothing can be.
   * @throws {DOMException} If one cannot be cloned.
   */
  post(messages: ToWorker[], transfer?: readonly Transferable[]): void;
  /** Ends it at once, even in an endless loop. */
  kill(): void;
  /** Keeps the program running while it runs, as it does at first. */
  ref(): void;
  /** Lets the program end while it runs. */
  unref(): void;
}

/** What is told of a worker. */
export interface HostEvents {
  /** It sent messages. */
  received(messages: FromWorker[]): void;
  /** What it says cannot be read any more, so that it must be ended. */
  unheard(cause: Error): void;
  /**
   * It has ended, or never started; `cause` says why, where that is known. Nothing comes after.
   *
   * @param is_gone Whether nothing of it runs any more: `false` for a thread that could not be ended.
   * @param exit How it ended, if it did so by itself.
   */
  ended(cause: unknown, is_gone?: boolean, exit?: Exit): void;
}

/** Starts a worker. */
export type StartHost = (id: number, events: HostEvents) => WorkerHost;
