import type { BaseServer } from "../../server/base_server.ts";
import type { WorkerInfo } from "../../server/info.ts";
import { with_address } from "../../server/address.ts";
import { Backoff } from "../runtime/backoff.ts";
import { is_receiver_gone } from "../../server/errors.ts";
import type { Exchange } from "../../server/requests/exchange.ts";
import type { DatagramListener } from "../../server/listeners/listener.ts";
import { discard, pack } from "../../server/pooled/carriage.ts";
import { place_of } from "../../server/pooled/handler_place.ts";
import type { Parcel, WorkerSettings } from "./messages.ts";
import { image_of_server } from "../../server/pooled/remote_server.ts";
import { type CallHandler, type WorkerEnd, WorkerHandle } from "./worker.ts";
import type { StartHost } from "./worker_host.ts";

/** The delays before a worker that failed at its start is replaced, in ms. */
const MIN_RESTART = 100;
const MAX_RESTART = 5000;
/** How long, in ms, a worker may leave a request untaken before another one gets it. */
const PATIENCE = 25;
/** How long, in ms, the first worker that is ready takes one request only, until the others are. */
const START = 1000;
/** How long, in ms, workers beyond those of the start may have nothing to do. */
const REST = 10_000;
/** How many descriptors a worker takes; Deno panics where one that starts finds none. */
const WORKER_DESCRIPTORS = 8;
/** How many more there must be: connections come while it starts. */
const SPARE_DESCRIPTORS = 8;

/** What workers a pool has. */
export interface PoolSize {
  /** Starts a thread or a process. */
  start_host: StartHost;
  /** Copies a value as it gets to one; throws if it cannot get there. */
  copy(value: unknown): unknown;
  /** How many workers there are at the start, and always at least. */
  min_workers: number;
  /** How many there may be. */
  max_workers: number;
  /** How many requests a worker may handle at once. */
  max_requests_per_worker: number;
  /** Whether workers keep the program from ending. */
  keeps_running: boolean;
}

/** What a pool is made for. */
export interface PoolOptions extends PoolSize {
  /** How long connections linger, in ms. */
  linger: number;
  /** Whether the process has so many descriptors left. */
  has_descriptors(count: number): boolean;
}

/**
 * A bounded number of workers that handle requests: each goes to the one with the least to do, workers
 * that end are replaced, and those that do not answer get nothing while others do.
 */
