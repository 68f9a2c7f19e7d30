import { setImmediate } from "node:timers/promises";
import { Backoff } from "../../internal/runtime/backoff.ts";
import { is_instance } from "../../internal/runtime/error_names.ts";
import { is_pending } from "../../internal/runtime/pending.ts";
import { MAX_TIMER, set_timer } from "../../internal/runtime/timer.ts";
import { AcceptRate } from "./accept_rate.ts";
import { accept_error_class, type AcceptErrorClass, DroppedDatagram } from "./accept_errors.ts";
import { AcceptFailure, Intake } from "./intake.ts";
import type { Requests } from "./requests.ts";
import { ServeLoop } from "./serve_loop.ts";

/** After so many requests in a row the event loop gets a turn, however quickly they come. */
const FAIR_TURNS = 64;
/** When descriptors ran out, accepting pauses for so long, in ms, and twice as long each time. */
const MIN_PAUSE = 5;
/** The longest pause, in ms. */
const MAX_PAUSE = 1000;

/** What a listener tells, and can be told, besides its requests. */
interface TakenFrom {
  readonly closed: boolean;
  ref(): void;
  unref(): void;
  suspend(): void;
  resume(): void;
  pace(per_second: number): void;
}

/** What serving needs of a server. */
export interface ServingHooks<Request, Address> {
  timeout: number | null;
  max_accepts_per_second: number;
  /** What requests are taken from, if there is such a thing. */
  socket: Partial<TakenFrom> | undefined;
  get_request(): [Request, Address] | Promise<[Request, Address]>;
  handle_timeout(): void | Promise<void>;
  service_actions(): void | Promise<void>;
}

/**
 * Takes requests while the server serves: the accept loop, one call of it after the other.
 *
 * @typeParam Request The type of a request.
 * @typeParam Address The type of a client's address.
 */
