import type { BaseServer } from "../server/base_server.ts";
import type { Remote } from "../server/remote.ts";
import { type Exchange, exchange_of } from "../server/requests/exchange.ts";
import type { StreamSocket } from "../server/sockets/stream_socket.ts";
import { chained } from "./chained.ts";

/**
 * What every request handler is made from: a subclass overrides {@linkcode handle}, and
 * {@linkcode setup} and {@linkcode finish} where it needs them. A server makes one handler for each
 * request and calls {@linkcode run}.
 *
 * Python's handlers do all of their work in the constructor. A constructor here cannot wait, so the
 * constructor only keeps its arguments and `run()` does the work.
 *
 * @example One request, one reply
 * ```ts
 * import { BaseRequestHandler, TCPServer } from "@socketserver/socketserver";
 *
 * class HelloHandler extends BaseRequestHandler {
 *   override async handle(): Promise<void> {
 *     const { hostname } = this.client_address;
 *     await this.request.sendall(new TextEncoder().encode(`hello ${hostname}\n`));
 *   }
 * }
 *
 * await using server = new TCPServer(["127.0.0.1", 0], HelloHandler);
 * const { hostname, port } = server.server_address;
 * using client = await Deno.connect({ hostname, port });
 * const handled = server.handle_request();
 * console.log(await new Response(client.readable).text()); // hello 127.0.0.1
 * await handled;
 * ```
 *
 * @typeParam Server The type of `this.server`.
 * @typeParam Request The type of `this.request`.
 * @typeParam Address The type of `this.client_address`.
 */
export class BaseRequestHandler<
  Server = Remote<BaseServer>,
  Request = StreamSocket<Deno.NetAddr>,
  Address = Deno.NetAddr,
> {
  /**
   * The module that exports the class, as `static override module = import.meta.url`: there a worker finds it
   * by its name, or as the default export. Without it the program's main module is searched.
   */
  static module?: string;

  /** The request: a connection for stream servers, a datagram and its socket for datagram servers. */
  request: Request;
  /** The client's address. */
  client_address: Address;
  /**
   * The server. In a worker it stands for the server: see {@linkcode Remote}, which is its type unless
   * told.
   */
  server: Server;
  #exchange: Exchange | undefined;

  /**
   * Keeps its arguments; {@linkcode run} does the work.
   *
   * @param request The request.
   * @param client_address The client's address.
   * @param server The server.
   */
  constructor(request: Request, client_address: Address, server: Server | BaseServer) {
    this.request = request;
    this.client_address = client_address;
    // A server has all that stands for it elsewhere.
    this.server = server as Server;
    this.#exchange = exchange_of(request);
  }

  /**
   * Aborts when the request must end: the server is closing, `request_timeout` is over, or the client
   * is gone. Pass it on to what the handler waits for (`fetch`, timers). The connection is closed all
   * the same.
   *
   * That a client is gone shows in a read or a write that fails. In a worker or a child process it also
   * shows while the handler waits for something else, if the client resets the connection (a crash, or
   * closing with unread input) and has sent nothing that was not read yet; elsewhere nothing is known
   * without reading. A client that ends its output (FIN) may still wait for its answer: that does not
   * abort.
   */
  get signal(): AbortSignal {
    return this.#exchange?.signal ?? new AbortController().signal;
  }

  /**
   * The trace that the request belongs to, as W3C Trace Context writes it; `undefined` unless the server's `observer`
   * has set it. In workers, too.
   */
  get traceparent(): string | undefined {
    return this.#exchange?.traceparent;
  }

  /** Called before {@linkcode handle}. If it throws, nothing else is called. */
  setup(): void | Promise<void> {}

  /** Does the work of the request. */
  handle(): void | Promise<void> {}

  /** Called after {@linkcode handle}, also if that threw. */
  finish(): void | Promise<void> {}

  /**
   * Serves the request as Python's constructor does: `setup`, `handle`, and always `finish`. What one of
   * them throws goes to the server's `handle_error()`. If both `handle` and `finish` throw, that is what
   * `finish` threw, with what `handle` threw as its `cause`.
   */
  async run(): Promise<void> {
    // Waiting for nothing would cost a turn of the event loop's queue each time.
    const set_up = this.setup();
    if (set_up) await set_up;
    try {
      const handled = this.handle();
      if (handled) await handled;
    } catch (error) {
      await this.#finish_after(error);
      throw error;
    }
    const finished = this.finish();
    if (finished) await finished;
  }

  async #finish_after(error: unknown): Promise<void> {
    try {
      await this.finish();
    } catch (later) {
      throw chained(later, error);
    }
  }
}