export class WorkerPool {
  #server: BaseServer;
  #options: PoolOptions;
  #settings: WorkerSettings;
  #workers: Set<WorkerHandle> = new Set();
  /** Those that were told to end, for want of work. */
  #retired: Set<WorkerHandle> = new Set();
  #last_id = 0;
  #started = false;
  /** Whether workers of the start are not ready yet: connections must not all go to the first one. */
  #assembling: ReturnType<typeof setTimeout> | undefined;
  #closing = false;
  #restarts: Backoff = new Backoff(MIN_RESTART, MAX_RESTART);
  #restart_timers: Set<ReturnType<typeof setTimeout>> = new Set();
  /** Requests that wait for a worker. */
  #waiting: (() => void)[] = [];
  #watch: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param server The server, whose handlers it runs.
   * @param options Its size and its limits.
   * @throws {TypeError} If workers could not find the handler class.
   */
  constructor(server: BaseServer, options: PoolOptions) {
    this.#server = server;
    this.#options = options;
    this.#settings = {
      handler: place_of(server.RequestHandlerClass),
      server: image_of_server(server, options.copy),
      linger: options.linger,
    };
  }

  /**
   * Starts the workers; resolves when the first can serve.
   *
   * @throws What the first one failed with, if none can; `EMFILE` where descriptors are too few.
   */
  async start(): Promise<void> {
    const { min_workers } = this.#options;
    if (!this.#can_start(min_workers)) throw too_few_descriptors(min_workers);
    const workers = Array.from({ length: min_workers }, () => this.#add());
    try {
      await Promise.any(workers.map(({ ready }) => ready));
    } catch (error) {
      await this.close(Promise.resolve());
      throw (error as AggregateError).errors[0];
    }
    this.#started = true;
    this.#assemble(workers);
    for (let missing = min_workers - this.#workers.size; missing > 0; missing--) this.#add_later();
  }

  #assemble(workers: WorkerHandle[]): void {
    const over = () => {
      clearTimeout(this.#assembling);
      this.#assembling = undefined;
      this.#wake_waiting();
    };
    this.#assembling = setTimeout(over, START);
    Promise.allSettled(workers.map(({ ready }) => ready)).then(over);
  }

  /** What the workers are doing. */
  get info(): WorkerInfo[] {
    return [...this.#workers].map(({ info }) => info);
  }

  /**
   * Has a worker handle a request; resolves when its handler has ended.
   *
   * @throws What the handler threw; an `Error` if its worker ended meanwhile.
   */
  async run(exchange: Exchange): Promise<void> {
    const parcel = pack(exchange.request, forced_relay);
    let outcome: "done" | "recalled" = "recalled";
    while (outcome === "recalled") {
      // In the same breath as it was found free: another request must not find it so too.
      const sent = this.#send(exchange, parcel);
      if (!sent) {
        await this.#next_worker();
        continue;
      }
      this.#watch ??= setTimeout(() => this.#recall_untaken(), PATIENCE);
      try {
        outcome = await sent;
      } finally {
        this.#freed();
      }
    }
  }

  /** Sends a request to the worker with the least to do, if there is one. */
  #send(exchange: Exchange, parcel: Parcel): Promise<"done" | "recalled"> | undefined {
    try {
      this.#check(exchange);
      const worker = this.#least_busy();
      if (worker && worker.active > 0 && this.#assembling !== undefined) return undefined;
      return worker && this.#hand_to(worker, exchange, parcel);
    } catch (error) {
      discard(parcel);
      throw error;
    }
  }

  /** Waits until there may be a worker, and sees to it that there will be. */
  #next_worker(): Promise<void> {
    this.#grow();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #can_start(workers: number): boolean {
    return this.#options.has_descriptors(workers * WORKER_DESCRIPTORS + SPARE_DESCRIPTORS);
  }

  #check(exchange: Exchange): void {
    if (!this.#closing && !exchange.over) return;
    throw new Deno.errors.Interrupted("The request ended before a worker was free");
  }

  #hand_to(
    worker: WorkerHandle,
    exchange: Exchange,
    parcel: Parcel,
  ): Promise<"done" | "recalled"> {
    const outcome = worker.run(exchange.request, parcel, exchange.client_address);
    if (exchange.aborted) worker.interrupt(exchange.request);
    return outcome;
  }

  /** Tells a request that it must end. */
  interrupt(request: unknown): void {
    this.#holder(request)?.interrupt(request);
  }

  /** Closes a request at once. */
  close_request(request: unknown): void {
    const worker = this.#holder(request);
    if (worker) worker.close(request);
    else this.#wake_waiting();
  }

  /** Ends the worker that handles a request. */
  abandon(request: unknown): void {
    this.#holder(request)?.kill(new Error("A request was not given up in time"));
  }

  /** Ends all workers: when their connections have lingered, but when `overdue` resolves at once. */
  async close(overdue: Promise<void>): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#watch);
    clearTimeout(this.#rest);
    clearTimeout(this.#assembling);
    for (const timer of this.#restart_timers) clearTimeout(timer);
    this.#wake_waiting();
    const workers = [...this.#workers, ...this.#retired];
    const ended = Promise.all(workers.map(({ ended }) => ended));
    for (const worker of workers) worker.end();
    await Promise.race([ended, overdue]);
    for (const worker of workers) worker.kill(undefined);
    await ended;
  }

  #holder(request: unknown): WorkerHandle | undefined {
    for (const worker of this.#workers) if (worker.has(request)) return worker;
    return undefined;
  }

  #add(): WorkerHandle {
    const { start_host } = this.#options;
    const worker = new WorkerHandle(++this.#last_id, start_host, this.#settings, this.#call);
    this.#workers.add(worker);
    if (!this.#options.keeps_running) worker.unref();
    worker.ready.then(() => this.#wake_waiting(), () => {});
    worker.ended.then((end) => this.#replace(worker, end));
    return worker;
  }

  #wake_waiting(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Puts a new worker into the place of one that ended. */
  async #replace(worker: WorkerHandle, { useful, silent, cause }: WorkerEnd): Promise<void> {
    this.#workers.delete(worker);
    if (this.#retired.delete(worker) || this.#closing || !this.#started) return;
    if (useful) this.#restarts.reset();
    const wanted = this.#workers.size < this.#options.min_workers || this.#waiting.length > 0;
    if (wanted && useful && this.#can_start(1)) this.#add();
    else if (wanted) this.#add_later();
    if (silent && this.#restarts.is_news()) await this.#server._report_error(cause);
  }

  #add_later(): void {
    if (this.#closing) return;
    const timer = setTimeout(() => {
      this.#restart_timers.delete(timer);
      if (this.#can_start(1)) this.#add();
      else this.#add_later();
    }, this.#restarts.next());
    this.#restart_timers.add(timer);
  }

  /** Starts one more worker for a request that waits, unless enough are about to start. */
  #grow(): void {
    if (this.#workers.size >= this.#options.max_workers || this.#restart_timers.size > 0) return;
    const starting = [...this.#workers].filter(({ state }) => state === "starting").length;
    if (starting <= this.#waiting.length && this.#can_start(1)) this.#add();
  }

  /** A worker can take one more request. */
  #freed(): void {
    this.#waiting.shift()?.();
    if (this.#workers.size <= this.#options.min_workers || this.#closing) return;
    this.#rest ??= setTimeout(() => this.#retire(), REST);
  }

  /** Ends workers that were started for a burst and have nothing to do. */
  #retire(): void {
    this.#rest = undefined;
    for (const worker of this.#workers) {
      if (this.#workers.size <= this.#options.min_workers) return;
      if (worker.state !== "ready" || worker.active > 0) continue;
      this.#workers.delete(worker);
      this.#retired.add(worker);
      worker.end();
    }
    if (this.#workers.size > this.#options.min_workers) {
      this.#rest = setTimeout(() => this.#retire(), REST);
    }
  }

  /** The worker with the least to do, if one can take a request: one that answers, if there is any. */
  #least_busy(): WorkerHandle | undefined {
    let best: WorkerHandle | undefined;
    for (const worker of this.#workers) {
      if (worker.state !== "ready") continue;
      if (worker.active >= this.#options.max_requests_per_worker) continue;
      if (!best || is_busier(best, worker)) best = worker;
    }
    return best;
  }

  /** Takes back what workers have left untaken while others answer. */
  #recall_untaken(): void {
    this.#watch = undefined;
    const ready = [...this.#workers].filter(({ state }) => state === "ready");
    const silent = ready.filter(({ untaken }) => untaken > 0);
    if (silent.length === 0) return;
    if (silent.length < ready.length) { for (const worker of silent) worker.recall(); }
    else this.#watch = setTimeout(() => this.#recall_untaken(), PATIENCE);
  }

  /** Calls a method for a worker. */
  #call: CallHandler = (target, method, args) => {
    if (target === "socket") return this.#send_datagram(args);
    const object = target === "server" ? this.#server : target;
    if (target === "server" && !this.#settings.server.methods.includes(method)) {
      throw new TypeError(`The server has no method ${method}`);
    }
    return Reflect.apply(Reflect.get(object, method), object, args);
  };

  /** Sends a datagram for a worker, which does not wait for it. */
  async #send_datagram(args: unknown[]): Promise<void> {
    const [data, address] = args as [Uint8Array, Deno.Addr];
    try {
      await (this.#server.socket as DatagramListener | undefined)?.send(data, address);
    } catch (error) {
      if (is_receiver_gone(error)) return;
      await this.#server._report_error(with_address(error, address));
    }
  }
}

/**
 * Whether one worker should get a request rather after another: it does not answer, or has more to do.
 * Of two with as much to do, the one that ended something last is the nearer to its end with that.
 */
function is_busier(one: WorkerHandle, other: WorkerHandle): boolean {
  const silent = Number(one.look_if_silent()) - Number(other.look_if_silent());
  const more = silent || one.load - other.load;
  return more > 0 || (more === 0 && one.completed_at < other.completed_at);
}

function too_few_descriptors(workers: number): Error {
  const message = `Too many open files: ${workers} workers take ${WORKER_DESCRIPTORS} each`;
  return Object.assign(new Error(message), { code: "EMFILE" });
}

let forced_relay = false;

/** For tests: relays all connections, as where descriptors cannot be handed over. */
export function force_relay(on: boolean): void {
  forced_relay = on;
}
