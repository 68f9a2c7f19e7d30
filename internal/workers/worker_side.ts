import type net from "node:net";
import process from "node:process";
import { open_descriptor, reopen_socket } from "../runtime/deno_internals.ts";
import { DescriptorTable } from "../runtime/descriptor_table.ts";
import { must_end } from "../runtime/order_to_end.ts";
import { may_fail } from "../runtime/pending.ts";
import { ClaimCounter } from "./claim_counter.ts";
import { uncloneable } from "./cloning.ts";
import { error_of, image_of } from "./error_image.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { RemotePromise } from "./remote_promise.ts";

/** How long, in ms, a call of a job that was told to end may take once the pool's thread has it. */
const LAST_ANSWER = 50;

/** So long, in ms, nothing must be left to close until that is said: mostly there is more at once. */
const AT_REST = 50;

/** What is said of an error that nobody could catch. */
const NOT_AWAITED = "a promise was rejected, and nobody awaited it";

/** How a worker and the pool's thread reach each other. */
export interface Port {
  /** Sends messages. */
  post(messages: FromWorker[]): void;
  /** Has a function called with messages, and with the socket that came with them. */
  on_messages(receive: (messages: ToWorker[], handle?: net.Socket) => void): void;
}

/** Does jobs: what a module that is named as a service exports as `start`. */
export interface Service {
  /** Begins a job. What it throws is the job's outcome. */
  begin(job: WorkerJob): JobRun;
}

/** Starts a service in a worker; the worker is ready when that is done. */
export type StartService = (settings: unknown, worker: WorkerSide) => Service | Promise<Service>;

/** A job as its service does it. */
export interface JobRun {
  /** Resolves when the job is done. */
  readonly done: Promise<void>;
  /** The job must come to an end. */
  interrupt(reason: Error): void;
  /** The job must end now. */
  cut(reason: Error): void;
}

/** A call that waits for its answer. */
interface Call {
  promise: RemotePromise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /** The job whose waits end with it; none where that goes on. */
  job: WorkerJob | undefined;
}

/** A job in its worker. */
export class WorkerJob {
  readonly id: number;
  readonly message: unknown;
  #worker: WorkerSide;
  #fd: number | undefined;
  #handle: net.Socket | undefined;
  /** Why it must end, if it must. */
  #must_end: { reason: Error } | undefined;

  /**
   * @param worker Where it is done.
   * @param job The job as it came.
   * @param handle The socket that came with it, if that was from another process.
   */
  constructor(
    worker: WorkerSide,
    { id, message, fd }: Extract<ToWorker, { type: "job" }>,
    handle: net.Socket | undefined,
  ) {
    this.#worker = worker;
    this.id = id;
    this.message = message;
    this.#fd = fd;
    this.#handle = handle;
  }

