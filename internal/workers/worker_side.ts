import type net from "node:net";
import process from "node:process";
import { DescriptorTable } from "../runtime/descriptor_table.ts";
import { take_out } from "../runtime/deno_internals.ts";
import { must_end } from "../runtime/order_to_end.ts";
import { NumberMap } from "../runtime/number_map.ts";
import { is_pending, may_fail } from "../runtime/pending.ts";
import { Calls } from "./calls.ts";
import { ClaimCounter } from "./claim_counter.ts";
import { uncloneable } from "./cloning.ts";
import { error_of, image_of } from "./error_image.ts";
import { is_small_and_plain } from "./look.ts";
import { own_memory } from "./memory.ts";
import type { FromWorker, PlainDone, ToWorker } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { ResultBox } from "./result_box.ts";
import type { ChildPipe } from "./result_pipe.ts";
import { pack, type Passenger, type Peer, received, sharing, unpack } from "./sharing.ts";
import { ShortWait } from "./short_wait.ts";
import { WorkerJob } from "./worker_job.ts";

/** So long, in ms, nothing must be left to close until that is said: mostly there is more at once. */
const AT_REST = 50;

/** How often, in ms, it is said how much memory there is, while something is done and once after that. */
const MEMORY = 1000;

/** What is said of an error that nobody could catch. */
const NOT_AWAITED = "a promise was rejected, and nobody awaited it";

/** How a worker and the pool's thread reach each other. */
export interface Port {
  /** Whether they share memory. */
  readonly shares_memory: boolean;
  /** By what short results go where no memory is shared. */
  readonly pipe?: ChildPipe;
  /** Sends messages. */
  post(messages: FromWorker[]): void;
  /** Resolves when the system has all of them, whatever becomes of the worker; `undefined` if it has. */
  sent?(): Promise<void> | undefined;
  /**
   * Has a function called with messages, and with the socket that came with them; another one where
   * messages cannot be read, and none comes any more.
   */
  on_messages(
    receive: (messages: ToWorker[], handle?: net.Socket) => void,
    unread: (error: Error) => void,
  ): void;
}

/** Does jobs: what a module that is named as a service exports as `start`. */
export interface Service {
  /** Whether it does one job at a time: the others can be taken back until then. */
  readonly is_serial?: boolean;
  /** Whether what runs now was begun by a job that is over. Promises that it leaves behind harm no other job. */
  is_late?(): boolean;
  /** Begins a job. What it throws is the job's outcome. */
  begin(job: WorkerJob): JobRun;
  /** Takes over what has changed of its settings. */
  configure?(changes: Record<string, unknown>): void;
}

/** Starts a service in a worker; the worker is ready when that is done. */
export type StartService = (
  settings: unknown,
  worker: WorkerSide,
  shared: Record<string, object>,
) => Service | Promise<Service>;

/** A job as its service does it. */
export interface JobRun {
  /** What the job gives: a promise, if it is not done. */
  readonly done: unknown;
  /** How many bytes it has read and written, where it counts them. */
  traffic?(): { bytes_in?: number; bytes_out?: number } | undefined;
  /** The job must come to an end. */
  interrupt?(reason: Error): void;
  /** The job must end now. */
  cut?(reason: Error): void;
  /** The job was given up: what it still does is nobody's business. */
  abandon?(): void;
}

type JobMessage = Extract<ToWorker, { type: "job" }>;

/** A job that is being done. */
interface Running {
  job: WorkerJob;
  run: JobRun;
}

/** What runs in a worker: it starts its service, says so, and has it do the jobs it is sent. */
export class WorkerSide {
  /** Its calls to the pool's thread. */
  readonly calls: Calls;
  #outbox: Outbox<FromWorker>;
  #claims: ClaimCounter | undefined;
  #results: ResultBox | ChildPipe | undefined;
  #sent: () => Promise<void> | undefined;
  #short_wait: ShortWait = new ShortWait();
  /** How many messages it has sent. */
  #posted = 0;
  #service: Service | undefined;
  /** Resolves when it has started its service, or could not. */
  #started: Promise<void> | undefined;
  #running: NumberMap<Running> = new NumberMap();
  /** The job that is being done, and those that wait, where there is one at a time. */
  #line: JobMessage[] = [];
  /** Whether any of these is being done. */
  #is_busy = false;
  #closing: Set<Promise<void>> = new Set();
  /** Whether the pool's thread was told that something is being closed. */
  #holds = false;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #is_thread: boolean;
  /** Says how much memory there is. */
  #memory: ReturnType<typeof setTimeout> | undefined;
  #exiting = false;

