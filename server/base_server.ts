import { prepare_stacks } from "../internal/runtime/deno_internals.ts";
import { is_client_gone } from "../internal/runtime/error_names.ts";
import { may_fail } from "../internal/runtime/pending.ts";
import { StopSignals } from "../internal/runtime/stop_signals.ts";
import { client_key_of } from "./address.ts";
import type { ServerObserver } from "./events.ts";
import type { CloseResult, OverflowReason, ServerInfo, ServerState, Traffic } from "./info.ts";
import type { Listener } from "./listeners/listener.ts";
import {
  changed_settings,
  check_names,
  check_serve_options,
  type CloseOptions,
  type ConfigureOptions,
  type Overflow,
  type ServeOptions,
  type ServerOptions,
  settings_of,
} from "./options.ts";
import { replies_through, ServerClosing } from "./requests/server_closing.ts";
import {
  accepted,
  check_ready,
  interrupt_request,
  make_runner,
  observation,
  renew_tls,
  report,
  secure_request,
  traffic,
} from "./requests/inner_hooks.ts";
import type { Agreed } from "./requests/handshakes.ts";
import { type Happening, Observation } from "./requests/observation.ts";
import { SequentialRunner } from "./requests/local_runner.ts";
import type { RequestHandlerConstructor } from "./requests/request_handler.ts";
import { Requests } from "./requests/requests.ts";
import type { Runner, ServerSide } from "./requests/runner.ts";
import { adopt_shared_fields } from "./requests/shared_fields.ts";
import type { ServeLoop } from "./requests/serve_loop.ts";
import { Serving } from "./requests/serving.ts";

/** How long requests under way may go on when the server closes, in ms, unless told. */
const GRACE = 5000;

/**
 * The life of a request, whatever requests are: take it, verify it, process it, close it. Names and order
 * are those of Python's `socketserver.BaseServer`. It knows no sockets: a subclass says in
 * {@linkcode get_request} where requests come from. Itself it needs no permission.
 *
 * ```text
 * get_request → verify_request → process_request → finish_request (the handler)
 *                     ↓ refused                          ↓
 *                     └──────────────────────→ shutdown_request → close_request
 * ```
 *
 * What a hook throws after `get_request` goes to {@linkcode handle_error}; the request is closed in
 * every case, and the server lives. Each hook may be synchronous or asynchronous.
 *
 * @example Requests that come from an array
 * ```ts
 * import { BaseRequestHandler, BaseServer } from "@socketserver/socketserver";
 *
 * class PrintHandler extends BaseRequestHandler<BaseServer, string, string> {
 *   override handle(): void {
 *     console.log(`${this.client_address}: ${this.request}`);
 *   }
 * }
 *
 * class ListServer extends BaseServer<null, string, string> {
 *   items = ["one", "two"];
 *   override get_request(): [string, string] {
 *     return [this.items.shift()!, "list"];
 *   }
 * }
 *
 * await using server = new ListServer(null, PrintHandler);
 * await server.handle_request();
 * await server.handle_request();
 * ```
 *
 * @typeParam ServerAddress The type of the server's own address.
 * @typeParam Request The type of a request.
 * @typeParam Address The type of a client's address.
 */