  /** Opens the connection whose descriptor came with the job: once. */
  open(options: net.SocketConstructorOpts): net.Socket {
    return this.#handle
      ? reopen_socket(this.#handle, options)
      : open_descriptor(this.#fd!, options, this.#worker.table);
  }

  /** Calls a method in the pool's thread, and waits for the answer however long it takes. */
  call(target: string, method: string, args: unknown[]): RemotePromise<unknown> {
    return this.#worker.call(this.id, target, method, args);
  }

  /**
   * The same, but when the job must end the call rejects with the reason for that. A rejection that
   * nobody awaits is reported, and harms nobody.
   */
  wait_for(target: string, method: string, args: unknown[]): RemotePromise<unknown> {
    const answer = this.#worker.call(this.id, target, method, args, this);
    if (this.#must_end) void this.#end_waits();
    return answer;
  }

  /** Tells its waits that it must end. */
  must_end(reason: Error): void {
    if (this.#must_end) return;
    this.#must_end = { reason };
    void this.#end_waits();
  }

  /** What is answered at once is answered: a busy job may still reply. */
  async #end_waits(): Promise<void> {
    const { reason } = this.#must_end!;
    // Those that are made later have their own time.
    const last = this.#worker.last_call;
    // However busy the pool's thread is: what it answers at once comes before this.
    await this.#worker.echo();
    setTimeout(() => this.#worker.reject_calls(this, last, reason), LAST_ANSWER);
  }
}

/** A job that is being done. */
interface Running {
  job: WorkerJob;
  run: JobRun;
}

/** What runs in a worker: it starts its service, says so, and has it do the jobs it is sent. */
export class WorkerSide {
  #outbox: Outbox<FromWorker>;
  #claims: ClaimCounter | undefined;
  /** Where descriptors are noted, in a thread. */
  table: DescriptorTable | undefined;
  /** The number of the last call. */
  last_call = 0;
  #service!: Service;
  #running: Map<number, Running> = new Map();
  #closing: Set<Promise<void>> = new Set();
  /** Whether the pool's thread was told that something is being closed. */
  #holds = false;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #calls: Map<number, Call> = new Map();
  #exiting = false;
  /** What calls were rejected with, and the job each belongs to. */
  #rejections: WeakMap<object, WorkerJob | undefined> = new WeakMap();
  /** What needs no report (any more): reported errors, and the reasons for which jobs must end. */
  #told: WeakSet<object> = new WeakSet();

  /**
   * Does what comes through a port.
   *
   * @param port What the worker and the pool's thread reach each other through.
   */
  constructor(port: Port) {
    this.#outbox = new Outbox((messages) => this.#deliver(port, messages));
    // What nobody catches ends the worker, as it would end the program in the main thread. The pool is
    // told why, and ends it: what it was doing is lost in any case.
    addEventListener("error", (event) => {
      event.preventDefault();
      this.#fault(event.error);
    });
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.#unhandled(event.reason);
    });
    port.on_messages((messages, handle) => {
      for (const message of messages) this.#receive(message, handle);
    });
  }

  /** Has neither the worker nor the program end by itself before this is over. */
  hold(closing: Promise<void>): void {
    const held = may_fail(closing.finally(() => this.#let_go(held)));
    this.#closing.add(held);
  }

  #let_go(held: Promise<void>): void {
    this.#closing.delete(held);
    if (!this.#holds || this.#closing.size > 0) return;
    this.#rest ??= setTimeout(() => this.#say_at_rest(), AT_REST);
  }

  #say_at_rest(): void {
    this.#rest = undefined;
    if (this.#closing.size > 0) return;
    this.#holds = false;
    this.#outbox.post({ type: "holds", holds: false });
  }

  /** Sends messages; with those that a job is done goes that its connection is still being closed. */
  #deliver(port: Port, messages: FromWorker[]): void {
    const is_news = !this.#holds && this.#closing.size > 0;
    port.post(is_news ? [{ type: "holds", holds: true }, ...messages] : messages);
    if (is_news) this.#holds = true;
  }

  /**
   * Calls a method in the pool's thread.
   *
   * @param id The job for which it is called; 0 for none.
   * @param job The same, if the call must end with it.
   */
  call(
    id: number,
    target: string,
    method: string,
    args: unknown[],
    job?: WorkerJob,
  ): RemotePromise<unknown> {
    const [call, outcome] = this.#new_call(job);
    try {
      this.#outbox.post({ type: "call", call, job: id, target, method, args });
    } catch (error) {
      this.#calls.delete(call);
      this.#reject(outcome, uncloneable(`an argument of ${method}()`, error));
    }
    return outcome.promise;
  }

  /** Resolves when the pool's thread has had all that was sent before, and it was answered if at once. */
  async echo(): Promise<void> {
    const [call, { promise }] = this.#new_call();
    this.#outbox.post({ type: "echo", call });
    await promise;
  }

  #new_call(job?: WorkerJob): [number, Call] {
    const { promise, resolve, reject } = RemotePromise.withResolvers<unknown>();
    const call: Call = { promise: promise as RemotePromise<unknown>, resolve, reject, job };
    this.#calls.set(++this.last_call, call);
    return [this.last_call, call];
  }

  /** Calls a method in the pool's thread, of which no answer is wanted; the arguments can be cloned. */
  tell(target: string, method: string, args: unknown[]): void {
    this.#outbox.defer({ type: "call", call: 0, target, method, args });
  }

  /** Rejects the calls that must end with a job, up to the one with this number. */
  reject_calls(job: WorkerJob, last: number, reason: Error): void {
    this.#told.add(reason);
    for (const [id, call] of this.#calls) {
      if (call.job !== job || id > last) continue;
      this.#calls.delete(id);
      call.reject(reason);
    }
  }

  #reject(call: Call, error: Error): void {
    this.#rejections.set(error, call.job);
    call.reject(error);
  }

  /** A promise was rejected, and nobody awaits it. */
  #unhandled(reason: unknown): void {
    // It may be anything, also what throws when it is asked for its class.
    const error = reason as object;
    if (this.#told.has(error)) return;
    if (!this.#rejections.has(error)) return this.#fault(reason, NOT_AWAITED);
    this.#told.add(error);
    const job = this.#rejections.get(error)?.id ?? 0;
    this.#outbox.post({ type: "report", job, error: image_of(reason) });
  }

  #fault(error: unknown, how?: string): void {
    this.#outbox.post({ type: "fault", error: image_of(error), ...(how && { how }) });
  }

  #receive(message: ToWorker, handle: net.Socket | undefined): void {
    if (must_end() && message.type !== "exit") return;
    switch (message.type) {
      case "start":
        void this.#start(message);
        break;
      case "job":
        if (this.#takes(message.claim)) void this.#do(message, handle);
        break;
      case "interrupt":
        this.#tell_to_end(message);
        break;
      case "cut":
        this.#outbox.post({ type: "cut", id: message.id });
        this.#tell_to_end(message);
        break;
      case "abandon":
        this.#running.delete(message.id);
        this.#outbox.post({ type: "abandoned", id: message.id });
        break;
      case "answer":
        this.#answer(message);
        break;
      case "end":
        void this.#end();
        break;
      case "exit":
        this.#exit();
    }
  }

  async #start(
    { service, settings, claims, table }: Extract<ToWorker, { type: "start" }>,
  ): Promise<void> {
    if (claims) this.#claims = new ClaimCounter(claims);
    if (table) this.table = new DescriptorTable(table);
    try {
      const { start } = await import(service) as { start: StartService };
      this.#service = await start(settings, this);
      this.#outbox.post({ type: "ready" });
    } catch (error) {
      this.#fault(error);
    }
  }

