import { Backoff } from "../runtime/backoff.ts";
import { close_descriptor } from "../runtime/deno_internals.ts";
import { set_timer } from "../runtime/timer.ts";
import { descriptors_for, too_few_descriptors } from "./descriptors.ts";
import type { Job, JobCalls, JobOutcome } from "./job.ts";
import type { WorkerStart } from "./messages.ts";
import { is_busier, type Look, PATIENCE, REST, START } from "./scheduling.ts";
import { type EndReason, type WorkerEnd, WorkerHandle } from "./worker_handle.ts";
import type { StartHost } from "./worker_host.ts";
import type { WorkerInfo } from "./worker_info.ts";

/** The delays before a worker that failed at its start is replaced, in ms. */
const MIN_RESTART = 100;
const MAX_RESTART = 5000;
/**
 * How long, in ms, what is there for the first worker has before each further one is made: that takes the pool's
 * thread many times as long.
 */
const BREATH = 5;

/** What workers a pool has. */
export interface PoolSize {
  /** How many workers there are at the start, and always at least. */
  min_workers: number;
  /** How many there may be. */
  max_workers: number;
  /** How many jobs a worker may do at once. */
  max_jobs_per_worker: number;
}

/** What a pool is made of. */
export interface PoolOptions extends PoolSize, JobCalls {
  /** What a job is called in messages. */
  noun: string;
  /** What a worker is given when it starts. */
  start: WorkerStart & { shared?: Record<string, object> };
  /** Starts a thread or a process. */
  start_host: StartHost;
  /** How long, in ms, a worker may take to end when its jobs are over. */
  ending: number;
  /** Whether workers keep the program running while they start and while they do jobs. */
  keeps_running: boolean;
  /** Whether the process has so many descriptors left. */
  has_descriptors(count: number): boolean;
  /** Whether a worker does one job at a time, and short ones are sent ahead. */
  is_serial?: boolean;
  /** How many jobs a worker gets until another one takes its place; unless told, no matter how many. */
  max_jobs_per_life?: number;
  /** Told of what is to be known where jobs wait elsewhere until there is room: see `has_room()`. */
  line?: JobLine;
  /** Told of workers. */
  watch?: WorkerWatch;
}

/** Who is told of the workers of a pool. */
export interface WorkerWatch {
  started(worker: WorkerInfo): void;
  ended(worker: WorkerInfo, end: WorkerEnd): void;
}

/** The line in which jobs wait until there is room. */
export interface JobLine {
  /** How many wait. */
  readonly size: number;
  /** There may be room now. */
  room(): void;
  /** No worker can start, and none ever could. */
  broken(cause: unknown): void;
}

/**
 * A bounded number of workers that do jobs: each goes to the one with the least to do, workers that end
 * are replaced, and those that do not answer get nothing while others do.
 */
export class WorkerPool {
  /** How many workers may do something just now. */
  max_workers: number;
  #options: PoolOptions;
  #workers: Set<WorkerHandle> = new Set();
  /** Those that take no more jobs, and end when the last of theirs is over. */
  #retired: Set<WorkerHandle> = new Set();
  #last_id = 0;
  /** How often there was a restart in each place that is free. */
  #free_places: number[] = [];
  #started = false;
  /** Whether any worker could work. */
  #was_ready = false;
  /** Whether workers of the start are not ready yet: jobs must not all go to the first one. */
  #assembling: ReturnType<typeof setTimeout> | undefined;
  #closing = false;
  #restarts: Backoff = new Backoff(MIN_RESTART, MAX_RESTART);
  #restart_timers: Set<ReturnType<typeof setTimeout>> = new Set();
  /** Jobs that wait for a worker. */
  #waiting: Job[] = [];
  #watch: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;

  /** @param options What it is made of. */
  constructor(options: PoolOptions) {
    this.#options = options;
    this.max_workers = options.max_workers;
  }