  /**
   * Does what comes through a port.
   *
   * @param port What the worker and the pool's thread reach each other through.
   */
  constructor(port: Port) {
    this.#outbox = new Outbox((messages) => this.#deliver(port, messages));
    this.calls = new Calls(this.#outbox);
    this.#is_thread = port.shares_memory;
    this.#claims = port.pipe?.claims;
    this.#results = port.pipe;
    this.#sent = () => port.sent?.();
    const parent: Peer = {
      name: "the pool's thread",
      shares_memory: port.shares_memory,
      post: (body, is_plain) => this.#outbox.post({ type: "peer", body, is_plain }),
    };
    sharing.parent = parent;
    sharing.hold = (closing) => this.hold(closing);
    sharing.rejected = (error, job) => this.calls.rejected(error, job ? { id: job } : undefined);
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
      if (this.#line.length > 0 && !this.#is_busy) void this.#do_in_turn();
    }, (error) => this.#fault(error));
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
    this.#posted++;
    port.post(is_news ? [{ type: "holds", holds: true }, ...messages] : messages);
    if (is_news) this.#holds = true;
  }

  /** A promise was rejected, and nobody awaits it. */
  #unhandled(reason: unknown): void {
    const job = this.calls.unawaited(reason);
    if (job === "told") return;
    const is_late = job === undefined && this.#service?.is_late?.();
    if (job === undefined && !is_late) return this.#fault(reason, NOT_AWAITED);
    this.#outbox.post({ type: "report", job: job ?? 0, error: image_of(reason) });
  }