  /** Whether a job is this worker's: the pool may have taken it back. */
  #takes(claim: number | undefined): boolean {
    return !this.#claims || this.#claims.take(claim!);
  }

  async #do(
    message: Extract<ToWorker, { type: "job" }>,
    handle: net.Socket | undefined,
  ): Promise<void> {
    const { id } = message;
    const job = new WorkerJob(this, message, handle);
    let done: FromWorker = { type: "done", id };
    try {
      const run = this.#service.begin(job);
      this.#running.set(id, { job, run });
      await run.done;
    } catch (error) {
      done = { ...done, error: image_of(error) };
    }
    this.#running.delete(id);
    this.#outbox.defer(done);
  }

  #tell_to_end({ type, id, reason }: Extract<ToWorker, { type: "interrupt" | "cut" }>): void {
    const running = this.#running.get(id);
    if (!running) return;
    const error = error_of(reason);
    running.job.must_end(error);
    running.run[type](error);
  }

  #answer({ call: id, value, error }: Extract<ToWorker, { type: "answer" }>): void {
    const call = this.#calls.get(id);
    if (!call) return;
    this.#calls.delete(id);
    if (error) this.#reject(call, error_of(error));
    else call.resolve(value);
  }

  async #end(): Promise<void> {
    await Promise.all(this.#closing);
    this.#outbox.flush();
    this.#exit();
  }

  /** Ends this worker, once: a second `process.exit()` in a thread of Deno never returns. */
  #exit(): void {
    if (this.#exiting) return;
    this.#exiting = true;
    process.exit();
  }
}
