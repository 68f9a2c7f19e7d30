import { BaseServer } from "./base_server.ts";
import type { ServerInfo } from "./info.ts";
import { DenoListener } from "./listeners/deno_listener.ts";
import { HandoverListener } from "./listeners/handover_listener.ts";
import type { Listener, StreamListenOptions } from "./listeners/listener.ts";
import { type Constructor, named } from "./mixin.ts";
import { RequestQueue } from "./request_queue.ts";
import { can_hand_over } from "./runtime.ts";
import { TCPServer } from "./tcp_server.ts";
import { UDPServer } from "./udp_server.ts";
import { UnixDatagramServer, UnixStreamServer } from "./unix_server.ts";
import { refuse_while_loading } from "./workers/handler_place.ts";
import { WorkerPool } from "./workers/pool.ts";

/** How many descriptors a worker may need at its start; Deno panics where it finds none. */
const WORKER_DESCRIPTORS = 16;

/** What {@linkcode ThreadingMixIn} adds to a server. */
export interface ThreadingMembers {
  /** See {@linkcode ServerOptions.daemon_threads}. */
  daemon_threads: boolean;
  /** See {@linkcode ServerOptions.block_on_close}. */
  block_on_close: boolean;
  /** See {@linkcode ServerOptions.max_workers}. */
  max_workers: number;
  /** See {@linkcode ServerOptions.max_requests_per_worker}. */
  max_requests_per_worker: number;
}

/**
 * Handles requests on a bounded pool of Deno workers, on all cores: Python's `ThreadingMixIn` and its
 * thread pools in one. Workers start when serving starts. An accepted connection goes to the worker
 * with the least to do, as a file descriptor: its bytes do not pass through this thread.
 *
 * A class cannot be sent to a worker, so each worker imports the module of the handler class and takes
 * the export of its name, or the default export. That module is the program's main one, unless the
 * class says `static module = import.meta.url`. Guard what starts the server with
 * `if (import.meta.main)`, so that importing the module does not start it again.
 *
 * Handlers in different workers share no variables. What they share lives in the server: its methods,
 * called through `this.server`, run in the server's thread and return promises.
 *
 * Needs `--allow-read` for the handler's module, if that is a local one.
 *
 * @example A count that all workers share
 * ```ts ignore
 * import { StreamRequestHandler, ThreadingTCPServer } from "@socketserver/socketserver";
 *
 * class CountingServer extends ThreadingTCPServer {
 *   #count = 0;
 *   next(): number {
 *     return ++this.#count;
 *   }
 * }
 *
 * export class CountHandler extends StreamRequestHandler<CountingServer> {
 *   override async handle(): Promise<void> {
 *     await this.wfile.write(`You are number ${await this.server.next()}\n`);
 *   }
 * }
 *
 * if (import.meta.main) {
 *   await using server = new CountingServer(["127.0.0.1", 8080], CountHandler);
 *   await server.serve_forever();
 * }
 * ```
 *
 * @param Base The server class.
 * @returns A subclass that handles requests in workers.
 * @typeParam T The type of the server class.
 */
