import type { WorkerInfo } from "../../server/info.ts";
import { close_descriptor } from "../runtime/deno_internals.ts";
import { ClaimCounter } from "./claim_counter.ts";
import { uncloneable } from "./cloning.ts";
import { DescriptorTable } from "../runtime/descriptor_table.ts";
import { error_of, image_of } from "./error_image.ts";
import type { FromWorker, Parcel, ToWorker, WorkerSettings } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import type { StartHost, WorkerHost } from "./worker_host.ts";

/** A request that was sent to a worker. */
interface Sent {
  request: unknown;
  claim: number | undefined;
  resolve(outcome: "done" | "recalled"): void;
  reject(error: unknown): void;
}

/** How long, in ms, a worker must have been ready to count as one that works. */
const SETTLED = 1000;

/** How long, in ms, a worker that answers may leave a request untaken. */
const SLOW = 5;
/** By how many requests one that did not answer counts as busier; each that it completes takes one off. */
const HANDICAP = 4;
/** The most that it counts as busier. */
const MAX_HANDICAP = 16;

/** How a worker ended. */
export interface WorkerEnd {
  /** Whether it has worked: it took a request, or was ready for a while. */
  useful: boolean;
  /** Whether it handled nothing when it ended, so that nobody has heard of the cause. */
  silent: boolean;
  cause: unknown;
}

/** Calls a method for a worker: of the server, of its socket, or of a request that is relayed. */
export type CallHandler = (
  target: "server" | "socket" | object,
  method: string,
  args: unknown[],
) => unknown;

/** A worker as the server's thread sees it. */
export class WorkerHandle {
  readonly id: number;
  state: WorkerInfo["state"] = "starting";
  completed = 0;
  /** When a request last ended, by the clock of `performance.now()`. */
  completed_at = 0;
  /** Resolves when it can serve; rejects if it never will. */
  readonly ready: Promise<void>;
  /** Resolves when it has ended, whatever the cause; what it was handling has been rejected then. */
  readonly ended: Promise<WorkerEnd>;
  #host: WorkerHost;
  #outbox: Outbox<ToWorker>;
  /** Which requests it has taken; unknown where it shares no memory. */
  #claims: ClaimCounter | undefined;
  #table: DescriptorTable | undefined;
  #sent: Map<number, Sent> = new Map();
  #ids: Map<unknown, number> = new Map();
  #last_id = 0;
  #on_call: CallHandler;
  #start: PromiseWithResolvers<void> = Promise.withResolvers();
  #cause: unknown;
  #ready_at = Infinity;
  /** When the first of what it has not taken was sent. */
  #untaken_since = 0;
  #was_silent = false;
  #handicap = 0;

