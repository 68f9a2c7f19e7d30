import { is_receiver_gone } from "../../internal/runtime/error_names.ts";
import { has_descriptors } from "../../internal/runtime/free_descriptors.ts";
import { type ClassPlace, place_of } from "../../internal/workers/class_place.ts";
import { error_of, type ErrorImage } from "../../internal/workers/error_image.ts";
import type { Job, JobOutcome } from "../../internal/workers/job.ts";
import { worker_started, worker_stopped } from "../../internal/workers/worker_event.ts";
import type { StartHost } from "../../internal/workers/worker_host.ts";
import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import {
  check_worker_modules,
  explain_start_error,
} from "../../internal/workers/worker_modules.ts";
import { type PoolSize, WorkerPool } from "../../internal/workers/worker_pool.ts";
import { with_address } from "../address.ts";
import type { DatagramListener, Listener } from "../listeners/listener.ts";
import { type Overflow, type Settings, settings_for_workers } from "../options.ts";
import { cut_reason, type Elsewhere, type Exchange } from "../requests/exchange.ts";
import type { Agreed } from "../requests/handshakes.ts";
import { tls_terms } from "../requests/inner_hooks.ts";
import type { RequestHandlerConstructor } from "../requests/request_handler.ts";
import { RequestQueue } from "../requests/request_queue.ts";
import type { Run, Runner, ServerSide } from "../requests/runner.ts";
import { shared_fields_of } from "../requests/shared_fields.ts";
import { RELAYED, type Relayed } from "../sockets/relayed_conn.ts";
import { secure, type StreamSocket } from "../sockets/stream_socket.ts";
import { pack } from "./carriage.ts";
import { address_of, type Letter, packet_of } from "./letter.ts";
import { image_of_server } from "./server_image.ts";
import type { TlsMaterial } from "../sockets/tls_material.ts";
import {
  type RequestChanges,
  type RequestMessage,
  type RequestSettings,
  update,
} from "./request_messages.ts";

/** How long, in ms, a worker may take to end when its connections have lingered. */
const ENDING = 1000;

/** The URL of the module that does the jobs of a server in its workers. */
const SERVICE = new URL("./request_service.ts", import.meta.url).href;

/**
 * Never called: it makes the service's module a part of the module graph, so that `deno cache` and
 * `deno compile` know it.
 */
export const load_service = (): Promise<unknown> => import("./request_service.ts");

/** What a runner needs of a server. */
export interface PooledServer {
  readonly server_address: unknown;
  readonly socket: unknown;
  readonly RequestHandlerClass: RequestHandlerConstructor;
  readonly max_requests: number;
  readonly request_queue_size: number;
  readonly overflow: Overflow;
  readonly [tls_terms]?: { material: TlsMaterial } | undefined;
}

/** What workers a server has. */
export interface WorkerKind {
  /** How many. */
  size: PoolSize;
  /** Starts one. */
  start_host: StartHost;
  /** Copies a value as it gets to one; throws if it cannot get there. */
  copy(value: unknown): unknown;
  /** Whether they are threads of this process, which have its memory and descriptors. */
  are_threads: boolean;
  /** Whether they keep the program from ending. */
  keeps_running: boolean;
}

/** What a mix-in says of its runner. */
export interface PooledOptions {
  /** What workers there shall be; asked when serving starts. */
  workers(): WorkerKind | Promise<WorkerKind>;
  /** Whether `server_close()` waits for requests under way. */
  waits_on_close(): boolean;
}

/** A request as a job of the pool. Its connection leaves this thread, if it can. */
class RequestJob implements Job, Elsewhere {
  readonly exchange: Exchange;
  readonly message: RequestMessage;
  readonly is_plain: boolean;
  readonly fd?: number;
  /** Whether a worker secures it by TLS. */
  readonly is_secured: boolean;
  /** Whether this thread reads and writes it. */
  readonly is_relayed: boolean;
  must_end?: { reason: unknown };
  worker?: number | undefined;
  bytes_in?: number;
  bytes_out?: number;
  is_over = false;
  /** Whether it was told to end now. */
  is_cut = false;
  #outcome: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(exchange: Exchange) {
    const { message, is_plain, is_secured = false, is_relayed = false, fd } = pack(exchange);
    this.exchange = exchange;
    this.message = message;
    this.is_plain = is_plain;
    this.is_secured = is_secured;
    this.is_relayed = is_relayed;
    if (fd !== undefined) this.fd = fd;
    if (exchange.aborted) this.must_end = { reason: exchange.reason };
  }

  check(): void {
    if (!this.exchange.over) return;
    throw new Deno.errors.Interrupted("The request ended before a worker was free");
  }

  settled(outcome: JobOutcome): void {
    if (typeof outcome === "object") this.#outcome.reject(outcome.error);
    else this.#outcome.resolve();
  }

  /** Resolves when it was handled; rejects with what that failed with. */
  get outcome(): Promise<void> {
    return this.#outcome.promise;
  }
}

