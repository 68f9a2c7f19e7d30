import type net from "node:net";
import type { BareHandle } from "../runtime/bare_stream.ts";
import {
  open_bare,
  open_descriptor,
  reopen_bare,
  reopen_socket,
} from "../runtime/deno_internals.ts";
import type { DescriptorTable } from "../runtime/descriptor_table.ts";
import type { Calls } from "./calls.ts";
import type { ToWorker } from "./messages.ts";
import type { RemotePromise } from "./remote_promise.ts";

/** How long, in ms, a call of a job that was told to end may take once the pool's thread has it. */
const LAST_ANSWER = 50;

/** A job in its worker. */
export class WorkerJob {
  readonly id: number;
  readonly message: unknown;
  #calls: Calls;
  #table: DescriptorTable | undefined;
  #fd: number | undefined;
  #handle: net.Socket | undefined;
  /** Why it must end, if it must. */
  #reason: Error | undefined;

  /**
   * @param job The job as it came.
   * @param handle The socket that came with it, if that was from another process.
   * @param calls Calls the pool's thread.
   * @param table Where descriptors are noted, in a thread.
   */
  constructor(
    { id, message, fd }: Extract<ToWorker, { type: "job" }>,
    handle: net.Socket | undefined,
    calls: Calls,
    table: DescriptorTable | undefined,
  ) {
    this.id = id;
    this.message = message;
    this.#fd = fd;
    this.#handle = handle;
    this.#calls = calls;
    this.#table = table;
  }

  /** Opens the connection whose descriptor came with the job: once. */
  open(options: net.SocketConstructorOpts): net.Socket {
    return this.#handle
      ? reopen_socket(this.#handle, options)
      : open_descriptor(this.#fd!, options, this.#table);
  }

  /** The same without a socket around it; `undefined` where it must be opened as one. */
  open_bare(): BareHandle | undefined {
    return this.#handle ? reopen_bare(this.#handle) : open_bare(this.#fd!, this.#table);
  }

  /** Calls a method in the pool's thread, and waits for the answer however long it takes. */
  call(target: string, method: string, args: unknown[]): RemotePromise<unknown> {
    return this.#calls.call(this.id, target, method, args);
  }

  /**
   * The same, but when the job must end the call rejects with the reason for that. A rejection that
   * nobody awaits is reported, and harms nobody.
   */
  wait_for(target: string, method: string, args: unknown[]): RemotePromise<unknown> {
    const answer = this.#calls.call(this.id, target, method, args, this);
    if (this.#reason) void this.#end_waits(this.#reason);
    return answer;
  }

  /** Tells its waits that it must end. */
  must_end(reason: Error): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#calls.told(reason);
    void this.#end_waits(reason);
  }

  /** What is answered at once is answered: a busy job may still reply. */
  async #end_waits(reason: Error): Promise<void> {
    // Those that are made later have their own time.
    const { last } = this.#calls;
    // However busy the pool's thread is: what it answers at once comes before this.
    await this.#calls.echo();
    setTimeout(() => this.#calls.end(this, last, reason), LAST_ANSWER);
  }
}
