import { setImmediate } from "node:timers/promises";
import { format_address } from "./address.ts";
import { Backoff } from "../internal/runtime/backoff.ts";
import { accept_error_class, is_client_gone, PacketTooLong } from "./errors.ts";
import { Exchange, exchange_of, type Outcome } from "./requests/exchange.ts";
import type { CloseResult, ServerInfo, ServerState } from "./info.ts";
import { AcceptFailure, Intake } from "./requests/intake.ts";
import type { Listener } from "./listeners/listener.ts";
import {
  type CloseOptions,
  type Overflow,
  type ServeOptions,
  type ServerOptions,
  settings_of,
} from "./options.ts";
import { is_pending } from "../internal/runtime/pending.ts";
import { prepare_stacks } from "../internal/runtime/deno_internals.ts";
import { ServeLoop } from "./requests/serve_loop.ts";
import { MAX_TIMER, set_timer } from "../internal/runtime/timer.ts";

/** After so many requests in a row the event loop gets a turn, however quickly they come. */
const FAIR_TURNS = 64;
/** When descriptors ran out, accepting pauses for so long, in ms, and twice as long each time. */
const MIN_PAUSE = 5;
/** The longest pause, in ms. */
const MAX_PAUSE = 1000;
/** How long a request may go on after `request_timeout` before it is given up by force, in ms. */
const GIVE_UP = 1000;
/** How long `handle_overflow()` may take, in ms: a client that never reads must not hold its place. */
const LAST_WORD = 1000;

/**
 * What makes handlers: a subclass of `BaseRequestHandler`, or any class with its constructor and its
 * `run()`.
 */