export function ThreadingMixIn<T extends Constructor<BaseServer>>(
  Base: T,
): T & Constructor<ThreadingMembers> & ThreadingMembers {
  class Threading extends Base {
    static daemon_threads = false;
    static block_on_close = true;
    static max_workers: number = navigator.hardwareConcurrency;
    static max_requests_per_worker: number = Infinity;

    declare daemon_threads: boolean;
    declare block_on_close: boolean;
    declare max_workers: number;
    declare max_requests_per_worker: number;

    #queue: RequestQueue | undefined;
    #pool: WorkerPool | undefined;

    // deno-lint-ignore no-explicit-any
    constructor(...args: any[]) {
      refuse_while_loading();
      super(...args);
      try {
        refuse_overrides(this);
      } catch (error) {
        void this.server_close();
        throw error;
      }
    }

    override process_request(request: unknown, client_address: unknown): void {
      const pool = this.#pool!;
      const exchange = this._claim(request, client_address);
      const finish = () => pool.run(exchange);
      if (!this.#queue!.submit(() => this._run(exchange, finish))) void this._refuse(exchange);
    }

    override close_request(request: unknown): void | Promise<void> {
      this.#pool?.close_request(request);
      return super.close_request(request);
    }

    override info(): ServerInfo {
      return { ...super.info(), workers: this.#pool?.info ?? [] };
    }

    override async _prepare(): Promise<void> {
      await super._prepare();
      if (this.#pool) return;
      // Once more: fields of a subclass have their values only now.
      refuse_overrides(this);
      const { max_workers: size, max_requests_per_worker } = this;
      const { linger = 0 } = this as { linger?: number };
      const keeps_running = !this.daemon_threads;
      const can_start = () => {
        const { socket } = this;
        return !(socket instanceof HandoverListener) || socket.has_descriptors(WORKER_DESCRIPTORS);
      };
      const options = { size, max_requests_per_worker, linger, keeps_running, can_start };
      this.#pool = new WorkerPool(this, options);
      try {
        await this.#pool.start();
      } catch (error) {
        this.#pool = undefined;
        throw error;
      }
      const places = Math.min(this.max_requests, size * max_requests_per_worker);
      this.#queue = new RequestQueue(places, this.request_queue_size, this.overflow);
    }

    override async _release(overdue: Promise<void>): Promise<void> {
      await this.#pool?.close(overdue);
      await super._release(overdue);
    }

    override _interrupt_request(request: unknown): void {
      this.#pool?.interrupt(request);
    }

    override _abandon_request(request: unknown): void {
      this.#pool?.abandon(request);
    }

    override get _waits_on_close(): boolean {
      return this.block_on_close && !this.daemon_threads;
    }

    /** @ignore */
    _listen(options: StreamListenOptions): Listener {
      return can_hand_over() && !options.reuse_port
        ? new HandoverListener(options)
        : new DenoListener(options);
    }
  }
  return Threading as T & Constructor<ThreadingMembers> & ThreadingMembers;
}

/** What runs in workers cannot be overridden here: it would be passed over without a word. */
function refuse_overrides(server: BaseServer): void {
  if (server.finish_request === BaseServer.prototype.finish_request) return;
  throw new TypeError(
    `Cannot use ${server.constructor.name}.finish_request(): handlers run in workers, where the ` +
      "server's class is not; do it in the handler, or take AsyncMixIn",
  );
}

/**
 * A TCP server that handles connections on a pool of workers, on all cores: see
 * {@linkcode ThreadingMixIn}.
 *
 * Needs `--allow-net` for its address, and `--allow-read` for the handler's module.
 *
 * @tags allow-net, allow-read
 */
export const ThreadingTCPServer:
  & typeof TCPServer
  & Constructor<ThreadingMembers>
  & ThreadingMembers = named("ThreadingTCPServer", ThreadingMixIn(TCPServer));
/** An instance of {@linkcode ThreadingTCPServer}. */
export type ThreadingTCPServer = TCPServer & ThreadingMembers;

/**
 * A UDP server that handles datagrams on a pool of workers, on all cores: see
 * {@linkcode ThreadingMixIn}. Replies go back through the server's socket.
 *
 * Needs `--allow-net` for its address, and `--allow-read` for the handler's module.
 *
 * @tags allow-net, allow-read
 */
export const ThreadingUDPServer:
  & typeof UDPServer
  & Constructor<ThreadingMembers>
  & ThreadingMembers = named("ThreadingUDPServer", ThreadingMixIn(UDPServer));
/** An instance of {@linkcode ThreadingUDPServer}. */
export type ThreadingUDPServer = UDPServer & ThreadingMembers;

/**
 * A Unix stream server that handles connections on a pool of workers, on all cores: see
 * {@linkcode ThreadingMixIn}.
 *
 * Needs the permissions of {@linkcode UnixStreamServer}, and `--allow-read` for the handler's module.
 *
 * @tags allow-net, allow-read, allow-write
 */
export const ThreadingUnixStreamServer:
  & typeof UnixStreamServer
  & Constructor<ThreadingMembers>
  & ThreadingMembers = named("ThreadingUnixStreamServer", ThreadingMixIn(UnixStreamServer));
/** An instance of {@linkcode ThreadingUnixStreamServer}. */
export type ThreadingUnixStreamServer = UnixStreamServer & ThreadingMembers;

/**
 * A Unix datagram server that handles datagrams on a pool of workers, on all cores: see
 * {@linkcode ThreadingMixIn}. Replies go back through the server's socket.
 *
 * Needs the flag and the permissions of {@linkcode UnixDatagramServer}, and `--allow-read` for the
 * handler's module.
 *
 * @tags allow-net, allow-read, allow-write
 */
export const ThreadingUnixDatagramServer:
  & typeof UnixDatagramServer
  & Constructor<ThreadingMembers>
  & ThreadingMembers = named("ThreadingUnixDatagramServer", ThreadingMixIn(UnixDatagramServer));
/** An instance of {@linkcode ThreadingUnixDatagramServer}. */
export type ThreadingUnixDatagramServer = UnixDatagramServer & ThreadingMembers;