  /**
   * Starts the workers; resolves when the first can work. The others begin only then, unless it fails: they would
   * take from it the time of the cores, and of this thread, which waits while one is made.
   *
   * @throws What the first one failed with, if none can; `EMFILE` where descriptors are too few.
   */
  async start(): Promise<void> {
    const { min_workers } = this.#options;
    if (!this.#can_start(min_workers)) throw too_few_descriptors(min_workers);
    const first = this.#add().ready;
    try {
      await first.catch(() => this.#start_all(first, min_workers - 1));
    } catch (error) {
      await this.close(Promise.resolve());
      throw (error as AggregateError).errors[0];
    }
    this.#started = true;
    if (!this.#closing) this.#assemble(min_workers);
  }

  /** Starts the others at once; resolves when one can work. */
  async #start_all(first: Promise<void>, count: number): Promise<void> {
    // Where the pool is closed meanwhile, the first one has failed for that: nobody would end the others.
    const others = this.#closing ? [] : Array.from({ length: count }, () => this.#add().ready);
    await Promise.any([first, ...others]);
  }

  /** Starts no worker until there is something to do. */
  open(): void {
    this.#started = true;
  }

  /**
   * Whether a job would be given to a worker at once. If not, or if there are workers to come, one is started.
   */
  has_room(job: Job): boolean {
    const worker = this.#waiting.length > 0 ? undefined : this.#free_worker(job);
    if (!worker || worker.active > 0) this.#grow_for_line();
    return worker !== undefined;
  }

  /** Whether a worker has begun a job. */
  has_begun({ sent }: Job): boolean {
    return sent?.worker.has_begun(sent) ?? false;
  }

  /** Takes a job back, whose `check()` will throw; `false` if a worker has begun it. */
  take_back(job: Job): boolean {
    if (this.has_begun(job)) return false;
    job.sent?.worker.recall();
    this.#wake_waiting();
    return job.sent === undefined;
  }

  /** Takes back what was sent ahead and not begun, where any of it goes behind what comes now. */
  make_way(goes_behind: (job: Job) => boolean): void {
    for (const worker of this.#workers) {
      if (worker.untaken > 0 && worker.has_waiting(goes_behind)) worker.recall();
    }
  }

  /** Ends the worker of a job, if that has not heard that it must end the job now. */
  kill_if_deaf({ sent }: Job, cause: unknown): void {
    sent?.worker.kill_if_deaf(sent, cause);
  }

  /** Ends the worker of a job. */
  kill({ sent }: Job, cause: unknown): void {
    sent?.worker.kill(cause);
  }

  /** Adds the workers that are missing, and waits until all that there are have started. */
  #assemble(count: number): void {
    const over = () => {
      clearTimeout(this.#assembling);
      this.#assembling = undefined;
      this.#wake_waiting();
    };
    this.#assembling = setTimeout(over, START);
    let missing = count - this.#workers.size;
    const go_on = () => {
      if (missing-- > 0) return this.#add_after(BREATH, go_on);
      Promise.allSettled([...this.#workers].map(({ ready }) => ready)).then(over);
    };
    go_on();
  }

  /** What the workers are doing. */
  get info(): WorkerInfo[] {
    return [...this.#workers].map(({ info }) => info);
  }

  /** Has a worker do a job, when one has room. */
  run(job: Job): void {
    try {
      job.check();
      if (this.#closing) throw new Deno.errors.Interrupted("The workers are ending");
      const worker = this.#free_worker(job);
      if (worker) return this.#give(job, worker);
      this.#grow();
      this.#waiting.push(job);
    } catch (error) {
      this.#refuse(job, error);
    }
  }

  /** Tells the workers what has changed of their settings; those that start later are told by them. */
  configure(changes: Record<string, unknown>): void {
    for (const workers of [this.#workers, this.#retired]) {
      for (const worker of workers) worker.configure(changes);
    }
  }

  #give(job: Job, worker: WorkerHandle): void {
    worker.run(job, this.#over);
    if (job.must_end) worker.interrupt(job.sent!, job.must_end.reason);
    this.#watch ??= setTimeout(() => this.#recall_untaken(), PATIENCE);
  }

  /** No worker gets a job. Whoever has it run hears of that when it has called. */
  #refuse(job: Job, error: unknown): void {
    if (job.fd !== undefined) void close_descriptor(job.fd);
    queueMicrotask(() => this.#settle(job, { error }));
  }

  #over = (job: Job, worker: WorkerHandle, outcome: JobOutcome): void => {
    // What it was doing goes on there, whatever that is: it is given nothing more.
    if (outcome === "abandoned") this.#retire(worker);
    this.#freed(worker);
    if (outcome !== "recalled" || this.#options.line) this.#settle(job, outcome);
    // When all that goes back is back.
    else queueMicrotask(() => this.run(job));
  };

  #settle(job: Job, outcome: JobOutcome): void {
    job.is_over = true;
    job.settled(outcome);
  }

  /** Tells a job that it must end. */
  interrupt(job: Job, reason: unknown): void {
    job.must_end = { reason };
    job.sent?.worker.interrupt(job.sent, reason);
  }

  /** Ends a job now. */
  cut(job: Job, reason: unknown): void {
    if (job.sent) job.sent.worker.cut(job.sent, reason);
    else this.#wake_waiting();
  }

  /** Gives up a job that was cut. A worker that does not answer is ended. */
  abandon({ sent }: Job): void {
    sent?.worker.abandon(sent);
  }

  /** Ends all workers: when their jobs are wholly over, but when `overdue` resolves at once. */
  async close(overdue: Promise<void>): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#watch);
    clearTimeout(this.#rest);
    clearTimeout(this.#assembling);
    for (const timer of this.#restart_timers) clearTimeout(timer);
    this.#wake_waiting();
    const workers = [...this.#workers, ...this.#retired];
    const ended = Promise.all(workers.map(({ ended }) => ended));
    for (const worker of workers) {
      if (this.#options.keeps_running) worker.ref();
      worker.end();
    }
    await Promise.race([ended, overdue]);
    for (const worker of workers) worker.kill(undefined);
    await ended;
  }

  /** The worker with the least to do, if one can take a job: one that answers, if there is any. */
  #free_worker(job: Job): WorkerHandle | undefined {
    const { is_serial, max_jobs_per_worker } = this.#options;
    const max_jobs = is_serial ? undefined : max_jobs_per_worker;
    let best: WorkerHandle | undefined;
    let best_look: Look | undefined;
    let busy = 0;
    const now = performance.now();
    for (const worker of this.#workers) {
      if (worker.active > 0) busy++;
      if (!worker.has_room(job, max_jobs)) continue;
      const look = worker.look(now);
      if (best_look && !is_busier(best_look, look)) continue;
      best = worker;
      best_look = look;
    }
    // There may have been more than now may be.
    if (best?.active === 0 && busy >= this.max_workers) return undefined;
    return best && best.active > 0 && this.#assembling !== undefined ? undefined : best;
  }

  #can_start(workers: number): boolean {
    return this.#options.has_descriptors(descriptors_for(workers));
  }

  #add(): WorkerHandle {
    const { start_host, start } = this.#options;
    const calls = this.#options;
    const worker = new WorkerHandle(++this.#last_id, start_host, start, calls, this.#options);
    worker.max_given = this.#options.max_jobs_per_life ?? Infinity;
    worker.restarts = this.#free_places.pop() ?? 0;
    this.#workers.add(worker);
    // Who is told may have more jobs run: not while a worker is looked for.
    queueMicrotask(() => this.#options.watch?.started(worker.info));
    worker.ready.then(() => {
      this.#was_ready = true;
      this.#wake_waiting();
      this.#options.line?.room();
    }, () => {});
    worker.ended.then((end) => this.#ended(worker, end))
      .catch((error) => this.#options.report(undefined, error));
    return worker;
  }

  #wake_waiting(): void {
    for (const job of this.#waiting.splice(0)) this.run(job);
  }

  #ended(worker: WorkerHandle, end: WorkerEnd): void {
    this.#options.watch?.ended(worker.info, end);
    this.#workers.delete(worker);
    if (this.#retired.delete(worker) || this.#closing || !this.#started) return;
    this.#free_places.push(worker.restarts + 1);
    if (end.useful) this.#restarts.reset();
    const { line } = this.#options;
    if (line && !this.#was_ready) return this.#failed_to_start(line, end.cause);
    this.#replace(end.useful);
    line?.room();
    if (end.silent && this.#restarts.is_news()) this.#options.report(undefined, end.cause);
  }

  /** No worker could ever work: when the last one that starts has failed, those that wait are told. */
  #failed_to_start(line: JobLine, cause: unknown): void {
    if (this.#workers.size === 0) line.broken(cause);
  }

  /** Replaces a worker that is gone or takes no more jobs, at once or after a pause. */
  #replace(at_once: boolean): void {
    if (this.#closing) return;
    const { line } = this.#options;
    const waiting = this.#waiting.length + (line?.size ?? 0);
    const wanted = this.#workers.size < this.#options.min_workers || waiting > 0;
    if (line && at_once) this.#grow_for_line();
    else if (wanted && at_once && this.#can_start(1)) this.#add();
    else if (wanted) this.#add_later();
  }

  #add_later(): void {
    if (!this.#closing) this.#add_after(this.#restarts.next());
  }

  #add_after(delay: number, added?: () => void): void {
    const timer = setTimeout(() => {
      this.#restart_timers.delete(timer);
      if (this.#options.line) this.#grow_for_line();
      else if (this.#can_start(1)) this.#add();
      else this.#add_later();
      added?.();
    }, delay);
    this.#restart_timers.add(timer);
  }

  /** Starts one more worker for a job that waits, unless enough are about to start. */
  #grow(): void {
    if (this.#workers.size >= this.max_workers || this.#restart_timers.size > 0) return;
    const starting = [...this.#workers].filter(({ state }) => state === "starting").length;
    if (starting <= this.#waiting.length && this.#can_start(1)) this.#add();
  }

  /** Starts workers for the jobs that wait in line. */
  #grow_for_line(): void {
    if (this.#closing || this.#restart_timers.size > 0) return;
    const starting = [...this.#workers].filter(({ state }) => state === "starting").length;
    const waiting = this.#options.line!.size + this.#waiting.length;
    let missing = Math.min(this.max_workers - this.#workers.size, waiting - starting);
    for (; missing > 0 && this.#can_start(1); missing--) this.#add();
    if (this.#workers.size === 0) this.#add_later();
  }

  /** A worker can take one more job. */
  #freed(worker: WorkerHandle): void {
    const next = this.#waiting.shift();
    if (next) this.run(next);
    if (worker.given >= worker.max_given && worker.active === 0) this.#retire(worker);
    if (this.#retired.has(worker) && worker.active === 0) this.#let_end(worker, "replaced");
    if (this.#workers.size <= this.#options.min_workers || this.#closing) return;
    this.#rest ??= this.#end_idle_later();
  }

  #end_idle_later(): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => this.#end_idle(), REST);
    Deno.unrefTimer(timer);
    return timer;
  }

  /** Gives a worker nothing more, and puts another in its place. */
  #retire(worker: WorkerHandle): void {
    if (!this.#workers.delete(worker)) return;
    this.#retired.add(worker);
    this.#free_places.push(worker.restarts + 1);
    // What it has not taken goes to another one now.
    worker.recall();
    this.#replace(true);
  }

  /** Lets a worker end; what it goes on with, as a job that was given up may, must not go on for ever. */
  #let_end(worker: WorkerHandle, reason: EndReason): void {
    worker.end(reason);
    const force = set_timer(this.#options.ending, () => worker.kill(undefined, reason));
    if (force !== undefined) Deno.unrefTimer(force);
    void worker.ended.then(() => clearTimeout(force));
  }

  /** Ends workers that were started for a burst and have nothing to do. */
  #end_idle(): void {
    this.#rest = undefined;
    for (const worker of this.#workers) {
      if (this.#workers.size <= this.#options.min_workers) return;
      if (worker.state !== "ready" || worker.active > 0) continue;
      this.#workers.delete(worker);
      this.#retired.add(worker);
      this.#let_end(worker, "idle");
    }
    if (this.#workers.size > this.#options.min_workers) {
      this.#rest = this.#end_idle_later();
    }
  }

  /** Takes back what workers have left untaken while others answer. */
  #recall_untaken(): void {
    this.#watch = undefined;
    const ready = [...this.#workers].filter(({ state }) => state === "ready");
    const silent = ready.filter(({ untaken }) => untaken > 0);
    if (silent.length === 0) return;
    const { is_serial, noun } = this.#options;
    for (const worker of silent) if (is_serial && worker.is_deaf) worker.kill(took_none(noun));
    const others = ready.filter(({ untaken, active }) => is_serial ? active === 0 : untaken === 0);
    const is_free = others.length > 0;
    for (const worker of silent) if (is_free || worker.is_slow) worker.recall();
    if (!is_free) this.#watch = setTimeout(() => this.#recall_untaken(), PATIENCE);
  }
}

function took_none(noun: string): Error {
  return new Error(
    `A worker took no ${noun} any more: what an earlier one left behind does not let go`,
  );
}
