import { setImmediate } from "node:timers";
import { close_descriptor } from "../runtime/deno_internals.ts";
import { DescriptorTable } from "../runtime/descriptor_table.ts";
import { NumberMap } from "../runtime/number_map.ts";
import { is_pending } from "../runtime/pending.ts";
import { AskedClaims } from "./asked_claims.ts";
import { ClaimCounter } from "./claim_counter.ts";
import { uncloneable } from "./cloning.ts";
import { error_of, image_of } from "./error_image.ts";
import type { Job, JobCalls, JobOutcome } from "./job.ts";
import type { FromWorker, PlainJob, ToWorker, WorkerStart } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { ResultBox } from "./result_box.ts";
import type { PoolPipe } from "./result_pipe.ts";
import { Handicap, type Look, Pace, PATIENCE, SETTLED, SLOW } from "./scheduling.ts";
import {
  pack,
  type Packed,
  type Peer,
  type ProcessPlace,
  received,
  run_for_caller,
  sharing,
  unpack,
} from "./sharing.ts";
import { type Exit, NO_EXIT, WorkerEnded } from "./worker_ended.ts";
import type { StartHost, WorkerHost } from "./worker_host.ts";
import type { WorkerInfo } from "./worker_info.ts";

/** How long, in ms, a worker that is asked to give up a job may take to answer: it may be computing. */
const ANSWER = 1000;

/** How long, in ms, a worker that has nothing else to do may take no job: something left behind does not let go. */
const DEAF = 5000;

/** How many messages a worker may send at once, and how many arguments a call may have: it sends far fewer. */
const MAX_MESSAGES = 1_000_000;
const MAX_ARGUMENTS = 100_000;

/** A job that was sent to a worker. */
export interface Sent {
  readonly id: number;
  readonly job: Job;
  readonly worker: WorkerHandle;
  readonly claim: number | undefined;
  /** Whether the worker was told to end it now and has not said that it heard. */
  unheard: boolean;
  /** What ends the worker if it does not give the job up. */
  force?: ReturnType<typeof setTimeout>;
  over(job: Job, worker: WorkerHandle, outcome: JobOutcome): void;
}

/**
 * Why a worker ended: it had nothing to do (`"idle"`), another one takes its place (`"replaced"`), all end
 * (`"closed"`), it was ended by force (`"killed"`), or it failed, or ended unasked (`"died"`).
 */
export type EndReason = "idle" | "replaced" | "closed" | "killed" | "died";

/** How a worker ended. */
export interface WorkerEnd {
  reason: EndReason;
  /** How many jobs were lost with it. */
  lost: number;
  exit: Exit;
  /** Whether it has worked: it took a job, or was ready for a while. */
  useful: boolean;
  /** Whether it did nothing when it ended, so that nobody has heard of the cause. */
  silent: boolean;
  cause: unknown;
}

/**
 * A worker as the pool's thread sees it. It keeps the program running while it starts and while it does
 * something.
 */
export class WorkerHandle {
  readonly id: number;
  state: WorkerInfo["state"] = "starting";
  completed = 0;
  /** How many jobs it was given. */
  given = 0;
  /** How many it may be given. */
  max_given = Infinity;
  /** See {@linkcode WorkerInfo.restarts}. */
  restarts = 0;
  /** Resolves when it can work; rejects if it never will. */
  readonly ready: Promise<void>;
  /** Resolves when it has ended, whatever the cause; its jobs have been rejected then. */
  readonly ended: Promise<WorkerEnd>;
  #noun: string;
  #keeps_running: boolean;
  #is_serial: boolean;
  #host: WorkerHost;
  #outbox: Outbox<ToWorker>;
  /** Which jobs it has taken; where it shares no memory, that is known only when it was asked. */
  #claims: ClaimCounter | undefined;
  #asked_claims: AskedClaims | undefined;
  #table: DescriptorTable | undefined;
  #results: ResultBox | PoolPipe | undefined;
  /** How many messages have come. */
  #messages = 0;
  /** Whether it looks for results in the next turn. */
  #is_looking = false;
  #sent: NumberMap<Sent> = new NumberMap();
  /** Whether it still closes what jobs have left, so that the program must not end. */
  #holds = false;
  /** Whether its end is waited for. */
  #is_awaited = false;
  #last_id = 0;
  #last_connection = 0;
  #calls: JobCalls;
  #start: PromiseWithResolvers<void> = Promise.withResolvers();
  #cause: unknown;
  #reason: EndReason | undefined;
  /** What is to be said of the cause. */
  #how: string | undefined;
  #since = Date.now();
  #started_at = performance.now();
  #ready_at = Infinity;
  #completed_at = 0;
  /** When the first of what it has not taken was sent. */
  #untaken_since = 0;
  #handicap = new Handicap();
  #pace = new Pace();
  /** How much memory it has, in bytes, as it says. */
  #memory: number | undefined;
  /** For the objects that it shares. */
  #peer: Peer;