  /**
   * Starts a worker.
   *
   * @param id Its number.
   * @param start Starts the thread or the process.
   * @param settings What it is given.
   * @param on_call Calls methods for it.
   */
  constructor(id: number, start: StartHost, settings: WorkerSettings, on_call: CallHandler) {
    this.id = id;
    this.#on_call = on_call;
    this.ready = this.#start.promise;
    // Whoever waits for it hears of a failure; a worker that nobody waits for may fail.
    this.ready.catch(() => {});
    const { promise, resolve } = Promise.withResolvers<WorkerEnd>();
    this.ended = promise;
    this.#host = start(id, {
      received: (messages) => messages.forEach((message) => this.#receive(message)),
      ended: (cause) => resolve(this.#end(cause)),
    });
    this.#outbox = new Outbox((messages) => this.#host.post(messages));
    if (this.#host.shares_memory) {
      this.#claims = new ClaimCounter();
      this.#table = new DescriptorTable();
    }
    const shared = { claims: this.#claims?.memory, table: this.#table?.memory };
    this.#outbox.post({ type: "start", settings: { ...settings, ...shared } });
  }

  /** How many requests it handles, or was sent. */
  get active(): number {
    return this.#sent.size;
  }

  /** Looks whether it does not answer: it computes, it seems. That is held against it for a while. */
  look_if_silent(): boolean {
    const silent = this.untaken > 0 && performance.now() - this.#untaken_since > SLOW;
    if (silent && !this.#was_silent) {
      this.#handicap = Math.min(this.#handicap + HANDICAP, MAX_HANDICAP);
    }
    return this.#was_silent = silent;
  }

  /** How busy it is, in requests. What one is given that was silent lately may wait for long. */
  get load(): number {
    return this.active + this.#handicap;
  }

  /** How many of them it has not taken yet: more than a few, and it does not answer. */
  get untaken(): number {
    return this.#claims?.open ?? 0;
  }

  /** See {@linkcode BaseServer.info}. */
  get info(): WorkerInfo {
    const { id, state, active, completed } = this;
    const { pid } = this.#host;
    return { id, state, active, completed, ...(pid !== undefined && { pid }) };
  }

  /**
   * Hands a request over.
   *
   * @returns `"done"` when its handler has ended, `"recalled"` if the worker never took it.
   * @throws What the handler threw; an `Error` if the worker ended meanwhile.
   */
  run(request: unknown, parcel: Parcel, client_address: unknown): Promise<"done" | "recalled"> {
    const id = ++this.#last_id;
    if (this.untaken === 0) this.#untaken_since = performance.now();
    const claim = this.#claims?.issue();
    const { promise, resolve, reject } = Promise.withResolvers<"done" | "recalled">();
    const known = "remote" in parcel && parcel.remote === client_address;
    const message: ToWorker = {
      type: "request",
      id,
      parcel,
      ...(claim !== undefined && { claim }),
      ...(!known && { client_address }),
    };
    try {
      // What comes many at a time goes many at a time; a process takes one connection with a message.
      const many = parcel.kind === "datagram" || (known && this.#host.shares_memory);
      if (many) this.#outbox.defer(message);
      else this.#outbox.post(message);
    } catch (error) {
      // It cannot be cloned. Later claims must not wait for this one.
      this.#claims?.withdraw();
      throw error;
    }
    this.#sent.set(id, { request, claim, resolve, reject });
    this.#ids.set(request, id);
    return promise;
  }

  /** Tells a request here that it must end. */
  interrupt(request: unknown): void {
    this.#tell("interrupt", request);
  }

  /** Closes a request that is here. */
  close(request: unknown): void {
    this.#tell("close", request);
  }

  /** Whether it was sent this request and has not ended it. */
  has(request: unknown): boolean {
    return this.#ids.has(request);
  }

  /** Takes back what was sent and not taken. */
  recall(): void {
    if (!this.#claims) return;
    const first = this.#claims.recall();
    for (const [id, sent] of this.#sent) {
      if (((sent.claim! - first) | 0) < 0) continue;
      this.#forget(id, sent);
      sent.resolve("recalled");
    }
  }

  /** Lets it end by itself, when the last of its connections has lingered. */
  end(): void {
    if (this.state !== "ended") this.#outbox.post({ type: "end" });
  }

  /** Ends it at once, even in an endless loop. */
  kill(cause: unknown): void {
    this.#cause ??= cause;
    this.state = "ended";
    // What it has not taken goes to another one now.
    this.recall();
    this.#host.kill();
  }

  /** Lets the program end while it runs. */
  unref(): void {
    this.#host.unref();
  }

  #tell(type: "interrupt" | "close", request: unknown): void {
    const id = this.#ids.get(request);
    if (id !== undefined) this.#outbox.post({ type, id });
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "ready":
        this.state = "ready";
        this.#ready_at = performance.now();
        this.#start.resolve();
        break;
      case "fault":
        this.kill(error_of(message.error));
        break;
      case "done":
        this.#done(message);
        break;
      case "call":
        if (message.call === 0) void this.#on_call("socket", message.method, message.args);
        else void this.#call(message);
        break;
    }
  }

  #done({ id, error }: Extract<FromWorker, { type: "done" }>): void {
    const sent = this.#sent.get(id);
    if (!sent) return;
    this.#forget(id, sent);
    this.completed++;
    this.completed_at = performance.now();
    if (this.#handicap > 0) this.#handicap--;
    if (error) sent.reject(error_of(error));
    else sent.resolve("done");
  }

  async #call(
    { call, target, method, args }: Extract<FromWorker, { type: "call" }>,
  ): Promise<void> {
    const callee = typeof target === "number" ? this.#sent.get(target)?.request : target;
    let answer: Extract<ToWorker, { type: "answer" }>;
    try {
      if (!callee) throw new Deno.errors.BadResource("The request has ended");
      answer = { type: "answer", call, value: await this.#on_call(callee, method, args) };
    } catch (error) {
      answer = { type: "answer", call, error: image_of(error) };
    }
    if (this.state === "ended") return;
    try {
      this.#outbox.post(answer);
    } catch (error) {
      const refusal = uncloneable(`the result of ${method}()`, error);
      this.#outbox.post({ type: "answer", call, error: image_of(refusal) });
    }
  }

  #forget(id: number, sent: Sent): void {
    this.#sent.delete(id);
    this.#ids.delete(sent.request);
  }

  #end(reason: unknown): WorkerEnd {
    this.#cause ??= reason;
    this.state = "ended";
    this.recall();
    for (const fd of this.#table?.left() ?? []) close_descriptor(fd);
    const silent = this.#sent.size === 0;
    const settled = performance.now() - this.#ready_at > SETTLED;
    const useful = settled || this.completed > 0 || !silent;
    const options = this.#cause === undefined ? undefined : { cause: this.#cause };
    const error = new Error(`${this.#host.name} ended while it handled the request`, options);
    for (const [id, sent] of this.#sent) {
      this.#forget(id, sent);
      sent.reject(error);
    }
    const cause = this.#cause ?? new Error(`${this.#host.name} ended by itself`);
    this.#start.reject(cause);
    return { useful, silent, cause };
  }
}