function has_any(objects: Record<string, object>): boolean {
  return Object.keys(objects).length > 0;
}

/** The job of a request, while the pool has it. */
function job_of({ job }: Exchange): RequestJob | undefined {
  return job instanceof RequestJob && !job.is_over ? job : undefined;
}

/** Runs requests in the workers of a pool, which starts when serving starts. */
export class PooledRunner implements Runner {
  #server: PooledServer;
  #options: PooledOptions;
  #side: ServerSide;
  #pool: WorkerPool | undefined;
  #queue: RequestQueue | undefined;
  /** What workers are told when they start. */
  #told: RequestSettings | undefined;
  /** How many requests the workers can handle at once. */
  #capacity = Infinity;
  /** What workers may call. */
  #methods: ReadonlySet<string> = new Set();
  #released = false;

  /**
   * @param server The server, whose handlers it runs.
   * @param options What workers it has.
   * @param side What it has of the server's class.
   */
  constructor(server: PooledServer, options: PooledOptions, side: ServerSide) {
    this.#server = server;
    this.#options = options;
    this.#side = side;
  }

  get waits_on_close(): boolean {
    return this.#options.waits_on_close();
  }

  get places(): number {
    return this.#room()[0];
  }

  get workers(): WorkerInfo[] {
    return this.#pool?.info ?? [];
  }

