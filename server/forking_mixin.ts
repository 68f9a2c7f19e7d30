import type { BaseServer } from "./base_server.ts";
import type { Listener } from "./listeners/listener.ts";
import { type Constructor, named } from "./mixin.ts";
import { load_processes } from "./pooled/late.ts";
import { LateRunner } from "./pooled/late_runner.ts";
import type { WorkerKind } from "./pooled/pooled_runner.ts";
import { make_runner } from "./requests/inner_hooks.ts";
import type { Runner, ServerSide } from "./requests/runner.ts";
import { TCPServer } from "./tcp_server.ts";
import { UDPServer } from "./udp_server.ts";
import { UnixDatagramServer, UnixStreamServer } from "./unix_server.ts";
import type { ChildCommand } from "../internal/workers/child_command.ts";
// Loaded with the library: it takes note of the folder of then.
import "../internal/workers/start_folder.ts";

/** What {@linkcode ForkingMixIn} adds to a server. */
export interface ForkingMembers {
  /** See {@linkcode ServerOptions.max_children}. */
  max_children: number;
  /** See {@linkcode ServerOptions.block_on_close}. */
  block_on_close: boolean;
  /** The numbers of the child processes that are handling a request. */
  readonly active_children: Set<number>;
}

/** The static properties that {@linkcode ForkingMixIn} adds to a server class. */
export type ForkingStatics = Omit<ForkingMembers, "active_children">;

/**
 * Handles requests in a bounded pool of child processes, each one request at a time: Python's
 * `ForkingMixIn` and `multiprocessing.Pool` in one. The right choice for handlers that must not harm
 * each other: a child can be killed, may run out of memory and may crash, and takes only its own
 * request with it. A request costs more here than with `ThreadingMixIn`, and a child some 50 MB.
 *
 * One child for each core starts when serving starts, more when all are busy, up to `max_children`;
 * those end again after ten seconds without work. A connection goes to a child as a file descriptor.
 * A child that does not give up its request at `request_timeout` is killed, and replaced. Children
 * ignore Ctrl-C and SIGTERM, because the server decides when they end; they end with its process,
 * however that ends.
 *
 * Deno cannot fork: a child is a new process, which imports the module of the handler class, as workers
 * do: see {@linkcode ThreadingMixIn} for how it finds the class and what `this.server` is there.
 *
 * Needs `--allow-run` for `deno`, and `--allow-read` for the handler's module. Children have the
 * permissions that the program has when they start, and not one more: what it revokes later, those that
 * run keep, and those that take their places lack. A program that gives up to run `deno`, or to read the
 * handler's module or its own folder, gets no new children. Permissions that are lists, such as
 * `--allow-net=127.0.0.1`, are known from the command line, and on Linux only: elsewhere, and where
 * they were given by a permission set of `deno.json` or at a prompt, children have only those that
 * are granted as a whole. Children cannot run `deno`, except with `--allow-run` for all programs or `-A`.
 *
 * A child starts in the folder where the program was when it loaded this library, and goes to the one
 * where the program is. Its environment is that of the program, without `NODE_OPTIONS`. Windows cannot
 * hand connections over: they are relayed there.
 *
 * A server that overrides `finish_request()` is refused with a `TypeError` when it is made. In a program
 * that `deno compile` made, `serve_forever()` rejects with `Deno.errors.NotSupported`.
 *
 * @example At most four children
 * ```ts ignore
 * import { ForkingMixIn, StreamRequestHandler, TCPServer } from "@socketserver/socketserver";
 *
 * export class PidHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     await this.wfile.write(`served by process ${Deno.pid}\n`);
 *   }
 * }
 *
 * class PidServer extends ForkingMixIn(TCPServer) {
 *   static override max_children = 4;
 * }
 *
 * if (import.meta.main) {
 *   await using server = new PidServer(["127.0.0.1", 8080], PidHandler);
 *   await server.serve_forever();
 * }
 * ```
 *
 * @param Base The server class.
 * @returns A subclass that handles requests in child processes.
 * @typeParam T The type of the server class.
 */