export class Serving<Request, Address> {
  #hooks: ServingHooks<Request, Address>;
  #requests: Requests<Request, Address>;
  #is_full: (taken: number) => boolean;
  #loop: ServeLoop | undefined;
  #pauses: Backoff = new Backoff(MIN_PAUSE, MAX_PAUSE);
  #rate: AcceptRate = new AcceptRate();
  #suspended = false;
  #closed = false;
  /** Whether requests were ever taken. */
  #has_run = false;
  /** Whether what is left is taken, which nothing holds up. */
  #runs_out = false;
  #intake: Intake<Request, Address> = new Intake(
    () => this.#hooks.get_request(),
    () => this.#arrived(),
  );

  /**
   * @param hooks The server.
   * @param requests Where its requests are handled.
   * @param is_full Whether no more are taken while so many are under way.
   */
  constructor(
    hooks: ServingHooks<Request, Address>,
    requests: Requests<Request, Address>,
    is_full: (taken: number) => boolean,
  ) {
    this.#hooks = hooks;
    this.#requests = requests;
    this.#is_full = is_full;
  }

  /** Whether a call is under way that takes requests, or none any more. */
  get state(): "idle" | "serving" | "stopping" {
    if (!this.#loop) return "idle";
    return this.#loop.stopping ? "stopping" : "serving";
  }

  /** Whether no request is taken until {@linkcode resume}. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /** Takes no request, although it serves. */
  suspend(): void {
    this.#suspended = true;
    this.#socket.suspend?.();
  }

  /** Goes on. */
  resume(): void {
    this.#suspended = false;
    this.#socket.resume?.();
    this.#loop?.wake();
  }

  /** The server's settings have changed. */
  configured(): void {
    this.#socket.pace?.(this.#hooks.max_accepts_per_second);
    this.#loop?.wake();
  }

  /** Takes note of a request that was accepted: see {@linkcode Intake}. */
  accepted(pair: [Request, Address]): [Request, Address] {
    this.#intake.accepted(pair);
    if (this.#closed) this.#drop_accepted();
    return pair;
  }

  /** A request is over: there may be room for the next one. */
  freed(): void {
    if (this.#is_full(this.#requests.size + 1)) this.#loop?.wake();
  }

  /** Ends the call under way; resolves when no further request will be taken. */
  async stop(): Promise<void> {
    this.#loop?.stop();
    await this.#loop?.quiet;
  }

  /** Ends the call under way, and closes what comes from now on. */
  close(): void {
    this.#closed = true;
    this.#loop?.stop();
    this.#drop_arrival();
    this.#drop_accepted();
  }

  /** Takes what is left, of a socket that accepts no more and says when that is all. */
  async run_out(): Promise<void> {
    if (!this.#has_run) return;
    this.#runs_out = true;
    if (!this.#loop?.stopping) await this.#loop?.ended;
    await this.run(() => {}, (loop) => this.serve(loop, Infinity, false));
  }

  /**
   * Runs a call that takes requests; it begins at once, or when a call that was stopped has ended.
   *
   * @param prepare What is to be done before the first request is taken.
   * @param run The call.
   * @param signal Ends it.
   * @throws {Deno.errors.Busy} If such a call is under way.
   */
  async run(
    prepare: () => void | Promise<void>,
    run: (loop: ServeLoop) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    const previous = this.#loop;
    if (previous && !previous.stopping) throw new Deno.errors.Busy("The server is serving already");
    const loop = new ServeLoop();
    const stop = () => loop.stop();
    // It throws if the signal is none: nothing must have changed by then.
    signal?.addEventListener("abort", stop);
    this.#loop = loop;
    try {
      loop.enter();
      await previous?.ended;
      if (!loop.stopping) await prepare();
      this.#has_run = true;
      loop.leave();
      this.configured();
      if (this.#suspended && !this.#runs_out) this.#socket.suspend?.();
      this.#socket.ref?.();
      if (!loop.stopping) await run(loop);
    } finally {
      this.#socket.unref?.();
      signal?.removeEventListener("abort", stop);
      loop.end();
      if (this.#loop === loop) this.#loop = undefined;
    }
  }

  /** Takes requests until the loop ends. */
  async serve(loop: ServeLoop, poll_interval: number, has_actions: boolean): Promise<void> {
    const ticks = has_actions && poll_interval <= MAX_TIMER
      ? setInterval(() => loop.wake(), poll_interval)
      : undefined;
    // What came at once is taken at one time: to read the clock costs a good part of what a datagram does.
    let taken_at: number | undefined;
    try {
      for (let turn = 1; !loop.stopping; turn++) {
        const delay = this.#crowded ? this.#delay : this.#ask();
        if (delay > 0 || !this.#intake.ready) {
          await (delay > 0 ? loop.wait_for(delay) : loop.wait());
          taken_at = undefined;
        }
        if (loop.stopping) break;
        loop.enter();
        const handled = this.#handle_arrival(loop, taken_at ??= performance.now());
        if (is_pending(handled) || has_actions) {
          await handled;
          if (has_actions) await this.#service_actions();
          taken_at = undefined;
        }
        loop.leave();
        if (turn % FAIR_TURNS === 0) {
          await setImmediate();
          taken_at = undefined;
        }
      }
    } finally {
      clearInterval(ticks);
    }
  }

  /** Takes one request, if one comes in time, and handles it until it is closed or handed on. */
  async serve_one(loop: ServeLoop): Promise<void> {
    if (!await this.#arrives_in_time(loop)) return;
    loop.enter();
    const arrival = this.#intake.take();
    if (arrival instanceof AcceptFailure) {
      await this.#handle_failure(arrival, loop);
    } else if (arrival) {
      this.#rate.spend(this.#hooks.max_accepts_per_second);
      this.#pauses.reset();
      const exchange = this.#requests.take(...arrival);
      await this.#requests.handle(exchange);
      loop.leave();
      if (exchange.state === "closing") await exchange.closed;
    }
    loop.leave();
  }

  async #service_actions(): Promise<void> {
    try {
      await this.#hooks.service_actions();
    } catch (error) {
      await this.#requests.report(error, null);
    }
  }

  get #socket(): Partial<TakenFrom> {
    return this.#hooks.socket ?? {};
  }

  /** Whether so many requests are under way that no more are taken for the moment. */
  get #crowded(): boolean {
    return this.#is_full(this.#requests.size);
  }

  /**
   * For how long no request may be taken, in ms: until the server is resumed, or because as many were taken
   * as may be in a second.
   */
  get #delay(): number {
    if (this.#runs_out) return 0;
    return this.#suspended ? MAX_TIMER : this.#rate.delay(this.#hooks.max_accepts_per_second);
  }

  /** Asks for the next request, unless there is a delay, which it gives. */
  #ask(): number {
    const delay = this.#delay;
    if (delay === 0) this.#intake.ask();
    return delay;
  }

  #arrived(): void {
    this.#loop?.wake();
    if (this.#closed) this.#drop_arrival();
  }

  async #arrives_in_time(loop: ServeLoop): Promise<boolean> {
    let in_time = true;
    const clock = set_timer(this.#hooks.timeout, () => {
      in_time = false;
      loop.wake();
    });
    let delay = this.#ask();
    while ((delay > 0 || !this.#intake.ready) && in_time && !loop.stopping) {
      await (delay > 0 ? loop.wait_for(delay) : loop.wait());
      delay = this.#ask();
    }
    clearTimeout(clock);
    if (loop.stopping || (delay === 0 && this.#intake.ready)) return !loop.stopping;
    await this.#hooks.handle_timeout();
    return false;
  }

  /** Handles what has come, if anything, as taken at a time. */
  #handle_arrival(loop: ServeLoop, at: number): void | Promise<void> {
    if (this.#delay > 0) return;
    const arrival = this.#intake.take();
    if (!arrival) return;
    if (arrival instanceof AcceptFailure) return this.#handle_failure(arrival, loop);
    this.#rate.spend(this.#hooks.max_accepts_per_second);
    this.#pauses.reset();
    return this.#requests.handle(this.#requests.take(arrival[0], arrival[1], at));
  }

  async #handle_failure(failure: AcceptFailure<Request, Address>, loop: ServeLoop): Promise<void> {
    const { error, accepted } = failure;
    const kind = this.#kind_of(failure);
    if (kind === "stop") loop.stop();
    if (!accepted && !this.#closed) this.#requests.observation.accept_failed(error, kind);
    if (accepted) return await this.#requests.fail(accepted, error);
    if (is_instance(error, DroppedDatagram) || (kind === "pause" && this.#pauses.is_news())) {
      // A handle_error() that never ends must not keep the loop from ending.
      await loop.until(this.#requests.report(error, null));
    }
    if (kind === "pause" && !loop.stopping) await loop.pause(this.#pauses.next());
  }

  /** What a failure means: the end only if the server's own socket is closed. */
  #kind_of({ error, accepted }: AcceptFailure): AcceptErrorClass {
    const { closed } = this.#socket;
    if (closed === true) return "stop";
    const kind = accept_error_class(error);
    // A socket that does not tell, as one of the program's own: its error must tell.
    return kind === "stop" && (closed === false || accepted) ? "pause" : kind;
  }

  /** Closes a request that came too late to be served. */
  #drop_arrival(): void {
    const arrival = this.#intake.take();
    const late = arrival instanceof AcceptFailure ? arrival.accepted : arrival;
    if (late) this.#requests.turn_away(this.#requests.take(...late), "closing");
  }

  /** Closes what an override of `get_request()` is still at work on: it may wait for the client for ever. */
  #drop_accepted(): void {
    const late = this.#intake.withdraw();
    if (late) this.#requests.turn_away(this.#requests.take(...late), "closing");
  }
}
