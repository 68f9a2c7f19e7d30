import { unix_addr, type UnixAddress } from "./address.ts";
import type { ServerOptions } from "./options.ts";
import type { RequestHandlerConstructor } from "./requests/request_handler.ts";
import { TCPServer } from "./tcp_server.ts";
import { UDPServer } from "./udp_server.ts";

/**
 * A {@linkcode TCPServer} whose clients are programs on the same machine, which find it by a path. A
 * path that a server left when it died is taken over; one at which somebody listens is
 * `Deno.errors.AddrInUse`. When the server closes, the path is removed, unless it has become another
 * server's. A path that starts with `"\0"` is a name in Linux's abstract namespace, without a file. A
 * path in the current folder still means that folder after `Deno.chdir()`, if the folder may be read.
 *
 * Who may connect follows from the mode of the path, which is what the umask leaves: with the usual 022 only
 * its user. `Deno.umask(0o177)` before the server is made, or a folder with the mode 0700, makes sure of that.
 *
 * Needs `--allow-read`, `--allow-write` and `--allow-net=unix:PATH` for its path, which must be
 * absolute there. Deno removes the path when it stops to listen, even if it is another server's by then. To keep
 * another server's path, to accept nothing while it is suspended or enough clients wait in it, and to accept again after
 * descriptors ran out, the server must also be allowed to read and write other names in the folder.
 *
 * @example A server in the temporary folder
 * ```ts
 * import { StreamRequestHandler, UnixStreamServer } from "@socketserver/socketserver";
 *
 * class EchoHandler extends StreamRequestHandler<UnixStreamServer, Deno.UnixAddr> {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) await this.wfile.write(line);
 *   }
 * }
 *
 * const folder = await Deno.makeTempDir();
 * await using server = new UnixStreamServer(`${folder}/echo.sock`, EchoHandler);
 * const serving = server.serve_forever();
 *
 * using client = await Deno.connect(server.server_address);
 * await client.write(new TextEncoder().encode("hello\n"));
 * await client.closeWrite();
 * console.log(await new Response(client.readable).text()); // hello
 *
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @tags allow-net, allow-read, allow-write
 */
export class UnixStreamServer extends TCPServer<Deno.UnixAddr> {
  /**
   * Makes the server, and unless `bind_and_activate` is `false` binds and listens at once.
   *
   * @param server_address The path, of at most 107 bytes, or `{ path }`.
   * @param RequestHandlerClass The class of the handlers.
   * @param options Settings; they win over the static properties of the class.
   * @throws {Deno.errors.AddrInUse} If somebody listens there, or another file is in the way.
   * @throws {Deno.errors.NotCapable} If a permission for the path is missing.
   * @throws {RangeError} If the path is too long, or a setting makes no sense.
   * @throws {TypeError} If it is no path. And what {@linkcode TCPServer} throws for `inherit` and `tls`.
   */
  constructor(
    server_address: UnixAddress,
    RequestHandlerClass: RequestHandlerConstructor,
    options: ServerOptions = {},
  ) {
    super(unix_addr(server_address, "unix"), RequestHandlerClass, options);
  }
}

/**
 * A {@linkcode UDPServer} whose clients are programs on the same machine, which find it by a path. The
 * path is treated as that of {@linkcode UnixStreamServer}, and so is who may send to it. A client gets replies only if it has bound
 * a path, too; one that has none has the address `{ path: "" }`. A client's path must be absolute, or a name in
 * the abstract namespace: a relative one would be another file here, and is not replied to. What comes from
 * the server's own path is dropped.
 *
 * Deno has such sockets only with its flag `--unstable-net`. Needs `--allow-read`, `--allow-write` and
 * `--allow-net=unix:PATH` for its path; and where it replies while it receives, as with each mix-in,
 * also for `PATH.bell`, a second socket that is there during that: Deno cannot do both on one. To reply it
 * needs `--allow-write` and `--allow-net=unix:PATH` for the path of the client, too. A client
 * that asks and does not read its replies holds up the server until it does, in each of the ways: Deno
 * cannot give up a datagram that its receiver has no room for.
 *
 * @example Lines of a log
 * ```ts
 * import { DatagramRequestHandler, UnixDatagramServer } from "@socketserver/socketserver";
 *
 * class LogHandler extends DatagramRequestHandler<UnixDatagramServer, Deno.UnixAddr> {
 *   override handle(): void {
 *     console.log(new TextDecoder().decode(this.packet));
 *   }
 * }
 *
 * const folder = await Deno.makeTempDir();
 * await using server = new UnixDatagramServer(`${folder}/log.sock`, LogHandler);
 *
 * const client = Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/client.sock` });
 * await client.send(new TextEncoder().encode("hello"), server.server_address);
 * await server.handle_request(); // hello
 * client.close();
 * ```
 *
 * @tags allow-net, allow-read, allow-write
 */
export class UnixDatagramServer extends UDPServer<Deno.UnixAddr> {
  /**
   * Makes the server, and unless `bind_and_activate` is `false` binds at once.
   *
   * @param server_address The path, of at most 102 bytes, or `{ path }`.
   * @param RequestHandlerClass The class of the handlers.
   * @param options Settings; they win over the static properties of the class.
   * @throws {Deno.errors.AddrInUse} If somebody listens there, or another file is in the way.
   * @throws {Deno.errors.NotSupported} If the flag `--unstable-net` is missing, or a setting is for stream servers.
   * @throws {Deno.errors.NotCapable} If a permission for the path is missing.
   * @throws {RangeError} If the path is too long, or a setting makes no sense.
   * @throws {TypeError} If it is no path.
   */
  constructor(
    server_address: UnixAddress,
    RequestHandlerClass: RequestHandlerConstructor,
    options: ServerOptions = {},
  ) {
    super(unix_addr(server_address, "unixpacket"), RequestHandlerClass, options);
  }
}
