import { net_addr, type NetAddress, with_address } from "./address.ts";
import { BaseServer, check_bound } from "./base_server.ts";
import type { ServerInfo, Traffic } from "./info.ts";
import { DenoDatagramListener, has_deno_datagrams } from "./listeners/deno_datagram_listener.ts";
import { inherit_socket } from "./listeners/inherited_sockets.ts";
import type { DatagramListener, DatagramListenOptions } from "./listeners/listener.ts";
import { NodeDatagramListener } from "./listeners/node_datagram_listener.ts";
import { refusal_of } from "./listeners/unwanted_datagram.ts";
import type { ServerOptions } from "./options.ts";
import { accepted, check_ready, traffic } from "./requests/inner_hooks.ts";
import type { RequestHandlerConstructor } from "./requests/request_handler.ts";
import type { DatagramRequest } from "./sockets/datagram_socket.ts";

/**
 * A UDP server: each datagram is a request, `[packet, socket]`. It handles one at a time, in the order
 * in which they came; others wait in the system, which drops what is too much. With
 * a mix-in `request_queue_size` of them are under way at the most, unless `max_requests` says other.
 *
 * With the flag `--unstable-net` it runs over `Deno.listenDatagram`, without it over `node:dgram`. Both
 * do the same; without the flag it takes less than half the datagrams per second, what the system
 * would drop waits in the program, up to `request_queue_size` datagrams and 8 MiB, and where the system
 * refuses to send, Deno does not always say why (the error's `code` is `"UNKNOWN"` then).
 *
 * It may send to broadcast addresses, unless `broadcast` is `false`, and to multicast groups, as
 * far as the system sends those by itself: no further than the local network. It receives broadcasts, and what
 * is sent to its `multicast_groups`, if it is bound to all interfaces (`""`). With groups, or without
 * `broadcast`, it runs over `node:dgram` in any case.
 *
 * Bound to all interfaces of a machine with several addresses, it replies from the address that the system
 * chooses, which need not be the one that the client has sent to, and some clients and firewalls drop such
 * replies. A server for each address has no such trouble.
 *
 * A datagram is dropped and reported that is longer than `max_packet_size`, that comes from port 0, where
 * nobody can be answered, or that says that it comes from the server's own address: its reply would be the
 * next request. Where the server is bound to all interfaces, that is each address of this machine to which
 * the program may bind, with the server's port.
 *
 * Needs `--allow-net` for its address, and for those of the clients that it replies to.
 *
 * @example Echo
 * ```ts
 * import { DatagramRequestHandler, UDPServer } from "@socketserver/socketserver";
 *
 * class EchoHandler extends DatagramRequestHandler {
 *   override async handle(): Promise<void> {
 *     await this.wfile.write(this.packet);
 *   }
 * }
 *
 * await using server = new UDPServer(["127.0.0.1", 0], EchoHandler);
 * const serving = server.serve_forever();
 *
 * const client = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
 * await client.send(new TextEncoder().encode("hello"), server.server_address);
 * const [reply] = await client.receive();
 * console.log(new TextDecoder().decode(reply)); // hello
 * client.close();
 *
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @typeParam A The type of its addresses: those of {@linkcode UnixDatagramServer} are others.
 *
 * @tags allow-net
 */