  /**
   * Starts a worker.
   *
   * @param id Its number.
   * @param start_host Starts the thread or the process.
   * @param start What it is given.
   * @param calls Answers it.
   * @param options What a job is called in messages, whether jobs keep the program running, whether the
   * worker does one at a time, and what its process is, if that is one of its own.
   */
  constructor(
    id: number,
    start_host: StartHost,
    start: WorkerStart & { shared?: Record<string, object> },
    calls: JobCalls,
    options: {
      noun: string;
      keeps_running: boolean;
      is_serial?: boolean;
      process?: Omit<ProcessPlace, "parent">;
    },
  ) {
    this.id = id;
    this.#noun = options.noun;
    this.#keeps_running = options.keeps_running;
    this.#is_serial = options.is_serial ?? false;
    this.#calls = calls;
    this.ready = this.#start.promise;
    // A failure is told to those who wait for it; a worker that nobody waits for may fail.
    this.ready.catch(() => {});
    const { promise, resolve } = Promise.withResolvers<WorkerEnd>();
    this.ended = promise;
    this.#host = start_host(id, {
      received: (messages) => this.#received(messages),
      unheard: (cause) => this.kill(cause, "died"),
      ended: (cause, is_gone = true, exit = NO_EXIT) => resolve(this.#end(cause, is_gone, exit)),
    });
    if (!this.#keeps_running) this.#host.unref();
    this.#outbox = new Outbox((messages, transfer) => this.#host.post(messages, transfer));
    if (this.#host.shares_memory) {
      this.#claims = new ClaimCounter();
      this.#table = new DescriptorTable();
      if (this.#is_serial) this.#results = new ResultBox();
    }
    if (this.#host.pipe) this.#listen(this.#host.pipe);
    const { name, shares_memory } = this.#host;
    this.#peer = {
      name,
      shares_memory,
      post: (body, is_plain) => this.#tell_peer(body, is_plain),
      ...(!shares_memory && { send_connection: (fd: number) => this.#send_connection(fd) }),
    };
    this.#begin(start, options.process);
  }

  #listen(pipe: PoolPipe): void {
    this.#results = pipe;
    this.#asked_claims = new AskedClaims(() => pipe.recall());
    pipe.listen(
      () => this.#look_for_results(),
      (first) => this.#recalled(first),
      (cause) => this.#kill_for_nonsense(cause),
    );
  }

  /** Has it start. What cannot be sent to it is why it never will. */
  #begin(
    { shared, ...rest }: WorkerStart & { shared?: Record<string, object> },
    process: Omit<ProcessPlace, "parent"> | undefined,
  ): void {
    try {
      this.#outbox.post({
        type: "start",
        ...rest,
        main_module: sharing.main_module,
        process: this.#process_place(process),
        shared: shared && pack(shared, this.#peer),
        claims: this.#claims?.memory,
        table: this.#table?.memory,
        results: this.#results instanceof ResultBox ? this.#results.memory : undefined,
      });
    } catch (error) {
      this.kill(error);
    }
  }

  /** The process in which it is. */
  #process_place(own = { name: `Worker-${this.id}`, daemon: false, number: "" }): ProcessPlace {
    if (this.#host.shares_memory) return sharing.process;
    return { ...own, parent: { name: sharing.process.name, pid: Deno.pid } };
  }