export class BaseServer<ServerAddress = unknown, Request = unknown, Address = unknown>
  implements AsyncDisposable {
  /** See {@linkcode ServerOptions.timeout}. */
  static timeout: number | null = null;
  /** See {@linkcode ServerOptions.request_queue_size}. */
  static request_queue_size = 4096;
  /** See {@linkcode ServerOptions.max_requests}. */
  static max_requests: number = Infinity;
  /** See {@linkcode ServerOptions.overflow}. */
  static overflow: Overflow = "queue";
  /** See {@linkcode ServerOptions.max_requests_per_client}. */
  static max_requests_per_client: number = Infinity;
  /** See {@linkcode ServerOptions.max_accepts_per_second}. */
  static max_accepts_per_second: number = Infinity;
  /** See {@linkcode ServerOptions.allow}. */
  static allow: readonly string[] | null = null;
  /** See {@linkcode ServerOptions.deny}. */
  static deny: readonly string[] | null = null;
  /** See {@linkcode ServerOptions.request_timeout}. */
  static request_timeout: number | null = null;
  /** See {@linkcode ServerOptions.observer}. */
  static observer: ServerObserver | null = null;

  /** See {@linkcode ServerOptions.timeout}. */
  declare timeout: number | null;
  /** See {@linkcode ServerOptions.request_queue_size}. */
  declare request_queue_size: number;
  /** See {@linkcode ServerOptions.max_requests}. */
  declare max_requests: number;
  /** See {@linkcode ServerOptions.overflow}. */
  declare overflow: Overflow;
  /** See {@linkcode ServerOptions.max_requests_per_client}. */
  declare max_requests_per_client: number;
  /** See {@linkcode ServerOptions.max_accepts_per_second}. */
  declare max_accepts_per_second: number;
  /** See {@linkcode ServerOptions.allow}. */
  declare allow: readonly string[] | null;
  /** See {@linkcode ServerOptions.deny}. */
  declare deny: readonly string[] | null;
  /** See {@linkcode ServerOptions.request_timeout}. */
  declare request_timeout: number | null;
  /** See {@linkcode ServerOptions.observer}. */
  declare observer: ServerObserver | null;

  /** Where the server listens; with port 0 asked for, the real port once it is bound. */
  server_address: ServerAddress;
  /** The class of the handlers. */
  RequestHandlerClass: RequestHandlerConstructor;
  /** What requests are taken from, once the server is bound; `undefined` where there is no such thing. */
  declare socket: Listener<unknown, ServerAddress> | undefined;

  #runner: Runner;
  #since = Date.now();
  #observation: Observation;
  #requests: Requests<Request, Address>;
  #serving: Serving<Request, Address>;
  #closing: ServerClosing;

  /**
   * Makes the server, and unless `bind_and_activate` is `false` calls {@linkcode server_bind} and
   * {@linkcode server_activate}. They run before the fields of a subclass have their values, and
   * cannot be asynchronous here. If one of them throws, nothing is left behind.
   *
   * @param server_address Where to listen.
   * @param RequestHandlerClass The class of the handlers.
   * @param options Settings; they win over the static properties of the class.
   * @throws {RangeError} If a setting makes no sense.
   * @throws {TypeError} If the handler is not a class.
   */
  constructor(
    server_address: ServerAddress,
    RequestHandlerClass: RequestHandlerConstructor,
    options: ServerOptions = {},
  ) {
    if (!is_class(RequestHandlerClass)) {
      const name = (RequestHandlerClass as { name?: string } | undefined)?.name || "this";
      throw new TypeError(
        `Cannot make handlers of ${name}: it must be a class with a run() method`,
      );
    }
    prepare_stacks();
    this.server_address = server_address;
    this.RequestHandlerClass = RequestHandlerClass;
    Object.assign(this, settings_of(this, options));
    this.#observation = new Observation(this);
    this.#runner = this[make_runner]({
      observation: this.#observation,
      // The other servers and the mix-ins have only this one more.
      hooks: [...Object.getOwnPropertyNames(BaseServer.prototype), "reload_tls"],
      overrides: (hook) => this[hook] !== BaseServer.prototype[hook],
      report: (error, exchange) => this.#requests.report(error, exchange as never),
      // They are made after the runner, which they need.
      handshakes: {
        begun: (exchange) => this.#requests.handshakes.begun(exchange),
        ended: (exchange, end) => this.#requests.handshakes.ended(exchange, end),
      },
      securing: (exchange) => this.#requests.securing(exchange as never),
      secured: (exchange, agreed) => this.#requests.secured(exchange as never, agreed),
    });
    const freed = () => this.#serving.freed();
    this.#requests = new Requests(
      this,
      BaseServer.prototype,
      this.#runner,
      this.#observation,
      freed,
    );
    this.#serving = new Serving(this, this.#requests, (taken) => this.#is_full(taken));
    this.#closing = new ServerClosing(this, this.#serving, this.#requests, this.#runner);
    if (options.bind_and_activate ?? true) this.#bind_and_activate();
  }

  #bind_and_activate(): void {
    try {
      for (const hook of ["server_bind", "server_activate"] as const) {
        const done = this[hook]();
        if (done instanceof Promise) {
          may_fail(done);
          throw new TypeError(
            `Cannot wait for ${hook}() here: pass bind_and_activate: false and call it with await`,
          );
        }
      }
    } catch (error) {
      this.socket?.close();
      throw error;
    }
  }

  /** Binds, and sets {@linkcode server_address} to the real address. */
  server_bind(): void | Promise<void> {}

  /** Starts to listen where binding has not done so. */
  server_activate(): void | Promise<void> {}

  /**
   * Takes the next request. A subclass must say how. It may wait for as long as it likes: a call that
   * still waits when serving stops is kept for the next time, so that its request is not lost.
   *
   * @returns The request and the client's address.
   * @throws What it throws belongs to a class: an error of one connection is passed over, a lack of
   * descriptors (`EMFILE`) or an unknown error makes the server pause (5 ms, doubling to 1 s), and
   * `Deno.errors.BadResource` ends the loop of a server whose socket does not say that it is open.
   * What an override throws when it has a request belongs to that request: it is reported and closed.
   */
  get_request(): [Request, Address] | Promise<[Request, Address]> {
    throw new Deno.errors.NotSupported("A subclass of BaseServer must have a get_request()");
  }

  /**
   * Serves until {@linkcode shutdown} is called. Resolves when the loop has ended; requests under way
   * elsewhere (on the event loop, in workers) go on.
   *
   * With `stop_on` it is a whole program: the first of these signals of the system stops and closes
   * the server in order, and the call resolves when it is closed; a second one ends the program at
   * once, with the exit code that a shell expects (130 for SIGINT, 143 for SIGTERM).
   *
   * @param options How often `service_actions()` runs, in ms, and what ends the loop.
   * @throws {Deno.errors.Busy} If the server is serving already.
   * @throws {Deno.errors.BadResource} If the server is closed.
   * @throws {RangeError} If `poll_interval` is not above 0, or `grace` is negative.
   * @throws {TypeError} If `signal` is not an `AbortSignal`, an option has an unknown name, or `stop_on`
   * names a signal that the system does not have.
   */
  async serve_forever(options: ServeOptions = {}): Promise<void> {
    check_serve_options(options);
    const { poll_interval = 500, signal, stop_on = [], grace = GRACE } = options;
    check_grace(grace);
    if (signal?.aborted) return;
    let closing: Promise<CloseResult> | undefined;
    await using _signals = new StopSignals(stop_on, () => closing = this.server_close({ grace }));
    const has_actions = this.service_actions !== BaseServer.prototype.service_actions;
    await this.#serve((loop) => this.#serving.serve(loop, poll_interval, has_actions), signal);
    await closing;
  }

  /**
   * Serves one request, and returns when it is closed, or when it was handed on (to the event loop, to
   * a worker). If {@linkcode timeout} is set and no request comes in time, calls
   * {@linkcode handle_timeout}; a request that comes just too late goes to the next call.
   *
   * @throws {Deno.errors.Busy} If the server is serving already.
   * @throws {Deno.errors.BadResource} If the server is closed.
   */
  async handle_request(): Promise<void> {
    await this.#serve((loop) => this.#serving.serve_one(loop));
  }

  /**
   * Ends the loop of {@linkcode serve_forever}; resolves when no further request will be taken. It may
   * be called at any time, more than once, and from a handler, and does not concern the next
   * `serve_forever()`. Requests under way go on: see {@linkcode server_close}.
   */
  async shutdown(): Promise<void> {
    await this.#serving.stop();
  }

  /**
   * Closes the server: stops serving and listening, tells every handler through its `signal`, waits
   * until they have ended, and cuts those that have not after `grace` ms. A handler that waits in a
   * read with nothing half-read sees the end of its input; a busy one can still reply. May be called
   * twice, also at once: the earlier deadline holds.
   *
   * @param options How long to wait, in ms: 5000 unless told.
   * @returns How many requests ended by themselves and how many were cut.
   * @throws {RangeError} If `grace` is negative or not a number.
   */
  async server_close(options: CloseOptions = {}): Promise<CloseResult> {
    check_names(options, ["grace"]);
    const { grace = GRACE } = options;
    check_grace(grace);
    return await this.#closing.close(grace);
  }

  /**
   * Takes no further request, although the server serves: its port stays bound, and what comes waits in the
   * system, as far as that has room; a connection or two may wait in the server. Requests under way go on.
   * May be called at any time, and twice.
   */
  suspend(): void {
    const { suspended } = this.#serving;
    this.#serving.suspend();
    if (!suspended) this.#tell_unless_closed({ type: "server.suspend" });
  }

  /** Goes on after {@linkcode suspend}, with what has waited. */
  resume(): void {
    const { suspended } = this.#serving;
    this.#serving.resume();
    if (suspended) this.#tell_unless_closed({ type: "server.resume" });
  }

  /** The last that is told is that the server has stopped. */
  #tell_unless_closed(happening: Happening): void {
    if (!this.#closing.begun) this.#observation.tell(happening);
  }

  /**
   * Changes limits, lists of addresses and timeouts of a server, also while it serves: for new requests, at
   * once. If one of them is refused, none is changed.
   *
   * @param options The settings that change. What is left out stays as it is.
   * @throws {RangeError} If a setting makes no sense.
   * @throws {TypeError} If there is no such setting, or only a new server can have it.
   */
  configure(options: ConfigureOptions): void {
    const changes = changed_settings(options);
    Object.assign(this, changes);
    this.#runner.configure(changes);
    this.#serving.configured();
  }

  /** `shutdown()` and `server_close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
    await this.server_close();
  }

  /** What the server is doing and has done, at no cost: counters only. */
  info(): ServerInfo {
    const { workers, places: max_active } = this.#runner;
    return {
      state: this.#state,
      address: this.server_address,
      suspended: this.#serving.suspended,
      since: this.#since,
      max_active,
      ...this.#requests.counts,
      ...this.#requests.handshakes.counts,
      ...(workers && { workers }),
    };
  }

  /**
   * Says under which name the requests of a client are counted, for `max_requests_per_client`. Unless
   * overridden it is the IPv4 address, the network of an IPv6 address (its first 64 bits), or `""` for the
   * clients of a Unix server.
   *
   * @param client_address The client's address.
   * @returns Any text. What is none, a promise too, is a `TypeError` for `handle_error()`, and the request is
   * closed.
   */
  client_key(client_address: Address): string {
    return client_key_of(client_address);
  }

  /**
   * Whether to serve the request; `true` unless overridden. Otherwise it is closed.
   *
   * @param _request The request.
   * @param _client_address The client's address.
   */
  verify_request(_request: Request, _client_address: Address): boolean | Promise<boolean> {
    return true;
  }

  /**
   * Processes the request: here to its end, or where and when the mix-in says. An override that does
   * not call this one calls {@linkcode run_request}, or {@linkcode finish_request} and
   * {@linkcode shutdown_request}. It may hand on another object, which wraps the request. A request
   * that is not handed on when it has returned, and its promise is resolved, was dropped: it is closed,
   * and counted as refused. To keep one for later, call `run_request()` at once, with a `finish` that
   * waits.
   *
   * @param request The request.
   * @param client_address The client's address.
   * @throws {Deno.errors.BadResource} If it needs workers, which are there only once the server serves.
   */
  process_request(request: Request, client_address: Address): void | Promise<void> {
    return this.#requests.process(request, client_address);
  }

  /**
   * Runs the handler and everything that follows: {@linkcode handle_error} if it throws, then
   * {@linkcode shutdown_request}. Python's `process_request_thread`. Never rejects, and resolves when
   * the handler has ended and the closing has begun.
   *
   * @param request The request.
   * @param client_address The client's address.
   * @param finish What runs the handler: {@linkcode finish_request} unless told.
   */
  run_request(
    request: Request,
    client_address: Address,
    finish?: () => void | Promise<void>,
  ): Promise<void> {
    return this.#requests.run(request, client_address, finish);
  }

  /**
   * Makes the handler and runs it.
   *
   * @param request The request.
   * @param client_address The client's address.
   */
  finish_request(request: Request, client_address: Address): void | Promise<void> {
    this.#requests.finishing(request);
    return new this.RequestHandlerClass(request, client_address, this).run();
  }

  /**
   * Ends a request that was handled or refused; calls {@linkcode close_request}.
   *
   * @param request The request.
   */
  shutdown_request(request: Request): void | Promise<void> {
    return this.close_request(request);
  }

  /**
   * Closes a request at once. An override calls `super.close_request(request)`.
   *
   * @param request The request.
   */
  close_request(request: Request): void | Promise<void> {
    this.#requests.closed_by_hook(request);
  }

  /**
   * Called with what a handler or a hook threw, and for errors without a request (accepting failed, a
   * worker ended) with `null` for request and address. The error is an argument here because
   * JavaScript has no "current exception".
   *
   * Unless overridden it prints to standard error: a handler's own error with its stack, and a client's
   * fault (a line over a limit, the handler's `timeout`, a datagram that is dropped) as one line; nothing of
   * clients that went away. What clients have sent is shown without control characters and without lines of
   * its own. Of the faults of clients, and of errors from the same place in the code, ten are printed in a
   * second, and the others counted; while that goes on, ten in 2 s, in 4 s, up to a minute. It never
   * waits for standard error.
   *
   * @param _request The request, or `null`.
   * @param client_address The client's address, or `null`.
   * @param error What was thrown.
   */
  handle_error(
    _request: Request | null,
    client_address: Address | null,
    error: unknown,
  ): void | Promise<void> {
    if (!is_client_gone(error)) this.#requests.reports.add(error, client_address);
  }

  /** Called when {@linkcode handle_request} has waited for `timeout` ms and no request came. */
  handle_timeout(): void | Promise<void> {}

  /**
   * Called with a request for which there is no room: the place to say so to the client. It is closed
   * afterwards, and after 1 s in any case.
   *
   * @param _request The request.
   * @param _client_address The client's address.
   * @param _reason Whether there is no room at all (`"overflow"`), or the client has
   * `max_requests_per_client` under way (`"per_client"`).
   */
  handle_overflow(
    _request: Request,
    _client_address: Address,
    _reason: OverflowReason,
  ): void | Promise<void> {}

  /** Called after each request, and every `poll_interval` ms while none comes. */
  service_actions(): void | Promise<void> {}

  /** @ignore */
  [make_runner](side: ServerSide): Runner {
    return new SequentialRunner(this, side);
  }

  /** @ignore */
  [check_ready](): void {}

  /** @ignore */
  [interrupt_request](_request: Request): void {}

  /** @ignore */
  [secure_request](_request: Request): Promise<Agreed> | undefined {
    return undefined;
  }

  /** @ignore */
  [renew_tls](material: unknown): void {
    this.#runner.renew_tls(material);
  }

  /** @ignore */
  [accepted](request: Request, client_address: Address): [Request, Address] {
    return this.#serving.accepted([request, client_address]);
  }

  /** @ignore */
  [report](error: unknown): void {
    void this.#requests.report(error, null);
  }

  /** @ignore */
  get [observation](): Observation {
    return this.#observation;
  }

  /** @ignore */
  [traffic](_request: Request): Traffic | undefined {
    return undefined;
  }

  get #state(): ServerState {
    if (this.#closing.done) return "closed";
    return this.#closing.begun ? "stopping" : this.#serving.state;
  }

  /**
   * Whether so many requests are under way that others stay where they come from. Connections bound a
   * flood by themselves; datagrams do not, and would fill the memory.
   */
  #is_full(taken: number): boolean {
    return taken >= this.request_queue_size && this.max_requests === Infinity &&
      replies_through(this.socket);
  }

  /** Runs a call that takes requests. */
  async #serve(run: (loop: ServeLoop) => Promise<void>, signal?: AbortSignal): Promise<void> {
    if (this.#closing.begun) throw new Deno.errors.BadResource("The server is closed");
    await this.#serving.run(() => this.#prepare(), run, signal);
  }

  async #prepare(): Promise<void> {
    try {
      this[check_ready]();
      this.#observation.started();
      adopt_shared_fields(this, (error) => void this.#requests.report(error, null));
      await this.#runner.prepare();
    } catch (error) {
      // A server that is closed while it starts has nothing to complain of.
      if (!this.#closing.begun) throw error;
    }
  }
}

/** Whether `new` can be used with it: what is called like a function cannot make handlers. */
function is_class(value: unknown): boolean {
  try {
    Reflect.construct(Object, [], value as typeof Object);
    return true;
  } catch {
    return false;
  }
}

/** @throws {RangeError} If the grace is negative or not a number. */
function check_grace(grace: number): void {
  if (typeof grace === "number" && grace >= 0) return;
  const told = Deno.inspect(grace);
  throw new RangeError(`Cannot close with a grace of ${told} ms: it must be 0 or more`);
}

/** The socket of a server that is bound. */
export function check_bound<T>(socket: T | undefined): T {
  if (socket) return socket;
  throw new Deno.errors.BadResource(
    "The server is not bound: call server_bind() and server_activate()",
  );
}
