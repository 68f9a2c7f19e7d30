/**
 * Network servers, shaped like Python's `socketserver`: subclass a request handler, pick a server
 * class, call `serve_forever()`. One handler class runs unchanged in four ways.
 *
 * | mix-in | how requests run |
 * |---|---|
 * | none | one at a time, in accept order |
 * | {@linkcode AsyncMixIn} | all at once on this event loop |
 * | {@linkcode ThreadingMixIn} | on a bounded pool of Deno workers, on all cores |
 * | {@linkcode ForkingMixIn} | in a bounded pool of child processes |
 *
 * There are {@linkcode TCPServer}, {@linkcode UDPServer}, {@linkcode UnixStreamServer} and
 * {@linkcode UnixDatagramServer}, and each with each mix-in.
 *
 * Names are Python's. Times are in milliseconds, sizes in bytes. Errors are those of the platform
 * (`Deno.errors`, `RangeError`, `TypeError`); only what fails in TLS has a class of its own, {@linkcode TlsError}.
 *
 * More entry points are shaped like Python's modules: `./threading` has threads, and locks, conditions, semaphores,
 * events and barriers that handlers share, `./queue` queues, `./futures` pools for tasks, and `./multiprocessing`
 * processes, pipes, shared numbers and managers. `./monitor` shows and tells what servers do, and `./serve` is a program
 * that makes a server of any file with a handler.
 *
 * ## Permissions
 *
 * A server needs `--allow-net` for its address, a UDP server also for its clients, a Unix server
 * `--allow-net=unix:PATH` and `--allow-read` and `--allow-write` for its path. `ThreadingMixIn` adds
 * `--allow-read` for the handler's module and what it imports, `ForkingMixIn` that and `--allow-run` for
 * `deno`; `tls` adds `--allow-read` for its files. [README.md](README.md#permissions) has the table.
 *
 * ## State that handlers share
 *
 * Handlers in workers and child processes share no variables. State is in fields of the server: locks and
 * queues, which handlers have as `this.server.FIELD`, and what its methods change: `await this.server.next()`.
 * A worker finds the handler's class as the export of its name, or as the default export, of the main module or of
 * `static override module`; so servers are started under `if (import.meta.main)`. See
 * [docs/state.md](docs/state.md) and [docs/sharing.md](docs/sharing.md), and
 * [docs/choosing.md](docs/choosing.md) on which mix-in to take.
 *
 * ## Stopping
 *
 * `await using`, or `shutdown()` and `server_close()`, stops accepting, shows idle clients the end of
 * their input, lets busy handlers go on for `grace` ms, and cuts the rest. At Ctrl-C and SIGTERM a
 * program ends at once unless it listens for them: [docs/limits.md](docs/limits.md#sigterm-and-ctrl-c) has
 * the lines, and the limits and clocks of a server.
 *
 * @example A server on this event loop, and a client
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
 * using client = await Deno.connect({ hostname, port });
 * await client.write(new TextEncoder().encode("hello\n"));
 * await client.closeWrite();
 * console.log(await new Response(client.readable).text()); // hello
 *
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @example A server that answers in upper case, on all cores
 * ```ts ignore
 * import { StreamRequestHandler, ThreadingTCPServer } from "@socketserver/socketserver";
 *
 * export class UpperHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) {
 *       await this.wfile.write(new TextDecoder().decode(line).toUpperCase());
 *     }
 *   }
 * }
 *
 * if (import.meta.main) {
 *   await using server = new ThreadingTCPServer(["127.0.0.1", 8080], UpperHandler);
 *   await server.serve_forever();
 * }
 * ```
 *
 * @module
 */
export { BaseRequestHandler } from "./handlers/base_request_handler.ts";
export { BufferedReader } from "./handlers/buffered_reader.ts";
export type { ReadBounds } from "./handlers/read_bounds.ts";
export { BufferedWriter, type ByteSink } from "./handlers/buffered_writer.ts";
export { DatagramRequestHandler } from "./handlers/datagram_request_handler.ts";
export { StreamRequestHandler } from "./handlers/stream_request_handler.ts";
export type { NetAddress, UnixAddress } from "./server/address.ts";
export {
  AsyncMixIn,
  AsyncTCPServer,
  AsyncUDPServer,
  AsyncUnixDatagramServer,
  AsyncUnixStreamServer,
} from "./server/async_mixin.ts";
export { BaseServer } from "./server/base_server.ts";
export {
  type ForkingMembers,
  ForkingMixIn,
  type ForkingStatics,
  ForkingTCPServer,
  ForkingUDPServer,
  ForkingUnixDatagramServer,
  ForkingUnixStreamServer,
} from "./server/forking_mixin.ts";
export type { WorkerStarted, WorkerStopped } from "./internal/workers/worker_event.ts";
export type { EndReason } from "./internal/workers/worker_handle.ts";
export type { ServerEvent, ServerObserver } from "./server/events.ts";
export type {
  CloseResult,
  Durations,
  Ending,
  Outcome,
  OverflowReason,
  RefusalReason,
  ServerInfo,
  ServerState,
  WorkerInfo,
} from "./server/info.ts";
export { inherited_sockets, type InheritedSocket } from "./server/listeners/inherited_sockets.ts";
export type {
  DatagramListener,
  DatagramListenOptions,
  Listener,
  StreamListenOptions,
  WorkerSender,
} from "./server/listeners/listener.ts";
export type { Constructor } from "./server/mixin.ts";
export type {
  CloseOptions,
  ConfigureOptions,
  Overflow,
  ProxyProtocol,
  ServeOptions,
  ServerOptions,
} from "./server/options.ts";
export { TlsError, type TlsFailure } from "./internal/shared/errors.ts";
export type { TlsCertificate, TlsOptions } from "./server/tls_options.ts";
export type { TlsInfo } from "./server/sockets/tls_terms.ts";
export type { SharedObject } from "./internal/shared/shared_object.ts";
export type { Remote } from "./server/remote.ts";
export type { RequestHandlerConstructor } from "./server/requests/request_handler.ts";
export {
  type DatagramRequest,
  type DatagramSender,
  DatagramSocket,
} from "./server/sockets/datagram_socket.ts";
export {
  fake_request,
  type FakeRequest,
  type FakeRequestOptions,
} from "./server/sockets/fake_request.ts";
export type { ProxyInfo, ProxyTlv } from "./server/sockets/proxy_header.ts";
export { type ByteConn, StreamSocket } from "./server/sockets/stream_socket.ts";
export { type StreamServerAddress, type TCPRequest, TCPServer } from "./server/tcp_server.ts";
export {
  type ThreadingMembers,
  ThreadingMixIn,
  ThreadingTCPServer,
  ThreadingUDPServer,
  ThreadingUnixDatagramServer,
  ThreadingUnixStreamServer,
} from "./server/threading_mixin.ts";
export { UDPServer } from "./server/udp_server.ts";
export { UnixDatagramServer, UnixStreamServer } from "./server/unix_server.ts";