export function ForkingMixIn<T extends Constructor<BaseServer>>(
  Base: T,
): T & Constructor<ForkingMembers> & ForkingStatics {
  class Forking extends Base {
    static max_children = 40;
    static block_on_close = true;

    declare max_children: number;
    declare block_on_close: boolean;

    #command: (() => ChildCommand) | undefined;

    get active_children(): Set<number> {
      const busy = (this.info().workers ?? []).filter(({ active }) => active > 0);
      return new Set(busy.map(({ pid }) => pid!));
    }

    override [make_runner](side: ServerSide): Runner {
      return new LateRunner(this, {
        workers: () => this.#workers(),
        waits_on_close: () => this.block_on_close,
      }, side);
    }

    async #workers(): Promise<WorkerKind> {
      const { child_commands, PROCESS_ENTRY, process_copy, ProcessHost } = await load_processes();
      const command = this.#command ??= await child_commands(PROCESS_ENTRY);
      const { max_children } = this;
      const socket = this.socket as Listener | undefined;
      const with_spare = (use: () => void) => socket?.with_spare ? socket.with_spare(use) : use();
      return {
        size: {
          min_workers: Math.min(max_children, navigator.hardwareConcurrency),
          max_workers: max_children,
          max_jobs_per_worker: 1,
        },
        start_host: (_id, events) => new ProcessHost(command(), events, with_spare),
        copy: process_copy,
        are_threads: false,
        keeps_running: true,
      };
    }
  }
  return Forking as unknown as T & Constructor<ForkingMembers> & ForkingStatics;
}

/**
 * A TCP server that handles connections in child processes: see {@linkcode ForkingMixIn}.
 *
 * Needs `--allow-net` for its address, `--allow-run` for `deno`, and `--allow-read` for the handler's
 * module.
 *
 * @example Patterns of clients, which may go on for ever
 * ```ts ignore
 * import { ForkingTCPServer, StreamRequestHandler } from "@socketserver/socketserver";
 *
 * export class PatternHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     const pattern = new TextDecoder().decode(await this.rfile.readline()).trim();
 *     const text = new TextDecoder().decode(await this.rfile.readline()).trim();
 *     await this.wfile.write(`${new RegExp(pattern).test(text)}\n`);
 *   }
 * }
 *
 * if (import.meta.main) {
 *   await using server = new ForkingTCPServer(["127.0.0.1", 8080], PatternHandler, {
 *     request_timeout: 2000, // A child that does not end in time is killed and replaced.
 *   });
 *   await server.serve_forever();
 * }
 * ```
 *
 * @tags allow-net, allow-read, allow-run
 */
export const ForkingTCPServer:
  & typeof TCPServer
  & Constructor<ForkingMembers>
  & ForkingStatics = named("ForkingTCPServer", ForkingMixIn(TCPServer));
/** An instance of {@linkcode ForkingTCPServer}. */
export type ForkingTCPServer = TCPServer & ForkingMembers;

/**
 * A UDP server that handles datagrams in child processes: see {@linkcode ForkingMixIn}. Replies go back
 * through the server's socket.
 *
 * Needs `--allow-net` for its address, `--allow-run` for `deno`, and `--allow-read` for the handler's
 * module.
 *
 * @tags allow-net, allow-read, allow-run
 */
export const ForkingUDPServer:
  & typeof UDPServer
  & Constructor<ForkingMembers>
  & ForkingStatics = named("ForkingUDPServer", ForkingMixIn(UDPServer));
/** An instance of {@linkcode ForkingUDPServer}. */
export type ForkingUDPServer = UDPServer & ForkingMembers;

/**
 * A Unix stream server that handles connections in child processes: see {@linkcode ForkingMixIn}.
 *
 * Needs the permissions of {@linkcode UnixStreamServer}, `--allow-run` for `deno`, and `--allow-read`
 * for the handler's module.
 *
 * @tags allow-net, allow-read, allow-run, allow-write
 */
export const ForkingUnixStreamServer:
  & typeof UnixStreamServer
  & Constructor<ForkingMembers>
  & ForkingStatics = named("ForkingUnixStreamServer", ForkingMixIn(UnixStreamServer));
/** An instance of {@linkcode ForkingUnixStreamServer}. */
export type ForkingUnixStreamServer = UnixStreamServer & ForkingMembers;

/**
 * A Unix datagram server that handles datagrams in child processes: see {@linkcode ForkingMixIn}.
 * Replies go back through the server's socket.
 *
 * Needs the flag and the permissions of {@linkcode UnixDatagramServer}, `--allow-run` for `deno`, and
 * `--allow-read` for the handler's module.
 *
 * @tags allow-net, allow-read, allow-run, allow-write
 */
export const ForkingUnixDatagramServer:
  & typeof UnixDatagramServer
  & Constructor<ForkingMembers>
  & ForkingStatics = named("ForkingUnixDatagramServer", ForkingMixIn(UnixDatagramServer));
/** An instance of {@linkcode ForkingUnixDatagramServer}. */
export type ForkingUnixDatagramServer = UnixDatagramServer & ForkingMembers;
