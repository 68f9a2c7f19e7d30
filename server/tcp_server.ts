import { can_hand_over } from "../internal/runtime/deno_internals.ts";
import { net_addr, type NetAddress, with_address } from "./address.ts";
import { is_listed } from "./address_list.ts";
import { BaseServer, check_bound } from "./base_server.ts";
import type { ServerInfo, Traffic } from "./info.ts";
import { DenoListener } from "./listeners/deno_listener.ts";
import { HandoverListener } from "./listeners/handover_listener.ts";
import { inherit_socket } from "./listeners/inherited_sockets.ts";
import type { Listener } from "./listeners/listener.ts";
import { ProxiedListener } from "./listeners/proxied_listener.ts";
import type { ProxyProtocol, ServerOptions, Settings } from "./options.ts";
import {
  accepted,
  check_ready,
  interrupt_request,
  observation,
  renew_tls,
  report,
  secure_request,
  tls_terms,
  traffic,
} from "./requests/inner_hooks.ts";
import { type Agreed, HANDSHAKE_TIMEOUT } from "./requests/handshakes.ts";
import type { RequestHandlerConstructor } from "./requests/request_handler.ts";
import {
  close_gracefully,
  end_input,
  expect_tls,
  secure,
  StreamSocket,
  traffic_of,
} from "./sockets/stream_socket.ts";
import { end_of, load_tls } from "./sockets/tls_material.ts";
import { TlsTerms } from "./sockets/tls_terms.ts";
import type { TlsOptions } from "./tls_options.ts";

/**
 * Where a stream server listens: an address that `Deno.connect()` takes.
 *
 * @typeParam A The type of its addresses.
 */
export type StreamServerAddress<A extends Deno.Addr> =
  & A
  & { transport: A extends Deno.UnixAddr ? "unix" : "tcp" };

/** The `request` of a TCP server. */
export type TCPRequest = StreamSocket<Deno.NetAddr>;

/**
 * A TCP server, after Python's `socketserver.TCPServer`. It handles one connection at a time, in the
 * order in which they came. To handle many
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
 * @typeParam A The type of its addresses: those of {@linkcode UnixStreamServer} are others.
 *
 * @tags allow-net
 */