export interface RequestHandlerConstructor {
  /** Makes the handler of one request. */
  // deno-lint-ignore no-explicit-any
  new (request: any, client_address: any, server: any): { run(): void | Promise<void> };
  /** See `BaseRequestHandler.module`. */
  module?: string;
}

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
 * class ListServer extends BaseServer<string, string> {
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
 * @typeParam Request The type of a request.
 * @typeParam Address The type of a client's address.
 * @typeParam ServerAddress The type of the server's own address.
 */
export class BaseServer<Request = unknown, Address = unknown, ServerAddress = unknown>
  implements AsyncDisposable {
  /** See {@linkcode ServerOptions.timeout}. */
  static timeout: number | null = null;
  /** See {@linkcode ServerOptions.request_queue_size}. */
  static request_queue_size = 4096;
  /** See {@linkcode ServerOptions.max_requests}. */
  static max_requests: number = Infinity;
  /** See {@linkcode ServerOptions.overflow}. */
  static overflow: Overflow = "queue";
  /** See {@linkcode ServerOptions.request_timeout}. */
  static request_timeout: number | null = null;

  /** See {@linkcode ServerOptions.timeout}. */
  declare timeout: number | null;
  /** See {@linkcode ServerOptions.request_queue_size}. */
  declare request_queue_size: number;
  /** See {@linkcode ServerOptions.max_requests}. */
  declare max_requests: number;
  /** See {@linkcode ServerOptions.overflow}. */
  declare overflow: Overflow;
  /** See {@linkcode ServerOptions.request_timeout}. */
  declare request_timeout: number | null;

  /** Where the server listens; with port 0 asked for, the real port once it is bound. */
  server_address: ServerAddress;
  /** The class of the handlers. */
  RequestHandlerClass: RequestHandlerConstructor;
  /** What requests are taken from, once the server is bound; `undefined` where there is no such thing. */
  declare socket: Listener<unknown, ServerAddress> | undefined;

  #loop: ServeLoop | undefined;
  #closing: Promise<CloseResult> | undefined;
  #closed = false;
  #exchanges: Set<Exchange<Request, Address>> = new Set();
  /** The request that `process_request` is being called with. */
  #processing: Exchange<Request, Address> | undefined;
  #active = 0;
  #accepted = 0;
  #outcomes: Record<Outcome, number> = { completed: 0, failed: 0, refused: 0, timed_out: 0 };
  #intake: Intake<Request, Address> = new Intake(
    () => this.get_request(),
    () => this.#arrived(),
  );
  #pauses: Backoff = new Backoff(MIN_PAUSE, MAX_PAUSE);
  #overdue: PromiseWithResolvers<void> = Promise.withResolvers();
  #overdue_at = Infinity;
  #overdue_timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Makes the server, and unless `bind_and_activate` is `false` calls {@linkcode server_bind} and
   * {@linkcode server_activate}. They run before the fields of a subclass have their values, and
   * cannot be asynchronous here. If one of them throws, nothing is left behind.
   *
   * @param server_address Where to listen.
   * @param RequestHandlerClass The class of the handlers.
   * @param options Settings; they win over the static properties of the class.
   * @throws {RangeError} If a setting makes no sense.
   * @throws {TypeError} If the handler is no class.
   */
  constructor(
    server_address: ServerAddress,
    RequestHandlerClass: RequestHandlerConstructor,
    options: ServerOptions = {},
  ) {
    if (typeof RequestHandlerClass !== "function") {
      throw new TypeError(`Cannot make handlers of ${RequestHandlerClass}: it must be a class`);
    }
    prepare_stacks();
    this.server_address = server_address;
    this.RequestHandlerClass = RequestHandlerClass;
    Object.assign(this, settings_of(this, options));
    if (options.bind_and_activate ?? true) this.#bind_and_activate();
  }

  #bind_and_activate(): void {
    try {
      for (const hook of ["server_bind", "server_activate"] as const) {
        if (this[hook]() instanceof Promise) {
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
   * @throws What it throws is classed: an error of one connection is passed over, a want of
   * descriptors (`EMFILE`) or an unknown error makes the server pause (5 ms, doubling to 1 s), and
   * `Deno.errors.BadResource` ends the loop.
   */
  get_request(): [Request, Address] | Promise<[Request, Address]> {
    throw new Deno.errors.NotSupported("A subclass of BaseServer must have a get_request()");
  }

  /**
   * Serves until {@linkcode shutdown} is called. Resolves when the loop has ended; requests under way
   * elsewhere (on the event loop, in workers) go on.
   *
   * @param options How often `service_actions()` runs, in ms, and a signal that ends the loop.
   * @throws {Deno.errors.Busy} If the server is serving already.
   * @throws {Deno.errors.BadResource} If the server is closed.
   * @throws {RangeError} If `poll_interval` is not above 0.
   */
  async serve_forever(options: ServeOptions = {}): Promise<void> {
    const { poll_interval = 500, signal } = options;
    if (!(poll_interval > 0)) {
      throw new RangeError(`Cannot poll every ${poll_interval} ms: it must be above 0`);
    }
    if (signal?.aborted) return;
    await this.#serving((loop) => this.#serve(loop, poll_interval), signal);
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
    await this.#serving(async (loop) => {
      if (!await this.#arrives_in_time(loop)) return;
      loop.enter();
      const handled = this.#handle_arrival(loop);
      await done(handled);
      loop.leave();
      const lingers = handled instanceof Exchange && handled.state === "closing";
      if (lingers) await handled.closed;
    });
  }

  /**
   * Ends the loop of {@linkcode serve_forever}; resolves when no further request will be taken. It may
   * be called at any time, more than once, and from a handler, and does not concern the next
   * `serve_forever()`. Requests under way go on: see {@linkcode server_close}.
   */
  async shutdown(): Promise<void> {
    this.#loop?.stop();
    await this.#loop?.quiet;
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
    const { grace = 5000 } = options;
    if (!(grace >= 0)) {
      throw new RangeError(`Cannot close with a grace of ${grace} ms: it must be 0 or more`);
    }
    if (!this.#closed) this.#hasten(grace);
    return await (this.#closing ??= this.#close_server());
  }

  /** `shutdown()` and `server_close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
    await this.server_close();
  }

  /** What the server is doing and has done, at no cost: counters only. */
  info(): ServerInfo {
    return {
      state: this.#state,
      address: this.server_address,
      active: this.#active,
      accepted: this.#accepted,
      ...this.#outcomes,
    };
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
   * Processes the request: here at once, to its end. The mix-ins override it. An override that does
   * not call this one calls {@linkcode run_request}, or {@linkcode finish_request} and
   * {@linkcode shutdown_request}.
   *
   * @param request The request.
   * @param client_address The client's address.
   */
  process_request(request: Request, client_address: Address): void | Promise<void> {
    return this.run_request(request, client_address);
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
    const exchange = this._claim(request, client_address);
    return exchange.running = this._run(exchange, finish);
  }

  /**
   * The exchange of a request that the caller undertakes to run.
   *
   * @ignore
   */
  _claim(request: Request, client_address: Address): Exchange<Request, Address> {
    const exchange = this.#find(request) ?? this.#wrapped(request) ??
      this.#open(request, client_address);
    exchange.claimed = true;
    return exchange;
  }

  /**
   * What {@linkcode run_request} does, for an exchange; nothing, if it is over by now.
   *
   * @ignore
   */
  _run(exchange: Exchange<Request, Address>, finish?: () => void | Promise<void>): Promise<void> {
    if (exchange.state !== "waiting" || exchange.over) return Promise.resolve();
    exchange.state = "running";
    this.#active++;
    this.#start_clock(exchange);
    return new Promise((resolve) => {
      // A handler that never ends must not hold the loop once its request is given up.
      exchange.on_close(resolve);
      const ended = () => {
        this.#close(exchange);
        resolve();
      };
      const failed = (error: unknown) => void this.#handler_failed(exchange, error).then(ended);
      try {
        const { request, client_address } = exchange;
        const finished = finish ? finish() : this.finish_request(request, client_address);
        if (is_pending(finished)) finished.then(ended, failed);
        else ended();
      } catch (error) {
        failed(error);
      }
    });
  }

  /**
   * Makes the handler and runs it.
   *
   * @param request The request.
   * @param client_address The client's address.
   */
  finish_request(request: Request, client_address: Address): void | Promise<void> {
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
    // Only an override of process_request() closes a request that run_request() has not seen.
    const exchange = this.#find(request);
    if (exchange?.state === "waiting" && !exchange.claimed) this.#forget(exchange);
  }

  /**
   * Called with what a handler or a hook threw, and for errors without a request (accepting failed, a
   * worker ended) with `null` in the place of request and address. Prints it with its stack to
   * standard error; says nothing of clients that went away. The error is an argument here because
   * JavaScript has no "current exception".
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
    if (is_client_gone(error)) return;
    const where = client_address === null
      ? "in the server"
      : `during processing of request from ${format_address(client_address)}`;
    const line = "-".repeat(40);
    console.error(`${line}\nException occurred ${where}`);
    console.error(error);
    console.error(line);
  }

  /** Called when {@linkcode handle_request} has waited for `timeout` ms and no request came. */
  handle_timeout(): void | Promise<void> {}

  /**
   * Called with a request for which there is no room: the place to say so to the client. It is closed
   * afterwards, and after 1 s in any case.
   *
   * @param _request The request.
   * @param _client_address The client's address.
   */
  handle_overflow(_request: Request, _client_address: Address): void | Promise<void> {}

  /** Called after each request, and every `poll_interval` ms while none comes. */
  service_actions(): void | Promise<void> {}

  /**
   * Called when serving starts, before the first request is taken: for what a mix-in needs.
   *
   * @ignore
   */
  _prepare(): void | Promise<void> {}

  /**
   * Called when all requests are over and the server is closed: frees what `_prepare` made, and waits
   * for nothing longer than until `_overdue` resolves.
   *
   * @ignore
   */
  _release(_overdue: Promise<void>): void | Promise<void> {}

  /**
   * Called when the server closes, before it waits for requests under way: nothing new may come.
   *
   * @ignore
   */
  async _stop_listening(): Promise<void> {
    await this.socket?.close();
  }

  /**
   * Tells a request under way that it must end, beyond its signal.
   *
   * @ignore
   */
  _interrupt_request(_request: Request): void {}

  /**
   * Ends a request that did not end by itself in time. It is closed already.
   *
   * @ignore
   */
  _abandon_request(_request: Request): void {}

  /**
   * Refuses a request for want of room.
   *
   * @ignore
   */
  async _refuse(exchange: Exchange<Request, Address>): Promise<void> {
    exchange.outcome = "refused";
    const clock = setTimeout(() => void this.#force(exchange), LAST_WORD);
    try {
      const said = this.handle_overflow(exchange.request, exchange.client_address);
      if (is_pending(said)) await exchange.until(said);
    } catch (error) {
      if (!exchange.cut) await this.#report(error, exchange);
    }
    clearTimeout(clock);
    this.#close(exchange);
  }

  /**
   * Reports an error that belongs to no request.
   *
   * @ignore
   */
  _report_error(error: unknown): Promise<void> {
    return this.#report(error, null);
  }

  /**
   * How many requests may be under way when one more is taken. Beyond that they stay where they come
   * from.
   *
   * @ignore
   */
  get _max_taken(): number {
    return Infinity;
  }

  /**
   * Whether `server_close()` waits for requests under way.
   *
   * @ignore
   */
  get _waits_on_close(): boolean {
    return true;
  }

  get #state(): ServerState {
    if (this.#closed) return "closed";
    if (this.#closing) return "stopping";
    if (!this.#loop) return "idle";
    return this.#loop.stopping ? "stopping" : "serving";
  }

  /** Runs a call that takes requests; it begins at once, or when a call that was stopped has ended. */
  async #serving(run: (loop: ServeLoop) => Promise<void>, signal?: AbortSignal): Promise<void> {
    if (this.#closing) throw new Deno.errors.BadResource("The server is closed");
    const previous = this.#loop;
    if (previous && !previous.stopping) throw new Deno.errors.Busy("The server is serving already");
    const loop = this.#loop = new ServeLoop();
    const stop = () => loop.stop();
    signal?.addEventListener("abort", stop);
    try {
      loop.enter();
      await previous?.ended;
      if (!loop.stopping) await this.#prepare();
      loop.leave();
      this.socket?.ref?.();
      if (!loop.stopping) await run(loop);
    } finally {
      this.socket?.unref?.();
      signal?.removeEventListener("abort", stop);
      loop.end();
      if (this.#loop === loop) this.#loop = undefined;
    }
  }

  async #prepare(): Promise<void> {
    try {
      await this._prepare();
    } catch (error) {
      // A server that is closed while it starts has nothing to complain of.
      if (!this.#closing) throw error;
    }
  }

  async #serve(loop: ServeLoop, poll_interval: number): Promise<void> {
    const has_actions = this.service_actions !== BaseServer.prototype.service_actions;
    const ticks = has_actions && poll_interval <= MAX_TIMER
      ? setInterval(() => loop.wake(), poll_interval)
      : undefined;
    try {
      for (let turn = 1; !loop.stopping; turn++) {
        if (!this.#crowded) this.#intake.ask();
        if (!this.#intake.ready) await loop.wait();
        if (loop.stopping) break;
        loop.enter();
        const handled = done(this.#handle_arrival(loop));
        if (handled) await handled;
        if (has_actions) await this.#service_actions();
        loop.leave();
        if (turn % FAIR_TURNS === 0) await setImmediate();
      }
    } finally {
      clearInterval(ticks);
    }
  }

  async #service_actions(): Promise<void> {
    try {
      await this.service_actions();
    } catch (error) {
      await this.#report(error, null);
    }
  }

  /** Whether so many requests are under way that no more are taken for the moment. */
  get #crowded(): boolean {
    return this.#exchanges.size >= this._max_taken;
  }

  #arrived(): void {
    this.#loop?.wake();
    if (this.#closing) this.#drop_arrival();
  }

  async #arrives_in_time(loop: ServeLoop): Promise<boolean> {
    this.#intake.ask();
    let in_time = true;
    const clock = set_timer(this.timeout, () => {
      in_time = false;
      loop.wake();
    });
    while (!this.#intake.ready && in_time && !loop.stopping) await loop.wait();
    clearTimeout(clock);
    if (loop.stopping || this.#intake.ready) return !loop.stopping;
    await this.handle_timeout();
    return false;
  }

  /** Handles what has come, if anything: it is done when {@linkcode done} is. */
  #handle_arrival(loop: ServeLoop): Exchange<Request, Address> | Promise<void> | undefined {
    const arrival = this.#intake.take();
    if (!arrival) return undefined;
    if (arrival instanceof AcceptFailure) return this.#handle_accept_error(arrival.error, loop);
    this.#pauses.reset();
    const exchange = this.#open(arrival[0], arrival[1]);
    this.#accepted++;
    exchange.handled = this.#handle(exchange);
    return exchange;
  }

  async #handle_accept_error(error: unknown, loop: ServeLoop): Promise<void> {
    const kind = accept_error_class(error);
    if (kind === "stop") loop.stop();
    if (error instanceof PacketTooLong) await this.#report(error, null);
    if (kind !== "pause") return;
    if (this.#pauses.is_news()) await this.#report(error, null);
    if (!loop.stopping) await loop.pause(this.#pauses.next());
  }

  #handle(exchange: Exchange<Request, Address>): void | Promise<void> {
    try {
      const welcome = this.verify_request(exchange.request, exchange.client_address);
      if (is_pending(welcome)) return this.#handle_later(exchange, welcome);
      const processed = this.#admit(exchange, welcome);
      // What run_request() gave resolves in any case; that of an override may not, and may reject.
      if (!is_pending(processed) || processed === exchange.running) return processed;
      return this.#handle_later(exchange, true, processed);
    } catch (error) {
      return this.#hook_failed(exchange, error);
    }
  }

  /** The same where a hook must be waited for, but no longer than until the request is closed. */
  async #handle_later(
    exchange: Exchange<Request, Address>,
    welcome: boolean | Promise<boolean>,
    processed?: void | Promise<void>,
  ): Promise<void> {
    if (exchange.state === "waiting") this.#start_clock(exchange);
    try {
      if (is_pending(welcome)) {
        processed = this.#admit(exchange, await exchange.until(welcome) ?? false);
      }
      if (!is_pending(processed)) return;
      // It may throw when the request is closed already, and nobody waits for it any more.
      const failed = (error: unknown) => this.#hook_failed(exchange, error);
      await exchange.until(processed.then(undefined, failed));
    } catch (error) {
      await this.#hook_failed(exchange, error);
    } finally {
      // A request that waits for a place may wait for as long as it takes.
      if (exchange.state === "waiting") exchange.stop_clock();
    }
  }

  /** Reports what a hook threw, also after the handler had ended well; not if it was cut short. */
  async #hook_failed(exchange: Exchange<Request, Address>, error: unknown): Promise<void> {
    if (exchange.cut) return;
    exchange.outcome ??= "failed";
    await this.#report(error, exchange);
    this.#close(exchange);
  }

  /** Processes a request, or refuses it. */
  #admit(exchange: Exchange<Request, Address>, welcome: boolean): void | Promise<void> {
    if (welcome && !exchange.aborted) return this.#process(exchange);
    exchange.outcome = "refused";
    this.#close(exchange);
  }

  /** Reports what a handler threw; what one throws that was cut short is no news. */
  async #handler_failed(exchange: Exchange<Request, Address>, error: unknown): Promise<void> {
    if (exchange.outcome) return;
    exchange.outcome = "failed";
    await this.#report(error, exchange);
  }

  #process(exchange: Exchange<Request, Address>): void | Promise<void> {
    this.#processing = exchange;
    try {
      return this.process_request(exchange.request, exchange.client_address);
    } finally {
      this.#processing = undefined;
    }
  }

  /** The exchange being processed, if an override of `process_request` has wrapped its request. */
  #wrapped(request: Request): Exchange<Request, Address> | undefined {
    const exchange = this.#processing;
    if (!exchange || exchange.claimed) return undefined;
    exchange.adopt(request);
    return exchange;
  }

  #open(request: Request, client_address: Address): Exchange<Request, Address> {
    const exchange = new Exchange(request, client_address);
    this.#exchanges.add(exchange);
    return exchange;
  }

  #find(request: Request): Exchange<Request, Address> | undefined {
    const exchange = exchange_of(request);
    if (exchange) return exchange as Exchange<Request, Address>;
    // Requests that are not objects may be equal: any of those that wait is the one.
    for (const candidate of this.#exchanges) {
      const free = candidate.state === "waiting" && !candidate.claimed;
      if (free && Object.is(candidate.request, request)) return candidate;
    }
    return undefined;
  }

  /** Ends a request whose handler has ended, or that has none. */
  #close(exchange: Exchange<Request, Address>): void {
    if (exchange.state === "closing" || exchange.state === "closed") return;
    this.#count(exchange);
    exchange.stop_clock();
    exchange.state = "closing";
    try {
      const closed = this.shutdown_request(exchange.request);
      if (is_pending(closed)) void this.#await_close(closed, exchange);
      else this.#forget(exchange);
    } catch (error) {
      void this.#await_close(Promise.reject(error), exchange);
    }
  }

  async #await_close(
    closed: PromiseLike<void>,
    exchange: Exchange<Request, Address>,
  ): Promise<void> {
    try {
      await closed;
    } catch (error) {
      await this.#report(error, exchange);
      await this.#close_now(exchange);
    }
    this.#forget(exchange);
  }

  async #close_now(exchange: Exchange<Request, Address>): Promise<void> {
    try {
      await this.close_request(exchange.request);
    } catch (error) {
      await this.#report(error, exchange);
    }
  }

  /** Counts the request as over. */
  #count(exchange: Exchange<Request, Address>): void {
    if (exchange.state === "running") this.#active--;
    if (exchange.state === "waiting" || exchange.state === "running") {
      this.#outcomes[exchange.outcome ??= "completed"]++;
    }
  }

  #forget(exchange: Exchange<Request, Address>): void {
    this.#count(exchange);
    if (this.#crowded) this.#loop?.wake();
    this.#exchanges.delete(exchange);
    exchange.close();
  }

  /** Starts the clock of the hooks that are waited for, and then that of the handler. */
  #start_clock(exchange: Exchange<Request, Address>): void {
    exchange.stop_clock();
    exchange.clock = set_timer(this.request_timeout, () => void this.#time_out(exchange));
  }

  async #time_out(exchange: Exchange<Request, Address>): Promise<void> {
    const message = `The request took longer than request_timeout = ${this.request_timeout} ms`;
    const error = new Deno.errors.TimedOut(message);
    exchange.outcome = "timed_out";
    exchange.abort(error);
    void this.#report(error, exchange);
    await this.#force(exchange);
  }

  /** Closes a request that goes on for too long, and gives it up where that is not enough. */
  async #force(exchange: Exchange<Request, Address>): Promise<void> {
    const force = setTimeout(() => this.#give_up(exchange), GIVE_UP);
    void (exchange.state === "running" ? this.#cut(exchange) : this.#end_early(exchange));
    await exchange.closed;
    clearTimeout(force);
  }

  /** Ends a request for which no handler runs. */
  async #end_early(exchange: Exchange<Request, Address>): Promise<void> {
    await this.#cut(exchange);
    this.#forget(exchange);
  }

  /** Closes a request whose handler is still at work. */
  async #cut(exchange: Exchange<Request, Address>): Promise<void> {
    exchange.outcome ??= "failed";
    exchange.cut = exchange.claimed = true;
    await this.#close_now(exchange);
  }

  /** Ends a request although its handler goes on. */
  #give_up(exchange: Exchange<Request, Address>): void {
    if (exchange.state === "closed") return;
    this._abandon_request(exchange.request);
    this.#forget(exchange);
  }

  /** Moves the deadline of `server_close()` nearer, never farther. */
  #hasten(grace: number): void {
    const at = performance.now() + grace;
    if (at >= this.#overdue_at) return;
    this.#overdue_at = at;
    clearTimeout(this.#overdue_timer);
    this.#overdue_timer = set_timer(grace, () => this.#overdue.resolve());
    if (!this._waits_on_close && this.#overdue_timer) Deno.unrefTimer(this.#overdue_timer);
  }

  async #close_server(): Promise<CloseResult> {
    this.#loop?.stop();
    this.#drop_arrival();
    await this._stop_listening();
    const over = this.#drain().finally(() => this.#end());
    return this._waits_on_close ? await over : { drained: 0, aborted: 0 };
  }

  async #drain(): Promise<CloseResult> {
    const exchanges = [...this.#exchanges];
    const active = exchanges.filter(({ state }) => state === "waiting" || state === "running");
    const reason = new DOMException("The server is closing", "AbortError");
    for (const exchange of active) {
      exchange.abort(reason);
      if (exchange.state === "running") this._interrupt_request(exchange.request);
      else void this.#end_early(exchange);
    }
    const ended = Promise.all(exchanges.map(({ closed }) => closed));
    await Promise.race([ended, this.#overdue.promise]);
    // All at once: one that is cut must not wait for another, nor die with it and count as drained.
    const late = exchanges.filter(({ state }) => state !== "closed");
    for (const exchange of late) {
      void (exchange.state === "closing" ? this.#close_now(exchange) : this.#cut(exchange));
    }
    for (const exchange of late) this.#give_up(exchange);
    const aborted = active.filter(({ cut }) => cut).length;
    return { drained: active.length - aborted, aborted };
  }

  async #end(): Promise<void> {
    await this._release(this.#overdue.promise);
    await this.socket?.close();
    clearTimeout(this.#overdue_timer);
    this.#closed = true;
  }

  /** Closes a request that came too late to be served. */
  #drop_arrival(): void {
    const arrival = this.#intake.take();
    if (!arrival || arrival instanceof AcceptFailure) return;
    const exchange = this.#open(...arrival);
    this.#accepted++;
    exchange.outcome = "refused";
    this.#close(exchange);
  }

  async #report(error: unknown, exchange: Exchange<Request, Address> | null): Promise<void> {
    try {
      await this.handle_error(exchange?.request ?? null, exchange?.client_address ?? null, error);
    } catch (fault) {
      console.error("handle_error() threw:", fault);
      console.error("while it handled:", error);
    }
  }
}

/** What must be waited for until a request is handled, or an accept error. */
function done(handled: Exchange | Promise<void> | undefined): void | Promise<void> {
  return handled instanceof Exchange ? handled.handled : handled;
}

/** The socket of a server that is bound. */
export function check_bound<T>(socket: T | undefined): T {
  if (socket) return socket;
  throw new Deno.errors.BadResource(
    "The server is not bound: call server_bind() and server_activate()",
  );
}