  #fault(error: unknown, how?: string): void {
    this.#outbox.post({ type: "fault", error: image_of(error), ...(how && { how }) });
  }

  #receive(message: ToWorker, handle: net.Socket | undefined): void {
    if (must_end() && message.type !== "exit") return;
    switch (message.type) {
      case "start":
        this.#started = this.#start(message);
        break;
      case "job":
        this.#take(message, handle);
        break;
      case "jobs":
        for (const [id, message_of_job, claim, fd] of message.jobs) {
          this.#take({ type: "job", id, message: message_of_job, claim, fd });
        }
        break;
      case "connection":
        if (handle) sharing.connections.set(message.number, take_out(handle));
        break;
      case "interrupt":
        this.#tell_to_end(message);
        break;
      case "cut":
        this.#outbox.post({ type: "cut", id: message.id });
        this.#tell_to_end(message);
        break;
      case "abandon":
        this.#running.get(message.id)?.run.abandon?.();
        this.#running.delete(message.id);
        this.#outbox.post({ type: "abandoned", id: message.id });
        break;
      case "answer":
        this.calls.answer(message);
        break;
      case "peer":
        received(sharing.parent!, message.body);
        break;
      case "configure":
        void this.#started?.then(() => this.#service?.configure?.(message.changes));
        break;
      case "end":
        void this.#end();
        break;
      case "exit":
        this.#exit();
    }
  }

  async #start(
    { service, settings, main_module, process, claims, table, results, shared }: Extract<
      ToWorker,
      { type: "start" }
    >,
  ): Promise<void> {
    sharing.main_module = main_module;
    sharing.process = process;
    sharing.is_loading = true;
    if (claims) this.#claims = new ClaimCounter(claims);
    if (table) sharing.table = new DescriptorTable(table);
    if (results) this.#results = new ResultBox(results);
    try {
      const { start } = await import(service) as { start: StartService };
      const objects = shared ? await unpack(shared, sharing.parent!) : {};
      this.#service = await start(settings, this, objects as Record<string, object>);
      this.#say_memory();
      this.#outbox.post({ type: "ready" });
    } catch (error) {
      this.#fault(error);
    } finally {
      sharing.is_loading = false;
    }
  }

  #take(job: JobMessage, handle?: net.Socket): void {
    if (must_end()) return;
    if (this.#service!.is_serial) this.#line.push(job);
    else if (this.#takes(job.claim)) void this.#do(job, handle);
  }

  /** Whether a job is this worker's: the pool may have taken it back. */
  #takes(claim: number | undefined): boolean {
    return !this.#claims || claim === undefined || this.#claims.take(claim);
  }

  /** Does one job after the other, if each is this worker's then. */
  async #do_in_turn(): Promise<void> {
    this.#is_busy = true;
    for (let next; (next = this.#line[0]); this.#line.shift()) {
      // The job may end this worker: what was done before it is done.
      this.#outbox.flush();
      const sent = this.#sent();
      if (sent) await sent;
      const doing = this.#takes(next.claim) ? this.#do(next, undefined) : undefined;
      if (doing) await doing;
    }
    this.#is_busy = false;
    if (this.#claims && this.#is_thread) this.#short_wait.wait(this.#claims.has_next);
  }

  /** Does a job: a promise only where there is something to wait for. */
  #do(message: JobMessage, handle: net.Socket | undefined): Promise<void> | undefined {
    const { id, passengers } = message;
    this.#memory ??= this.#say_memory_later();
    if (passengers) return this.#unpack_and_do(message, passengers, handle);
    try {
      const job = new WorkerJob(message, handle, this.calls, sharing.table);
      const run = this.#service!.begin(job);
      if (is_pending(run.done)) return this.#wait_for({ job, run });
      this.#give(id, run.done);
    } catch (error) {
      this.#failed(id, error);
    }
  }

  async #unpack_and_do(
    message: JobMessage,
    passengers: Passenger[],
    handle: net.Socket | undefined,
  ): Promise<void> {
    try {
      message.message = await unpack({ value: message.message, passengers }, sharing.parent!);
    } catch (error) {
      return this.#failed(message.id, error);
    }
    delete message.passengers;
    await this.#do(message, handle);
  }

  async #wait_for(running: Running): Promise<void> {
    const { job: { id }, run } = running;
    this.#running.set(id, running);
    try {
      this.#give(id, await run.done, run);
    } catch (error) {
      this.#failed(id, error, run);
    }
    this.#running.delete(id);
  }

  #say_memory_later(): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => this.#say_memory(), MEMORY);
    Deno.unrefTimer(timer);
    return timer;
  }

  #say_memory(): void {
    this.#memory = this.#running.size > 0 ? this.#say_memory_later() : undefined;
    this.#outbox.defer({ type: "memory", bytes: own_memory(this.#is_thread) });
  }

  /** Says that a job is done, and what it has given. */
  #give(id: number, result: unknown, run?: JobRun): void {
    if (this.#service!.is_serial && this.#leave(id, result)) return;
    if (result === undefined) return this.#ended(id, run?.traffic?.());
    if (is_small_and_plain(result)) return this.#done({ type: "done", id, value: result });
    try {
      this.#outbox.post({ type: "done", id, ...pack(result, sharing.parent!) });
    } catch (error) {
      throw uncloneable("the result", error);
    }
  }

  #failed(id: number, error: unknown, run?: JobRun): void {
    // What is halted by the order to end fails, an import with `null`: that is not how the job ended.
    if (must_end()) return;
    this.#done({ type: "done", id, error: image_of(error), ...run?.traffic?.() });
  }

  /** The same of one that has given nothing. */
  #ended(id: number, traffic: ReturnType<NonNullable<JobRun["traffic"]>>): void {
    if (this.#service!.is_serial) return this.#done({ type: "done", id, ...traffic });
    const done: PlainDone = traffic ? [id, traffic.bytes_in, traffic.bytes_out] : [id];
    const { last } = this.#outbox;
    if (last?.type === "dones") last.jobs.push(done);
    else this.#outbox.defer({ type: "dones", jobs: [done] });
  }

  /** Says it at once where the next job comes after it: that may end this worker. */
  #done(message: Extract<FromWorker, { type: "done" }>): void {
    if (this.#service!.is_serial) this.#outbox.post(message);
    else this.#outbox.defer(message);
  }

  /** Leaves a result where the pool takes it, if it can: that does not wait for the next job. */
  #leave(id: number, result: unknown): boolean {
    // What the job has said before comes before.
    sharing.system?.flush(sharing.parent!);
    if (!this.#results || this.#closing.size > 0) return false;
    // A message is read in less time than the pipe.
    if (!this.#is_thread && this.#line.length === 1) return false;
    this.#outbox.flush();
    if (!this.#results.put(id, this.#posted, result)) return false;
    if (this.#results.must_call()) this.#outbox.call();
    return true;
  }

  #tell_to_end({ type, id, reason }: Extract<ToWorker, { type: "interrupt" | "cut" }>): void {
    const running = this.#running.get(id);
    if (!running) return;
    const error = error_of(reason);
    running.job.must_end(error);
    running.run[type]?.(error);
  }

  async #end(): Promise<void> {
    // What is closed may leave something else to be closed.
    while (this.#closing.size > 0) await Promise.all(this.#closing);
    sharing.system?.flush(sharing.parent!);
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