export class TCPServer<A extends Deno.Addr = Deno.NetAddr>
  extends BaseServer<A, StreamSocket<A>, A> {
  /** See {@linkcode ServerOptions.allow_reuse_address}. */
  static allow_reuse_address = true;
  /** See {@linkcode ServerOptions.allow_reuse_port}. */
  static allow_reuse_port = false;
  /** See {@linkcode ServerOptions.linger}. */
  static linger = 1000;
  /** See {@linkcode ServerOptions.max_connection_age}. */
  static max_connection_age: number | null = null;
  /** See {@linkcode ServerOptions.proxy_protocol}. */
  static proxy_protocol: ProxyProtocol = "off";
  /** See {@linkcode ServerOptions.trusted_proxies}. */
  static trusted_proxies: readonly string[] = [];
  /** See {@linkcode ServerOptions.proxy_timeout}. */
  static proxy_timeout = 3000;
  /** See {@linkcode ServerOptions.tls}. */
  static tls: TlsOptions | null = null;
  /** See {@linkcode ServerOptions.handshake_timeout}. */
  static handshake_timeout: number = HANDSHAKE_TIMEOUT;
  /** See {@linkcode ServerOptions.inherit}. */
  static inherit: boolean | number | string = false;

  /** See {@linkcode ServerOptions.allow_reuse_address}. */
  declare allow_reuse_address: boolean;
  /** See {@linkcode ServerOptions.allow_reuse_port}. */
  declare allow_reuse_port: boolean;
  /** See {@linkcode ServerOptions.linger}. */
  declare linger: number;
  /** See {@linkcode ServerOptions.max_connection_age}. */
  declare max_connection_age: number | null;
  /** See {@linkcode ServerOptions.proxy_protocol}. */
  declare proxy_protocol: ProxyProtocol;
  /** See {@linkcode ServerOptions.trusted_proxies}. */
  declare trusted_proxies: readonly string[];
  /** See {@linkcode ServerOptions.proxy_timeout}. */
  declare proxy_timeout: number;
  /** See {@linkcode ServerOptions.tls}; {@linkcode reload_tls} sets it anew. */
  declare tls: TlsOptions | null;
  /** See {@linkcode ServerOptions.handshake_timeout}. */
  declare handshake_timeout: number;
  /** See {@linkcode ServerOptions.inherit}. */
  declare inherit: boolean | number | string;
  /** Where it listens; with port 0 asked for, the real port once it is bound. */
  declare server_address: StreamServerAddress<A>;
  /** What accepts connections, once the server is bound. */
  declare socket: Listener<StreamSocket<A>, A> | undefined;
  /** @ignore */
  declare [tls_terms]: TlsTerms | undefined;

  /**
   * Makes the server, and unless `bind_and_activate` is `false` binds and listens at once. With port 0
   * the system chooses a port, which {@linkcode server_address} has then.
   *
   * The family follows the address: `"::"` is all interfaces with IPv6 and IPv4, `""` those with IPv4.
   *
   * @param server_address Where to listen: `[hostname, port]`, or an object with both.
   * @param RequestHandlerClass The class of the handlers.
   * @param options Settings; they win over the static properties of the class.
   * @throws {Deno.errors.AddrInUse} If somebody listens there already.
   * @throws {Deno.errors.AddrNotAvailable} If the address is not one of this machine.
   * @throws {Deno.errors.NotCapable} If the permission `--allow-net` is missing.
   * @throws {Deno.errors.NotFound} If the socket to `inherit` is not there.
   * @throws {Deno.errors.Busy} If another server has taken it.
   * @throws {Deno.errors.NotSupported} If it is no socket that listens, or the server cannot speak TLS here and shall.
   * @throws {RangeError} If the port, or a setting, makes no sense; such as `proxy_protocol: "required"`
   * without `trusted_proxies`, or a certificate whose key is another's.
   * @throws {TypeError} If the address is none.
   */
  constructor(
    server_address: NetAddress | NoInfer<A>,
    RequestHandlerClass: RequestHandlerConstructor,
    options: ServerOptions = {},
  ) {
    super(stream_addr<A>(server_address), RequestHandlerClass, options);
    // Where it is not bound yet, nobody has looked.
    check_trust(this);
    load_terms(this);
  }

  /** Binds and listens (Deno does both in one), and sets `server_address` to the real address. */
  override server_bind(): void | Promise<void> {
    check_trust(this);
    load_terms(this);
    const listener = listen<A>(this);
    this.socket = this.proxy_protocol === "off" ? listener : new ProxiedListener(listener, {
      trusts: (peer) => trusts(this, peer),
      timeout: this.proxy_timeout,
      limit: this.request_queue_size,
      rejected: (error, peer) => {
        this[observation].tell({ type: "proxy.rejected", peer, error_type: error.name }, error);
        this[report](error);
      },
    });
    this.server_address = this.socket.addr as StreamServerAddress<A>;
  }

  /** What the server is doing and has done, at no cost: counters only. */
  override info(): ServerInfo {
    const { socket } = this;
    const info = { bytes_in: 0, bytes_out: 0, ...super.info() };
    if (!(socket instanceof ProxiedListener)) return info;
    return { ...info, proxy_rejected: socket.rejected };
  }

  /**
   * Has the server use other certificates for new connections, also in workers and child processes; those under way
   * stay as they are. If what is loaded is not good, nothing changes.
   *
   * @param options What to use from now on; unless told, the files are read again that were given before.
   * @throws {Deno.errors.NotSupported} If the server speaks no TLS.
   * @throws {RangeError} If a certificate or a key is not good; the message names the file.
   */
  reload_tls(options: TlsOptions | null = this.tls): void {
    const before = this[tls_terms];
    if (!before || !options) {
      throw new Deno.errors.NotSupported(
        "Cannot reload certificates: the server was made without tls",
      );
    }
    const terms = this.#load_terms(options, before);
    this[tls_terms] = terms;
    this.tls = options;
    this[renew_tls](terms.material);
    this[observation].tls_reloaded(() => end_of(terms.material));
  }

  #load_terms(options: TlsOptions, before: TlsTerms): TlsTerms {
    try {
      return new TlsTerms(load_tls(options), before);
    } catch (error) {
      this[observation].tls_reloaded(() => end_of(before.material), error);
      throw error;
    }
  }

  /** @ignore */
  override [check_ready](): void {
    const socket = check_bound(this.socket);
    if (this.tls && !this[tls_terms]) {
      throw new TypeError("Cannot use a field tls: make it static, or give it to the constructor");
    }
    if (this.proxy_protocol === "off" || socket instanceof ProxiedListener) return;
    throw new Deno.errors.NotSupported(
      "Cannot read PROXY headers of a listener of your own: set proxy_protocol to off, or call " +
        "super.server_bind()",
    );
  }

  /**
   * Accepts a connection.
   *
   * @returns The connection, and the client's address.
   * @throws {Deno.errors.BadResource} If the server is not bound, or is closed.
   */
  override get_request(): [StreamSocket<A>, A] | Promise<[StreamSocket<A>, A]> {
    const request = check_bound(this.socket).accept();
    return request instanceof Promise ? request.then(this.#accepted) : this.#accepted(request);
  }

  #accepted = (request: StreamSocket<A>): [StreamSocket<A>, A] => {
    if (this[tls_terms]) this.#expect_tls(request);
    return this[accepted](request, request.remoteAddr);
  };

  /** Nothing is read or written without TLS from now on. */
  #expect_tls(request: StreamSocket<A>): void {
    expect_tls(request, () => ({ terms: this[tls_terms]!, timeout: this.handshake_timeout }));
  }

  /** @ignore */
  override [secure_request](request: StreamSocket<A>): Promise<Agreed> | undefined {
    return this[tls_terms] && request instanceof StreamSocket ? secure(request) : undefined;
  }

  /**
   * Sends FIN, then reads and throws away what the client still sends, for at most `linger` ms and
   * 1 MiB, then closes: otherwise unread input would make the system reset the connection, and the
   * client could lose the reply (RFC 9293, section 3.10.4; RFC 2525, section 2.17).
   *
   * @param request The connection.
   */
  override async shutdown_request(request: StreamSocket<A>): Promise<void> {
    await close_gracefully(request, this.linger);
    await this.close_request(request);
  }

  /**
   * Closes the connection at once.
   *
   * @param request The connection.
   */
  override close_request(request: StreamSocket<A>): void | Promise<void> {
    request.close();
    return super.close_request(request);
  }

  /** @ignore */
  override [interrupt_request](request: StreamSocket<A>): void {
    end_input(request);
  }

  /** @ignore */
  override [traffic](request: StreamSocket<A>): Traffic | undefined {
    // An override may have put another object in its place.
    return request instanceof StreamSocket ? traffic_of(request) : undefined;
  }
}