export class UDPServer<A extends Deno.Addr = Deno.NetAddr>
  extends BaseServer<A, DatagramRequest<A>, A> {
  /** See {@linkcode ServerOptions.allow_reuse_address}. */
  static allow_reuse_address = false;
  /** See {@linkcode ServerOptions.allow_reuse_port}: Deno has it for TCP only. */
  static allow_reuse_port = false;
  /** See {@linkcode ServerOptions.max_packet_size}. */
  static max_packet_size = 65_507;
  /** See {@linkcode ServerOptions.broadcast}. */
  static broadcast = true;
  /** See {@linkcode ServerOptions.multicast_groups}. */
  static multicast_groups: readonly string[] = [];

  /** See {@linkcode ServerOptions.allow_reuse_address}. */
  declare allow_reuse_address: boolean;
  /** See {@linkcode ServerOptions.allow_reuse_port}. */
  declare allow_reuse_port: boolean;
  /** See {@linkcode ServerOptions.max_packet_size}. */
  declare max_packet_size: number;
  /** See {@linkcode ServerOptions.broadcast}. */
  declare broadcast: boolean;
  /** See {@linkcode ServerOptions.multicast_groups}. */
  declare multicast_groups: readonly string[];
  /** What datagrams come from, once the server is bound; its `send` sends some that are no replies. */
  declare socket: DatagramListener<A> | undefined;

  /**
   * Makes the server, and unless `bind_and_activate` is `false` binds at once. With port 0 the system
   * chooses a port, which {@linkcode server_address} has then.
   *
   * @param server_address Where to listen: `[hostname, port]`, or an object with both.
   * @param RequestHandlerClass The class of the handlers.
   * @param options Settings; they win over the static properties of the class.
   * @throws {Deno.errors.AddrInUse} If somebody listens there already.
   * @throws {Deno.errors.AddrNotAvailable} If the address is not one of this machine.
   * @throws {Deno.errors.NotCapable} If the permission `--allow-net` is missing.
   * @throws {Deno.errors.NotSupported} If a setting is for stream servers: `allow_reuse_port`, `inherit`, `proxy_protocol`,
   * `tls`.
   * @throws {RangeError} If the port, or a setting, makes no sense.
   * @throws {TypeError} If the address is none.
   */
  constructor(
    server_address: NetAddress | NoInfer<A>,
    RequestHandlerClass: RequestHandlerConstructor,
    options: ServerOptions = {},
  ) {
    super(datagram_addr<A>(server_address), RequestHandlerClass, options);
  }

  /**
   * Makes what the servers of this class receive and send with, when they bind: over Deno's own sockets, or over
   * `node:dgram`. A subclass may give a {@linkcode DatagramListener} of its own.
   *
   * @param options Where to listen, and how. What a listener cannot do it must refuse.
   * @returns The listener, which is bound.
   * @throws {Deno.errors.NotSupported} If it cannot do what the options say.
   * @typeParam A The type of addresses.
   */
  static make_listener<A extends Deno.Addr>(
    options: DatagramListenOptions<A>,
  ): DatagramListener<A> {
    return listen(options);
  }

  /**
   * What a listener of your own throws in place of a datagram that must not be taken: senders can be forged, and the
   * reply to one that says that it comes from the server would be its next request, and so on for ever. Servers report
   * such an error, and go on.
   *
   * @param sender Where the datagram says that it comes from.
   * @param length How many bytes it has; if it was cut off, any number above `max`.
   * @param own The address of the listener.
   * @param max How many bytes it may have.
   * @returns The error, or `undefined` where it may be taken.
   */
  static refusal_of(
    sender: Deno.Addr,
    length: number,
    own: Deno.Addr,
    max: number,
  ): Error | undefined {
    return refusal_of(sender, length, own, max);
  }

  /**
   * Finds an inherited socket for a listener of your own: see `ServerOptions.inherit`.
   *
   * @param which The first one (`true`), a descriptor, or a name.
   * @param take What takes its descriptor.
   * @returns What `take` gives.
   * @throws {Deno.errors.NotFound} If there is none.
   * @throws {Deno.errors.Busy} If a server has taken it.
   * @throws {Deno.errors.NotSupported} On Windows.
   * @typeParam L The type of the listener.
   */
  static inherit_socket<L>(which: boolean | number | string, take: (fd: number) => L): L {
    return inherit_socket(which, take);
  }

  /** Binds, and sets `server_address` to the real address. */
  override server_bind(): void | Promise<void> {
    const { server_address: addr, request_queue_size: backlog, max_packet_size } = this;
    const { broadcast, multicast_groups: groups } = this;
    const { allow_reuse_address: reuse_address, allow_reuse_port: reuse_port } = this;
    const { inherit = false, proxy_protocol } = this as ServerOptions;
    if (proxy_protocol === "required") {
      throw new Deno.errors.NotSupported("Cannot read PROXY headers of datagrams");
    }
    const sharing = { reuse_address, reuse_port, inherit };
    const options = { addr, backlog, max_packet_size, broadcast, groups, ...sharing };
    try {
      this.socket = (this.constructor as typeof UDPServer).make_listener(options);
    } catch (error) {
      throw with_address(error, addr);
    }
    this.server_address = this.socket.addr;
  }

  /** What the server is doing and has done, at no cost: counters only. */
  override info(): ServerInfo {
    return { bytes_in: 0, ...super.info() };
  }

  /** @ignore */
  override [traffic](request: DatagramRequest<A>): Traffic | undefined {
    return Array.isArray(request) ? { bytes_in: request[0].length } : undefined;
  }

  /** @ignore */
  override [check_ready](): void {
    check_bound(this.socket);
  }

  /**
   * Receives a datagram.
   *
   * @returns The datagram with the socket to reply with, and the client's address.
   * @throws {Deno.errors.BadResource} If the server is not bound, or is closed.
   */
  override get_request(): [DatagramRequest<A>, A] | Promise<[DatagramRequest<A>, A]> {
    const received = check_bound(this.socket).accept();
    // Only an override can spoil it.
    if (this.get_request === UDPServer.prototype.get_request) return received;
    return received instanceof Promise ? received.then(this.#accepted) : this.#accepted(received);
  }

  #accepted = ([request, address]: [DatagramRequest<A>, A]): [DatagramRequest<A>, A] =>
    this[accepted](request, address);
}

/** The address as Deno has it: what a subclass gives, which is that already, or Python's form. */
function datagram_addr<A extends Deno.Addr>(address: NetAddress | A): A {
  if ((address as Partial<A> | null)?.transport === "unixpacket") return address as A;
  return net_addr(address as NetAddress, "udp") as A;
}

function listen<A extends Deno.Addr>(options: DatagramListenOptions<A>): DatagramListener<A> {
  const { broadcast = true, groups = [], reuse_port = false, inherit = false } = options;
  if (reuse_port) {
    throw new Deno.errors.NotSupported("Cannot allow_reuse_port: Deno has it for TCP only");
  }
  if (inherit !== false) {
    throw new Deno.errors.NotSupported("Cannot inherit a datagram socket: Deno takes none");
  }
  // Deno's own sockets always send broadcasts, and join groups only later.
  const is_plain = options.addr.transport === "unixpacket" || (broadcast && groups.length === 0);
  if (has_deno_datagrams() && is_plain) return new DenoDatagramListener(options);
  if (options.addr.transport === "unixpacket") {
    throw new Deno.errors.NotSupported(
      "Cannot make a Unix datagram socket: Deno has them only with its flag --unstable-net",
    );
  }
  const udp = options as unknown as DatagramListenOptions<Deno.NetAddr>;
  return new NodeDatagramListener(udp) as unknown as DatagramListener<A>;
}
