import { format_address, net_addr, type NetAddress } from "./address.ts";
import { BaseServer, type RequestHandlerConstructor } from "./base_server.ts";
import { DenoListener } from "./listeners/deno_listener.ts";
import type { Listener, TcpListenOptions } from "./listeners/listener.ts";
import type { ServerOptions } from "./options.ts";
import { close_gracefully, end_input, type StreamSocket } from "./sockets/stream_socket.ts";

/** The `request` of a TCP server. */
export type TCPRequest = StreamSocket<Deno.NetAddr>;

/**
 * A TCP server that handles one connection at a time, in the order in which they came. To handle many
 * at once, take {@linkcode AsyncTCPServer} or {@linkcode ThreadingTCPServer}.
 *
 * Needs `--allow-net` for its address.
 *
 * @example A server and a client
 * ```ts
 * import { StreamRequestHandler, TCPServer } from "@socketserver/socketserver";
 *
 * class EchoHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) await this.wfile.write(line);
 *   }
 * }
 *
 * await using server = new TCPServer(["127.0.0.1", 0], EchoHandler);
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
 * @tags allow-net
 */
export class TCPServer extends BaseServer<TCPRequest, Deno.NetAddr, Deno.NetAddr> {
  /** See {@linkcode ServerOptions.allow_reuse_address}. */
  static allow_reuse_address = true;
  /** See {@linkcode ServerOptions.allow_reuse_port}. */
  static allow_reuse_port = false;
  /** See {@linkcode ServerOptions.linger}. */
  static linger = 1000;

  /** See {@linkcode ServerOptions.allow_reuse_address}. */
  declare allow_reuse_address: boolean;
  /** See {@linkcode ServerOptions.allow_reuse_port}. */
  declare allow_reuse_port: boolean;
  /** See {@linkcode ServerOptions.linger}. */
  declare linger: number;

  /**
   * Makes the server, and unless `bind_and_activate` is `false` binds and listens at once. With port 0
   * the system chooses a port, which {@linkcode server_address} has then.
   *
   * @param server_address Where to listen: `[hostname, port]`, or an object with both.
   * @param RequestHandlerClass The class of the handlers.
   * @param options Settings; they win over the static properties of the class.
   * @throws {Deno.errors.AddrInUse} If somebody listens there already.
   * @throws {Deno.errors.AddrNotAvailable} If the address is not one of this machine.
   * @throws {Deno.errors.NotCapable} If the permission `--allow-net` is missing.
   * @throws {RangeError} If the port, or a setting, makes no sense.
   */
  constructor(
    server_address: NetAddress,
    RequestHandlerClass: RequestHandlerConstructor,
    options: ServerOptions = {},
  ) {
    super(net_addr(server_address, "tcp"), RequestHandlerClass, options);
  }

  /** Binds and listens (Deno does both in one), and sets `server_address` to the real address. */
  override server_bind(): void | Promise<void> {
    const { hostname, port } = this.server_address;
    try {
      this.socket = this._listen({
        hostname,
        port,
        backlog: this.request_queue_size,
        reuse_port: this.allow_reuse_port,
      });
    } catch (error) {
      throw with_address(error, this.server_address);
    }
    this.server_address = this.socket.addr;
  }

  /**
   * Makes the listener.
   *
   * @ignore
   */
  _listen(options: TcpListenOptions): Listener<TCPRequest, Deno.NetAddr> {
    return new DenoListener(options);
  }

  /** Accepts a connection. */
  override get_request(): [TCPRequest, Deno.NetAddr] | Promise<[TCPRequest, Deno.NetAddr]> {
    if (!this.socket) throw new Deno.errors.BadResource("The server is not bound");
    const request = this.socket.accept();
    return request instanceof Promise ? request.then(with_client) : with_client(request);
  }

  /**
   * Sends FIN, then reads and throws away what the client still sends, for at most `linger` ms and
   * 1 MiB, then closes: otherwise unread input would make the system reset the connection, and the
   * client could lose the reply (RFC 9293, section 3.10.4; RFC 2525, section 2.17).
   *
   * @param request The connection.
   */
  override async shutdown_request(request: TCPRequest): Promise<void> {
    await close_gracefully(request, this.linger);
    await this.close_request(request);
  }

  /**
   * Closes the connection at once.
   *
   * @param request The connection.
   */
  override close_request(request: TCPRequest): void | Promise<void> {
    request.close();
    return super.close_request(request);
  }

  /**
   * Shows the handler the end of its input.
   *
   * @ignore
   */
  override _interrupt_request(request: TCPRequest): void {
    end_input(request);
  }
}

function with_client(request: TCPRequest): [TCPRequest, Deno.NetAddr] {
  return [request, request.remoteAddr];
}

/** The same error, with the address in its message. */
function with_address(error: unknown, address: Deno.NetAddr): unknown {
  if (error instanceof Error && !error.message.includes(format_address(address))) {
    error.message += `: ${format_address(address)}`;
  }
  return error;
}