  /** How many jobs it does, or was sent. */
  get active(): number {
    return this.#sent.size;
  }

  /** How many of them it has not taken yet: more than a few, and it does not answer. */
  get untaken(): number {
    // Of another process that is not known: it does one, it seems.
    if (this.#asked_claims) return Math.max(0, this.active - 1);
    return this.#claims?.open ?? 0;
  }

  /** Whether what was sent ahead waits for long, and cannot be taken back at the moment at which it must be. */
  get is_slow(): boolean {
    return this.#asked_claims !== undefined &&
      performance.now() - Math.max(this.#untaken_since, this.#completed_at) > PATIENCE;
  }

  /** Whether it does nothing that it was told to, and has taken no job for long. */
  get is_deaf(): boolean {
    const { untaken } = this;
    const since = Math.max(this.#untaken_since, this.#completed_at);
    return untaken > 0 && untaken === this.active && performance.now() - since > DEAF;
  }

  /** What there is to know before it is given a job; `now` is that of `performance.now()`. */
  look(now: number): Look {
    const since = this.#asked_claims ? this.#completed_at : 0;
    const silent = this.untaken > 0 && now - Math.max(since, this.#untaken_since) > SLOW;
    this.#handicap.looked(silent);
    return {
      silent,
      load: this.active + this.#handicap.value,
      completed_at: this.#completed_at,
    };
  }

  /** What it is doing. */
  get info(): WorkerInfo {
    const { id, state, active, completed } = this;
    const { pid } = this.#host;
    const age = Math.round(performance.now() - this.#started_at);
    return {
      id,
      state,
      active,
      completed,
      since: this.#since,
      restarts: this.restarts,
      age,
      memory: this.#memory,
      ...(pid !== undefined && { pid }),
    };
  }

  /**
   * Hands a job over.
   *
   * @param over Called with how it went: `"recalled"` if the worker never took it.
   * @throws {DOMException} If its message cannot be cloned.
   */
  run(job: Job, over: Sent["over"]): void {
    const id = ++this.#last_id;
    if (this.untaken === 0) this.#untaken_since = performance.now();
    const { fd } = job;
    // What was moved is gone from here: it cannot go to another worker.
    const claims = job.transfer ? undefined : this.#asked_claims ?? this.#claims;
    const claim = claims?.issue();
    // Before it can close it: what it takes and never opens is not lost with it, either.
    if (fd !== undefined) this.#table?.opened(fd);
    try {
      if (this.#may_wait(job)) this.#defer_job([id, job.message, claim, fd]);
      else this.#post_job(id, job, claim);
    } catch (error) {
      // It cannot be cloned. Later claims must not wait for this one.
      claims?.withdraw();
      if (fd !== undefined) this.#table?.closing(fd);
      throw error;
    }
    this.#claims?.announce();
    this.given++;
    this.#pace.given(this.#sent.size);
    if (this.#sent.size === 0 && this.#keeps_running) this.#host.ref();
    job.worker = this.id;
    job.sent = { id, job, worker: this, claim, unheard: false, over };
    this.#sent.set(id, job.sent);
  }

  /** What comes many at a time goes many at a time; but a worker that does one at a time gets its first at once. */
  #may_wait({ is_plain, fd }: Job): boolean {
    if (!is_plain || (this.#is_serial && this.#sent.size === 0)) return false;
    return this.#host.shares_memory || (this.#asked_claims !== undefined && fd === undefined);
  }

  #defer_job(job: PlainJob): void {
    const { last } = this.#outbox;
    if (last?.type === "jobs") last.jobs.push(job);
    else this.#outbox.defer({ type: "jobs", jobs: [job] });
  }

  #post_job(id: number, job: Job, claim: number | undefined): void {
    const { fd, transfer } = job;
    const { value: message, passengers } = job.may_share
      ? pack(job.message, this.#peer)
      : { value: job.message };
    const sent: Extract<ToWorker, { type: "job" }> = { type: "job", id, message };
    if (passengers) sent.passengers = passengers;
    if (claim !== undefined) sent.claim = claim;
    if (fd !== undefined) sent.fd = fd;
    this.#outbox.post(sent, transfer);
  }

  /**
   * Whether it can be given a job now.
   *
   * @param max_jobs How many it may have at once; `undefined` for one, and others sent ahead.
   */
  has_room(job: Job, max_jobs: number | undefined): boolean {
    if (this.state !== "ready" || this.given >= this.max_given) return false;
    if (this.active === 0) return true;
    if (max_jobs !== undefined) return this.active < max_jobs;
    const { job: first } = this.#sent.first!;
    if (job.is_alone || first.is_alone || first.is_blocked) return false;
    if (this.#asked_claims && (this.#asked_claims.is_asking || !job.is_plain)) return false;
    const can_recall = this.#asked_claims !== undefined || this.#claims !== undefined;
    return can_recall && this.#pace.has_room(this.active);
  }

  /**
   * Whether it has begun a job that is here; of another process, that is taken for granted, if there is no other one
   * before it.
   */
  has_begun(sent: Sent): boolean {
    if (this.#asked_claims) return this.#sent.first === sent;
    return sent.claim === undefined || this.#claims!.has_taken(sent.claim);
  }

  /** Ends it at once if it was told to end a job now and has not said that it heard. */
  kill_if_deaf(sent: Sent, cause: unknown): void {
    if (sent.unheard) this.kill(cause);
  }

  /** Tells a job that is here that it must end. */
  interrupt({ id }: Sent, reason: unknown): void {
    this.#outbox.post({ type: "interrupt", id, reason: image_of(reason) });
  }

  /** Tells it what has changed of the settings that it was given. */
  configure(changes: Record<string, unknown>): void {
    if (this.state !== "ended") this.#outbox.post({ type: "configure", changes });
  }

  /** Ends a job that is here now. */
  cut(sent: Sent, reason: unknown): void {
    sent.unheard = true;
    this.#outbox.post({ type: "cut", id: sent.id, reason: image_of(reason) });
  }

  /**
   * Gives up a job that was cut. A worker that answers goes on, and the job has the outcome
   * `"abandoned"`; one that does not is ended.
   */
  abandon(sent: Sent): void {
    const force = () => this.kill(new Error(`A ${this.#noun} was not given up in time`));
    if (sent.unheard) return force();
    this.#outbox.post({ type: "abandon", id: sent.id });
    sent.force ??= setTimeout(force, ANSWER);
  }

  /** Whether any job of some kind is here that it has not begun. */
  has_waiting(is_so: (job: Job) => boolean): boolean {
    return this.#sent.values().some((sent) => is_so(sent.job) && !this.has_begun(sent));
  }

  /** Takes back what was sent and not taken: at once, where it shares memory. */
  recall(): void {
    if (this.#claims) this.#recalled(this.#claims.recall());
    else if (this.active > 1) this.#asked_claims?.recall();
  }

  #recalled(first: number): void {
    this.#asked_claims?.recalled(first);
    // Those that are here now: whoever is told of one may give this worker the next one, which is its own.
    const back = this.#sent.values().filter(({ claim }) =>
      claim !== undefined && ((claim - first) | 0) >= 0
    );
    for (const sent of back) this.#over(sent, "recalled");
  }

  /** Lets it end by itself, when the last of its jobs is wholly over. */
  end(reason: EndReason = "closed"): void {
    if (this.state === "ended") return;
    this.#reason ??= reason;
    this.#outbox.post({ type: "end" });
  }

  /** Ends it at once, even in an endless loop. */
  kill(cause: unknown, reason: EndReason = "killed"): void {
    if (this.state !== "ended") this.#reason = reason;
    this.#cause ??= cause;
    this.state = "ended";
    // What it has not taken goes to another one now.
    this.recall();
    this.#host.kill();
  }

  /** Keeps the program running until it has ended: it is told to. */
  ref(): void {
    this.#is_awaited = true;
    this.#host.ref();
  }

  #tell_peer(body: unknown[], is_plain: boolean): void {
    if (this.state !== "ended") this.#outbox.post({ type: "peer", body, is_plain });
  }

  #send_connection(fd: number): number {
    const number = ++this.#last_connection;
    if (this.state === "ended") void close_descriptor(fd);
    else this.#outbox.post({ type: "connection", number, fd });
    return number;
  }

  /** Takes messages. What a worker says that makes no sense must harm nobody else: it is ended. */
  #received(messages: FromWorker[]): void {
    try {
      if (messages.length > MAX_MESSAGES) throw new RangeError("It sent too many messages at once");
      messages.forEach((message) => this.#receive(message));
      this.#messages++;
      this.#look_for_results();
    } catch (cause) {
      this.#kill_for_nonsense(cause);
    }
  }

  #kill_for_nonsense(cause: unknown): void {
    this.kill(new TypeError(`${this.#host.name} sent what makes no sense`, { cause }), "died");
  }

  /** Takes results; while they come, it looks again in the next turn, and need not be called. */
  #look_for_results(): void {
    if (!this.#results || this.#is_looking) return;
    const taken = this.#take_results(this.#results);
    if (taken > 0 && this.active > 0) {
      this.#is_looking = true;
      setImmediate(() => {
        this.#is_looking = false;
        this.#look_for_results();
      });
    } else {
      this.#results.await_call();
      this.#take_results(this.#results);
    }
  }

  #take_results(results: ResultBox | PoolPipe, received = this.#messages): number {
    return results.take(received, (id, value) => this.#done({ type: "done", id, value }));
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "ready":
        // It may have been ended since.
        if (this.state !== "starting") break;
        this.state = "ready";
        this.#rest();
        this.#ready_at = performance.now();
        this.#start.resolve();
        break;
      case "fault":
        if (message.how !== undefined) this.#how = String(message.how);
        this.kill(error_of(message.error), "died");
        break;
      case "memory":
        this.#memory = number_of_bytes(message.bytes);
        break;
      case "done":
        this.#done(message);
        break;
      case "dones": {
        const now = performance.now();
        for (const [id, bytes_in, bytes_out] of message.jobs) {
          this.#done({ type: "done", id, bytes_in, bytes_out }, now);
        }
        break;
      }
      case "holds":
        this.#holds = message.holds && this.#keeps_running;
        if (this.#holds) this.#host.ref();
        else this.#rest();
        break;
      case "cut": {
        const sent = this.#sent.get(message.id);
        if (sent) sent.unheard = false;
        break;
      }
      case "abandoned":
        this.#over(this.#sent.get(message.id), "abandoned");
        break;
      case "report":
        this.#calls.report(this.#sent.get(message.job)?.job, error_of(message.error));
        break;
      case "echo":
        void this.#echo(message.call);
        break;
      case "call":
        if (message.call === 0) this.#told(message);
        else void this.#call(message);
        break;
      case "peer":
        received(this.#peer, message.body);
        break;
      default:
        throw new TypeError(`There is no such message: ${Deno.inspect(message)}`);
    }
  }

  #done(
    { id, value, passengers, error, bytes_in, bytes_out }: Extract<FromWorker, { type: "done" }>,
    now: number = performance.now(),
  ): void {
    const sent = this.#sent.get(id);
    if (!sent) return;
    const failure = error && error_of(error);
    if (bytes_in !== undefined) {
      sent.job.bytes_in = number_of_bytes(bytes_in);
      sent.job.bytes_out = number_of_bytes(bytes_out);
    }
    this.#forget(sent);
    this.completed++;
    this.#completed_at = now;
    this.#handicap.completed();
    this.#pace.done(now);
    if (failure) return sent.over(sent.job, this, { error: failure });
    if (passengers) return void this.#unpack_result(sent, { value, passengers });
    if (value !== undefined) sent.job.result = value;
    sent.over(sent.job, this, "done");
  }

  async #unpack_result({ job, over }: Sent, packed: Packed): Promise<void> {
    try {
      job.result = await unpack(packed, this.#peer);
    } catch (error) {
      return over(job, this, { error });
    }
    over(job, this, "done");
  }

  async #echo(call: number): Promise<void> {
    // As long as the answer of a method that waits for nothing takes.
    await undefined;
    if (this.state !== "ended") this.#outbox.post({ type: "answer", call });
  }

  /** Calls a method of which no answer is wanted. */
  #told({ job: id, target, method, args, also = [] }: Extract<FromWorker, { type: "call" }>): void {
    const job = id === undefined ? undefined : this.#sent.get(id)?.job;
    const failed = (error: unknown) => this.#calls.report(job, error);
    for (const one of [args, ...also]) {
      try {
        check_arguments(one);
        const called = this.#calls.call(job, target, method, one);
        if (is_pending(called)) called.then(undefined, failed);
      } catch (error) {
        failed(error);
      }
    }
  }

  async #call(
    { call, job: id, target, method, args: value, passengers, scopes }: Extract<
      FromWorker,
      { type: "call" }
    >,
  ): Promise<void> {
    const job = id === undefined ? undefined : this.#sent.get(id)?.job;
    let answer: Extract<ToWorker, { type: "answer" }>;
    try {
      check_arguments(value);
      const args = passengers ? await unpack({ value, passengers }, this.#peer) : value;
      const work = () => this.#calls.call(job, target, method, args as unknown[]);
      const result = await run_for_caller(scopes, this.#peer, work);
      answer = { type: "answer", call, ...pack(result, this.#peer) };
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

  #over(sent: Sent | undefined, outcome: JobOutcome): void {
    if (!sent) return;
    this.#forget(sent);
    if (outcome === "recalled") this.#came_back(sent.job);
    sent.over(sent.job, this, outcome);
  }

  /** It never had this job, nor what belongs to it. */
  #came_back(job: Job): void {
    job.worker = undefined;
    if (job.fd !== undefined) this.#table?.closing(job.fd);
  }

  #forget(sent: Sent): void {
    if (sent.force !== undefined) clearTimeout(sent.force);
    this.#sent.delete(sent.id);
    sent.job.sent = undefined;
    this.#rest();
  }

  /** Lets the program end if it has nothing to do. */
  #rest(): void {
    if (this.#sent.size > 0 || this.#holds || this.#is_awaited) return;
    if (this.state === "ready") this.#host.unref();
  }

  /** Takes back what was behind the job that it did when it ended: all results before that have come. */
  #recall_behind_first(): void {
    for (const sent of this.#sent.values().slice(1)) this.#over(sent, "recalled");
  }

  #end(host_cause: unknown, is_gone: boolean, exit: Exit): WorkerEnd {
    this.#cause ??= host_cause;
    this.state = "ended";
    if (this.#results) this.#take_results(this.#results, Infinity);
    if (this.#asked_claims) this.#recall_behind_first();
    else this.recall();
    sharing.system?.ended(this.#peer);
    // While the thread lives they are its own: closed twice, the number may be another's by then.
    if (is_gone) { for (const fd of this.#table?.left() ?? []) void close_descriptor(fd); }
    const lost = this.#sent.size;
    const silent = lost === 0;
    const settled = performance.now() - this.#ready_at > SETTLED;
    const useful = settled || this.completed > 0 || !silent;
    const options = this.#cause === undefined ? undefined : { cause: this.#cause };
    const how = this.#how ? `: ${this.#how}` : "";
    const message = `${this.#host.name} ended while it handled the ${this.#noun}${how}`;
    const error = new WorkerEnded(message, exit, options);
    for (const sent of this.#sent.values()) this.#over(sent, { error });
    const reason = this.#reason ?? "died";
    const end = reason === "killed" ? "was ended" : "ended by itself";
    const cause = this.#cause ?? new Error(`${this.#host.name} ${end}`);
    this.#start.reject(cause);
    return { reason, lost, exit, useful, silent, cause };
  }
}

/** Refuses what is no number of bytes. */
function number_of_bytes(bytes: unknown): number {
  if (Number.isSafeInteger(bytes) && Number(bytes) >= 0) return bytes as number;
  throw new TypeError("This is no number of bytes");
}

/** Refuses what only looks like an array: to go through it could take for ever. */
function check_arguments(args: unknown): void {
  if (args === undefined || (Array.isArray(args) && args.length <= MAX_ARGUMENTS)) return;
  throw new TypeError("The arguments of a call must be an array");
}
