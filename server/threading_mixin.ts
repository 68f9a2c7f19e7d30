import type { BaseServer } from "./base_server.ts";
import { type Constructor, named } from "./mixin.ts";
import { load_threads } from "./pooled/late.ts";
import { LateRunner } from "./pooled/late_runner.ts";
import type { WorkerKind } from "./pooled/pooled_runner.ts";
import { make_runner } from "./requests/inner_hooks.ts";
import type { Runner, ServerSide } from "./requests/runner.ts";
import { TCPServer } from "./tcp_server.ts";
import { UDPServer } from "./udp_server.ts";
import { UnixDatagramServer, UnixStreamServer } from "./unix_server.ts";

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
 * class says `static override module = import.meta.url`. Guard what starts the server with
 * `if (import.meta.main)`, so that importing the module does not start it again.
 *
 * Handlers in different workers share no variables. What they share lives in the server: its methods,
 * called through `this.server`, run in the server's thread and return promises. Arguments and results are
 * copied (structured clone).
 *
 * A server that overrides `finish_request()` is refused with a `TypeError` when it is made: handlers run
 * where its class is not. If workers cannot load the handler class, `serve_forever()` rejects with a
 * `TypeError` that says what to write.
 *
 * Needs `--allow-read` for the handler's module, if that is a local one.
 *
 * @example A count that all workers share
 * ```ts ignore
 * import { type Remote, StreamRequestHandler, ThreadingTCPServer } from "@socketserver/socketserver";
 *
 * class CountingServer extends ThreadingTCPServer {
 *   #count = 0;
 *   next(): number {
 *     return ++this.#count;
 *   }
 * }
 *
 * export class CountHandler extends StreamRequestHandler<Remote<CountingServer>> {
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

    override [make_runner](side: ServerSide): Runner {
      return new LateRunner(this, {
        workers: () => this.#workers(),
        waits_on_close: () => this.block_on_close && !this.daemon_threads,
      }, side);
    }

    async #workers(): Promise<WorkerKind> {
      const { ThreadHost, thread_copy } = await load_threads();
      const { max_workers, max_requests_per_worker } = this;
      return {
        size: {
          min_workers: max_workers,
          max_workers,
          max_jobs_per_worker: max_requests_per_worker,
        },
        start_host: (id, events) => new ThreadHost(id, events),
        copy: thread_copy,
        are_threads: true,
        keeps_running: !this.daemon_threads,
      };
    }
  }
  return Threading as unknown as T & Constructor<ThreadingMembers> & ThreadingMembers;
}

/**
 * A TCP server that handles connections on a pool of workers, on all cores: see
 * {@linkcode ThreadingMixIn}.
 *
 * Needs `--allow-net` for its address, and `--allow-read` for the handler's module.
 *
 * @example Each client has a worker for itself, four at the most
 * ```ts ignore
 * import { StreamRequestHandler, ThreadingTCPServer } from "@socketserver/socketserver";
 *
 * export class FactorHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     const number = Number(new TextDecoder().decode(await this.rfile.readline()));
 *     let factor = 2;
 *     while (factor < number && number % factor !== 0) factor++;
 *     await this.wfile.write(`${factor}\n`);
 *   }
 * }
 *
 * if (import.meta.main) {
 *   await using server = new ThreadingTCPServer(["127.0.0.1", 8080], FactorHandler, {
 *     max_workers: 4,
 *     max_requests_per_worker: 1,
 *   });
 *   await server.serve_forever();
 * }
 * ```
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