  async prepare(): Promise<void> {
    if (this.#pool) return;
    check_worker_modules(SERVICE, this.#handler_place().module);
    const kind = await this.#options.workers();
    const { size, start_host, keeps_running } = kind;
    // It may have been closed during that.
    if (this.#released) throw new Deno.errors.BadResource("The server is closed");
    const settings = this.#told = this.#settings(kind);
    const shared = shared_fields_of(this.#server);
    const pool = this.#pool = new WorkerPool({
      ...size,
      noun: "request",
      start: { service: SERVICE, settings, ...(has_any(shared) && { shared }) },
      start_host,
      ending: settings.linger + ENDING,
      keeps_running,
      has_descriptors: (count) => this.#has_descriptors(count, settings.handler.module),
      call: (job, target, method, args) => this.#call(job, target, method, args),
      report: (job, error) => void this.#side.report(error, (job as RequestJob)?.exchange ?? null),
      watch: {
        started: (worker) => this.#side.observation.tell(worker_started(worker)),
        ended: (worker, end) => this.#side.observation.tell(worker_stopped(worker, end), end.cause),
      },
    });
    try {
      await pool.start();
    } catch (error) {
      this.#pool = undefined;
      throw explain_start_error(error);
    }
    this.#capacity = size.max_workers * size.max_jobs_per_worker;
    this.#queue = new RequestQueue(...this.#room());
  }

  configure(changes: Partial<Settings>): void {
    this.#queue?.resize(...this.#room());
    if (!this.#told) return;
    const names = settings_for_workers(changes);
    const settings = Object.fromEntries(names.map((name) => [name, changes[name]]));
    // Those that start later get them, too.
    update(this.#told, settings);
    this.#tell({ settings });
  }

  renew_tls(material: TlsMaterial): void {
    if (!this.#told) return;
    this.#told.tls = material;
    this.#tell({ tls: material });
  }

  #tell(changes: RequestChanges): void {
    this.#pool?.configure(changes);
  }

  /** How many requests may run and wait. */
  #room(): [places: number, size: number, overflow: Overflow] {
    const { max_requests, request_queue_size, overflow } = this.#server;
    return [Math.min(max_requests, this.#capacity), request_queue_size, overflow];
  }

  run(exchange: Exchange, run: Run): void | false {
    const finish = () => {
      const job = new RequestJob(exchange);
      exchange.job = job;
      const secured = job.is_relayed ? this.#secure_here(exchange) : undefined;
      if (secured) return secured.then(() => this.#give(job));
      if (job.is_secured) this.#side.securing(exchange);
      return this.#give(job);
    };
    if (!this.#queue!.submit(exchange, () => run(finish))) return false;
  }

  /** What cannot leave this thread must be secured here, where the server speaks TLS. */
  #secure_here(exchange: Exchange): Promise<void> | undefined {
    const secured = secure(exchange.request as StreamSocket);
    if (!secured) return undefined;
    this.#side.securing(exchange);
    return secured.then((agreed) => this.#side.secured(exchange, agreed));
  }

  #give(job: RequestJob): Promise<void> {
    this.#pool!.run(job);
    return job.outcome;
  }

  interrupt(exchange: Exchange): void {
    const job = job_of(exchange);
    if (job) this.#pool!.interrupt(job, exchange.reason);
  }

  cut(exchange: Exchange): void {
    const job = job_of(exchange);
    if (!job || job.is_cut) return;
    job.is_cut = true;
    this.#pool!.cut(job, cut_reason(exchange));
  }

  abandon(exchange: Exchange): void {
    const job = job_of(exchange);
    if (job) this.#pool!.abandon(job);
  }

  async release(overdue: Promise<void>): Promise<void> {
    this.#released = true;
    await this.#pool?.close(overdue);
  }

  #settings({ copy, are_threads }: WorkerKind): RequestSettings {
    const { linger = 0 } = this.#server as PooledServer & { linger?: number };
    const server = image_of_server(this.#server, this.#side.hooks, copy);
    this.#methods = new Set(server.methods);
    const tls = this.#server[tls_terms]?.material;
    const { worker_sender: sender } = Object(this.#server.socket) as Partial<DatagramListener>;
    const own = are_threads && sender && { sender };
    return { handler: this.#handler_place(), server, linger, tls, ...own };
  }

  #handler_place(): ClassPlace {
    return place_of(this.#server.RequestHandlerClass, "handler class");
  }

  #has_descriptors(count: number, module: string): boolean {
    const { has_descriptors: own } = Object(this.#server.socket) as Partial<Listener>;
    return own ? own.call(this.#server.socket, count) : has_descriptors(module, count);
  }

  /**
   * Calls a method for a worker, which may ask for anything: one of the server, its socket, or a request
   * that is relayed.
   */
  #call(job: Job | undefined, target: string, method: string, args: unknown[]): unknown {
    if (target === "socket" && method === "send") return this.#send_datagram(args);
    if (target === "handshake") {
      // A request may be over before a handshake of it that nobody has waited for.
      return job && this.#handshake((job as RequestJob).exchange, method, args);
    }
    if (target === "server" && this.#methods.has(method)) return call(this.#server, method, args);
    if (target === "request" && RELAYED.includes(method as Relayed)) {
      return call(relayed_by(job), method, args);
    }
    throw new TypeError(`A worker cannot call ${method}() of the ${target}`);
  }

  /** A worker says how a handshake goes. */
  #handshake(exchange: Exchange, method: string, [told]: unknown[]): void {
    if (method === "secured") this.#side.secured(exchange, told as Agreed);
    else if (method === "begun") this.#side.handshakes.begun(exchange);
    else if (method === "agreed") this.#side.handshakes.ended(exchange, { agreed: told as Agreed });
    else this.#side.handshakes.ended(exchange, { error: error_of(told as ErrorImage) });
  }

  /** Sends a datagram for a worker, which does not wait for it. */
  async #send_datagram(args: unknown[]): Promise<void> {
    const [packet, name, port] = args as Letter;
    const address = address_of(name, port);
    try {
      await (this.#server.socket as DatagramListener | undefined)?.send(packet_of(packet), address);
    } catch (error) {
      if (!is_receiver_gone(error)) await this.#side.report(with_address(error, address), null);
    }
  }
}

/** The request that this thread reads and writes for a worker. */
function relayed_by(job: Job | undefined): object {
  if (!job) throw new Deno.errors.BadResource("The request has ended");
  const { is_relayed, exchange } = job as RequestJob;
  if (!is_relayed) throw new TypeError("The request is not relayed");
  return exchange.request as object;
}

function call(object: object, method: string, args: unknown[]): unknown {
  return Reflect.apply(Reflect.get(object, method), object, args);
}