/** What says where a server listens, and how. */
type Listening<A extends Deno.Addr> =
  & Pick<Settings, "inherit" | "request_queue_size" | "allow_reuse_port">
  & {
    server_address: A;
    RequestHandlerClass: RequestHandlerConstructor;
    [tls_terms]: TlsTerms | undefined;
  };

/** Listens; with connections over their handles, which can leave this thread, if that is possible. */
function listen<A extends Deno.Addr>(server: Listening<A>): Listener<StreamSocket<A>, A> {
  const { server_address: addr, request_queue_size: backlog, allow_reuse_port, inherit } = server;
  // With TLS in any case: the handshake would otherwise wait for acknowledgements.
  const no_delay = wants_no_delay(server.RequestHandlerClass) || server[tls_terms] !== undefined;
  const options = { addr, backlog, reuse_port: allow_reuse_port, no_delay };
  if (inherit !== false) {
    return inherit_socket(inherit, (fd) => new HandoverListener({ ...options, fd }));
  }
  if (allow_reuse_port && addr.transport === "unix") {
    throw new Deno.errors.NotSupported("Cannot allow_reuse_port: Unix sockets have no port");
  }
  try {
    return can_hand_over() && !allow_reuse_port
      ? new HandoverListener(options)
      : new DenoListener(options);
  } catch (error) {
    throw with_address(error, addr);
  }
}

/**
 * Loads the certificates of a server that speaks TLS, once.
 *
 * @throws {Deno.errors.NotSupported} If it cannot.
 */
function load_terms(
  server: Pick<Settings, "tls" | "allow_reuse_port"> & { [tls_terms]: TlsTerms | undefined },
): void {
  if (server[tls_terms] || !server.tls) return;
  if (!can_hand_over()) {
    throw new Deno.errors.NotSupported("Cannot use tls: Deno gives out no sockets on this system");
  }
  if (server.allow_reuse_port) {
    throw new Deno.errors.NotSupported(
      "Cannot use tls with allow_reuse_port: only Deno's own listeners share a port, and tls cannot use those",
    );
  }
  server[tls_terms] = new TlsTerms(load_tls(server.tls));
}

/** What says whose headers a server believes. */
type BehindProxy =
  & Pick<Settings, "proxy_protocol" | "trusted_proxies" | "deny">
  & { server_address: { transport: string } };

/**
 * Refuses a server behind a proxy that believes nobody. One at a path needs no list: its mode says who may
 * connect.
 *
 * @throws {RangeError} If a list is missing.
 */
function check_trust({ proxy_protocol, trusted_proxies, server_address }: BehindProxy): void {
  if (proxy_protocol === "off" || server_address.transport === "unix") return;
  if (trusted_proxies.length > 0) return;
  throw new RangeError(
    'Cannot use proxy_protocol = "required" without trusted_proxies: name the addresses of your ' +
      'proxies, or ["*"] where nobody else can connect',
  );
}

/** Whether a server believes the headers of a proxy. */
function trusts({ trusted_proxies, deny }: BehindProxy, peer: Deno.Addr): boolean {
  if (peer.transport === "unix") return true;
  return is_listed(peer, trusted_proxies) && !(deny && is_listed(peer, deny));
}

/** Whether handlers of the class set `TCP_NODELAY` first of all, as `StreamRequestHandler` does. */
function wants_no_delay(Handler: RequestHandlerConstructor): boolean {
  return Reflect.get(Handler, "disable_nagle_algorithm") === true;
}

/** The address as Deno has it: what a subclass gives, which is that already, or Python's form. */
function stream_addr<A extends Deno.Addr>(address: NetAddress | A): A {
  if ((address as Partial<A> | null)?.transport === "unix") return address as A;
  return net_addr(address as NetAddress, "tcp") as A;
}
