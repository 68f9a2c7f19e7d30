import type { BaseServer } from "./base_server.ts";
import { type Constructor, named } from "./mixin.ts";
import { make_runner } from "./requests/inner_hooks.ts";
import { ConcurrentRunner } from "./requests/local_runner.ts";
import type { Runner, ServerSide } from "./requests/runner.ts";
import { TCPServer } from "./tcp_server.ts";
import { UDPServer } from "./udp_server.ts";
import { UnixDatagramServer, UnixStreamServer } from "./unix_server.ts";

/**
 * Handles requests concurrently on this event loop, at most `max_requests` at once: what gevent and
 * asyncio do for Python. The right choice for handlers that mostly wait, and for state that they
 * share; one that computes holds up all others. Python's module has no such mix-in.
 *
 * Requests beyond `max_requests` wait, or are refused: see {@linkcode ServerOptions.overflow}. Needs no
 * permission beyond those of the server class.
 *
 * @example Your own server class
 * ```ts
 * import { AsyncMixIn, StreamRequestHandler, TCPServer } from "@socketserver/socketserver";
 *
 * class VisitServer extends AsyncMixIn(TCPServer) {
 *   visits = 0;
 * }
 *
 * class VisitHandler extends StreamRequestHandler<VisitServer> {
 *   override async handle(): Promise<void> {
 *     await this.wfile.write(`${++this.server.visits}\n`);
 *   }
 * }
 *
 * await using server = new VisitServer(["127.0.0.1", 0], VisitHandler, { max_requests: 100 });
 * const serving = server.serve_forever();
 *
 * const { hostname, port } = server.server_address;
 * using client = await Deno.connect({ hostname, port });
 * console.log(await new Response(client.readable).text()); // 1
 *
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @param Base The server class.
 * @returns A subclass that handles requests concurrently.
 * @typeParam T The type of the server class.
 */
export function AsyncMixIn<T extends Constructor<BaseServer>>(Base: T): T {
  return class extends Base {
    override [make_runner](side: ServerSide): Runner {
      return new ConcurrentRunner(this, side);
    }
  };
}

/**
 * A TCP server that handles connections concurrently on this event loop: see {@linkcode AsyncMixIn}.
 *
 * Needs `--allow-net` for its address.
 *
 * @example Two clients at once
 * ```ts
 * import { AsyncTCPServer, StreamRequestHandler } from "@socketserver/socketserver";
 *
 * class EchoHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) await this.wfile.write(line);
 *   }
 * }
 *
 * await using server = new AsyncTCPServer(["127.0.0.1", 0], EchoHandler);
 * const serving = server.serve_forever();
 *
 * const { hostname, port } = server.server_address;
 * using silent = await Deno.connect({ hostname, port });
 * using client = await Deno.connect({ hostname, port });
 * await client.write(new TextEncoder().encode("hello\n"));
 * await client.closeWrite();
 * console.log(await new Response(client.readable).text()); // hello
 * silent.close();
 *
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @tags allow-net
 */
export const AsyncTCPServer: typeof TCPServer = named("AsyncTCPServer", AsyncMixIn(TCPServer));
/** An instance of {@linkcode AsyncTCPServer}. */
export type AsyncTCPServer = TCPServer;

/**
 * A UDP server that handles datagrams concurrently on this event loop: see {@linkcode AsyncMixIn}.
 *
 * Needs `--allow-net` for its address.
 *
 * @tags allow-net
 */
export const AsyncUDPServer: typeof UDPServer = named("AsyncUDPServer", AsyncMixIn(UDPServer));
/** An instance of {@linkcode AsyncUDPServer}. */
export type AsyncUDPServer = UDPServer;

/**
 * A Unix stream server that handles connections concurrently on this event loop: see
 * {@linkcode AsyncMixIn}.
 *
 * Needs the permissions of {@linkcode UnixStreamServer}.
 *
 * @tags allow-net, allow-read, allow-write
 */
export const AsyncUnixStreamServer: typeof UnixStreamServer = named(
  "AsyncUnixStreamServer",
  AsyncMixIn(UnixStreamServer),
);
/** An instance of {@linkcode AsyncUnixStreamServer}. */
export type AsyncUnixStreamServer = UnixStreamServer;

/**
 * A Unix datagram server that handles datagrams concurrently on this event loop: see
 * {@linkcode AsyncMixIn}.
 *
 * Needs the flag and the permissions of {@linkcode UnixDatagramServer}.
 *
 * @tags allow-net, allow-read, allow-write
 */
export const AsyncUnixDatagramServer: typeof UnixDatagramServer = named(
  "AsyncUnixDatagramServer",
  AsyncMixIn(UnixDatagramServer),
);
/** An instance of {@linkcode AsyncUnixDatagramServer}. */
export type AsyncUnixDatagramServer = UnixDatagramServer;
