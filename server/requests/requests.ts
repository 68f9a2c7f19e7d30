import { AsyncLocalStorage } from "node:async_hooks";
import { Chain } from "../../internal/runtime/chain.ts";
import { is_pending, may_fail } from "../../internal/runtime/pending.ts";
import { set_timer } from "../../internal/runtime/timer.ts";
import { is_listed } from "../address_list.ts";
import type {
  CloseResult,
  Ending,
  Outcome,
  OverflowReason,
  RefusalReason,
  ServerInfo,
  Traffic,
} from "../info.ts";
import { Ages } from "./ages.ts";
import { ClientCounts } from "./client_counts.ts";
import { DurationCounts } from "./duration_counts.ts";
import { cut_reason, Exchange, exchange_of } from "./exchange.ts";
import { type Agreed, Handshakes } from "./handshakes.ts";
import { secure_request, traffic } from "./inner_hooks.ts";
import type { Observation } from "./observation.ts";
import { Reports } from "./reports.ts";
import type { Runner } from "./runner.ts";

/** How long a request may go on after `request_timeout` before it is given up, in ms. */
const GIVE_UP = 1000;
/** How long `handle_overflow()` may take, in ms: a client that never reads must not hold its place. */
const LAST_WORD = 1000;

/** The hooks of a server that a request goes through. */
export interface RequestHooks<Request, Address> {
  request_timeout: number | null;
  max_requests_per_client: number;
  max_connection_age?: number | null;
  handshake_timeout?: number;
  allow: readonly string[] | null;
  deny: readonly string[] | null;
  [secure_request](request: Request): Promise<Agreed> | undefined;
  client_key(client_address: Address): string;
  verify_request(request: Request, address: Address): boolean | Promise<boolean>;
  process_request(request: Request, address: Address): void | Promise<void>;
  finish_request(request: Request, address: Address): void | Promise<void>;
  shutdown_request(request: Request): void | Promise<void>;
  close_request(request: Request): void | Promise<void>;
  handle_overflow(
    request: Request,
    address: Address,
    reason: OverflowReason,
  ): void | Promise<void>;
  [traffic](request: Request): Traffic | undefined;
  handle_error(
    request: Request | null,
    address: Address | null,
    error: unknown,
  ): void | Promise<void>;
}

/** The hooks that a subclass may override to hand on something else than they are given. */
type Originals = Pick<RequestHooks<never, never>, "process_request" | "finish_request">;

/** How many requests there are and were, and what became of them. */
export type RequestCounts = Pick<
  ServerInfo,
  | "active"
  | "most_active"
  | "waiting"
  | "accepted"
  | Outcome
  | "refused_by"
  | "durations"
  | "bytes_in"
  | "bytes_out"
>;

/**
 * The requests of a server, each from the moment it is taken until it is closed. It calls the server's
 * hooks in their order, and ends each request once: see `request_life.ts`.
 *
 * @typeParam Request The type of a request.
 * @typeParam Address The type of a client's address.
 */
export class Requests<Request, Address> {
  /** What is told of them. */
  readonly observation: Observation;
  /** What is printed of their errors. */
  readonly reports: Reports = new Reports();
  readonly handshakes: Handshakes;
  #hooks: RequestHooks<Request, Address>;
  #originals: Originals;
  #runner: Runner;
  #freed: () => void;
  #exchanges: Chain<Exchange<Request, Address>> = new Chain();
  /**
   * The request that an overridden hook is at work for: what the hook hands on in its place, now or after
   * an `await`, is known as the same request.
   */
  #current: AsyncLocalStorage<Exchange<Request, Address>> = new AsyncLocalStorage();
  /** Why all requests must end, once they must. */
  #must_end: DOMException | undefined;
  #counts: Record<"active" | "most_active" | "accepted" | Ending, number> = {
    active: 0,
    most_active: 0,
    accepted: 0,
    completed: 0,
    failed: 0,
    refused: 0,
    timed_out: 0,
    unsecured: 0,
  };
  #refused_by: Record<RefusalReason, number> = {
    verify: 0,
    overflow: 0,
    per_client: 0,
    denied: 0,
    closing: 0,
  };
  #durations: Record<Outcome, DurationCounts> = {
    completed: new DurationCounts(),
    failed: new DurationCounts(),
    refused: new DurationCounts(),
    timed_out: new DurationCounts(),
  };
  #traffic: Traffic = {};
  /** How many are being told so. */
  #refusing = 0;
  #clients: ClientCounts = new ClientCounts();
  #ages: Ages<Exchange<Request, Address>> = new Ages(this.#exchanges, {
    tell: (exchange, reason) => this.#tell(exchange, reason),
    cut: (exchange) => void this.#force(exchange),
  });

  /**
   * @param hooks The server.
   * @param originals The hooks that may hand on something else, as they are where nobody overrides them.
   * @param runner What runs its requests.
   * @param observation What is told of them.
   * @param freed Called when a request is over.
   */
  constructor(
    hooks: RequestHooks<Request, Address>,
    originals: Originals,
    runner: Runner,
    observation: Observation,
    freed: () => void,
  ) {
    this.#hooks = hooks;
    this.handshakes = new Handshakes(hooks, observation);
    this.#originals = originals;
    this.#runner = runner;
    this.observation = observation;
    this.#freed = freed;
  }

  /** How many requests are not closed yet. */
  get size(): number {
    return this.#exchanges.size;
  }

  get counts(): RequestCounts {
    const { unsecured, ...counts } = this.#counts;
    const { active, accepted, completed, failed, refused, timed_out } = counts;
    const begun = active + completed + failed + refused + timed_out + unsecured;
    return {
      ...counts,
      ...this.#traffic,
      waiting: accepted - begun - this.#refusing,
      refused_by: { ...this.#refused_by },
      durations: {
        completed: this.#durations.completed.durations,
        failed: this.#durations.failed.durations,
        refused: this.#durations.refused.durations,
        timed_out: this.#durations.timed_out.durations,
      },
    };
  }

  /** Takes a request that has come, or that a hook makes of one that has; `at` is when, by `performance.now()`. */
  take(
    request: Request,
    client_address: Address,
    at: number = performance.now(),
  ): Exchange<Request, Address> {
    this.#counts.accepted++;
    const exchange = new Exchange(request, client_address, at);
    exchange.handshakes = this.handshakes;
    this.#exchanges.add(exchange);
    if (this.observation.is_on) this.observation.request_started(exchange, this.#counts.accepted);
    return exchange;
  }

  /** Closes a request that is taken and will not be served. */
  turn_away(exchange: Exchange<Request, Address>, reason: RefusalReason): void {
    exchange.refuse(reason);
    this.#end(exchange);
  }

  /** Ends a request that was accepted, but that an override of `get_request()` has spoilt. */
  async fail([request, client_address]: [Request, Address], error: unknown): Promise<void> {
    await this.#hook_failed(this.take(request, client_address), error);
  }

  /** Verifies and processes a request; what is returned is done before the next one is taken. */
  handle(exchange: Exchange<Request, Address>): void | Promise<void> {
    try {
      if (!this.#lets_in(exchange)) return;
      const welcome = this.#hooks.verify_request(exchange.request, exchange.client_address);
      if (is_pending(welcome)) return this.#handle_later(exchange, welcome);
      const processed = this.#admit(exchange, welcome);
      // Its run ends in any case; what an override gave may not, and may reject.
      if (is_pending(processed) && processed !== exchange.running) {
        return this.#handle_later(exchange, true, processed);
      }
      this.#processed(exchange);
      return processed;
    } catch (error) {
      return this.#hook_failed(exchange, error);
    }
  }

  /** Whether a request is looked at: its client may be on a list, or have too many under way. */
  #lets_in(exchange: Exchange<Request, Address>): boolean {
    const { allow, deny, max_requests_per_client: max } = this.#hooks;
    const { client_address } = exchange;
    if ((deny && is_listed(client_address, deny)) || (allow && !is_listed(client_address, allow))) {
      exchange.refuse("denied");
      void this.#cut(exchange);
      return false;
    }
    if (max === Infinity) return true;
    const key = this.#hooks.client_key(client_address);
    if (typeof key !== "string") {
      if (is_pending(key)) may_fail(Promise.resolve(key));
      throw new TypeError(`client_key() must give a string: ${Deno.inspect(key)}`);
    }
    const has_room = this.#clients.enter(key, max);
    if (has_room) exchange.client_key = key;
    else void this.#refuse(exchange, "per_client");
    return has_room;
  }

  /** What `process_request()` does unless it is overridden. */
  process(request: Request, client_address: Address): void | Promise<void> {
    return this.#process(this.#claim(request, client_address));
  }

  #process(exchange: Exchange<Request, Address>): void | Promise<void> {
    // An override may hand it on when its time is over: there is nobody to refuse any more.
    if (exchange.over) return;
    const processed = this.#runner.run(
      exchange,
      (finish) => this.#run(exchange, finish, finish !== undefined),
    );
    if (processed === false) void this.#refuse(exchange, "overflow");
    else return processed;
  }

  /** What `run_request()` does. */
  run(
    request: Request,
    client_address: Address,
    finish?: () => void | Promise<void>,
  ): Promise<void> {
    const exchange = this.#claim(request, client_address);
    return this.#run(exchange, finish) ? exchange.running : Promise.resolve();
  }

  /**
   * To be called before a handler is made. A handler that is given another object has the signal of the
   * request, too; and an override of `process_request()` may run it by itself.
   */
  finishing(request: Request): void {
    if (!this.#is_processed_by_override && !this.#is_finished_by_override) return;
    const is_new = request instanceof Object && exchange_of(request) === undefined;
    if (is_new) this.#current.getStore()?.alias(request);
    this.#find(request)?.moves("claim");
  }

  /** What `close_request()` does: only an override of `process_request()` ends a request so. */
  closed_by_hook(request: Request): void {
    const exchange = this.#find(request);
    if (!exchange) return;
    this.#runner.cut(exchange);
    if (exchange.state === "arrived" || exchange.state === "waiting") this.#forget(exchange);
  }

  /** Reports an error of a request, or of none. Never rejects. */
  async report(error: unknown, exchange: Exchange<Request, Address> | null): Promise<void> {
    try {
      const { request, client_address } = exchange ?? { request: null, client_address: null };
      await this.#hooks.handle_error(request, client_address, error);
    } catch (fault) {
      this.reports.add_failure(fault, error);
    }
  }

  /** Tells all requests being handled that they must end; others are told when their handler begins. */
  tell(): void {
    this.#must_end = new DOMException("The server is closing", "AbortError");
    this.#ages.end();
    for (const exchange of this.#exchanges) {
      if (exchange.started && exchange.state !== "closing") this.#tell(exchange, this.#must_end);
    }
  }

  #tell(exchange: Exchange<Request, Address>, reason: Error): void {
    exchange.abort(reason);
    this.#runner.interrupt(exchange);
  }

  /** Ends a request that has not begun. */
  #drop(exchange: Exchange<Request, Address>): void {
    exchange.abort(this.#must_end);
    void this.#cut(exchange);
  }

  /**
   * Tells all requests under way that they must end, unless they were told, and waits until they have, but no longer than
   * until `overdue` resolves: then it cuts what is left.
   */
  async drain(overdue: Promise<void>): Promise<CloseResult> {
    const exchanges = [...this.#exchanges];
    const active = exchanges.filter(({ state }) => state !== "closing");
    if (!this.#must_end) {
      this.tell();
      for (const exchange of active) if (!exchange.started) this.#drop(exchange);
    }
    const ended = Promise.all(exchanges.map(({ closed }) => closed));
    await Promise.race([ended, overdue]);
    // All at once: one that is cut must not wait for another, nor die with it and count as drained.
    const late = exchanges.filter(({ state }) => state !== "closed");
    for (const exchange of late) void this.#cut(exchange);
    for (const exchange of late) this.#give_up(exchange);
    const aborted = active.filter(({ cut }) => cut).length;
    return { drained: active.length - aborted, aborted };
  }

  /** The exchange of a request: its own, or that of the hook at work if it is no object. */
  #find(request: Request): Exchange<Request, Address> | undefined {
    const exchange = exchange_of(request) as Exchange<Request, Address> | undefined;
    if (exchange) return exchange;
    const current = this.#current.getStore();
    return current && Object.is(current.request, request) ? current : undefined;
  }

  /** The exchange of a request that the caller is going to run. */
  #claim(request: Request, client_address: Address): Exchange<Request, Address> {
    const exchange = this.#find(request) ?? this.#wrapped(request) ??
      this.take(request, client_address);
    exchange.moves("claim");
    return exchange;
  }

  /** The exchange being processed, if an override of `process_request()` has wrapped its request. */
  #wrapped(request: Request): Exchange<Request, Address> | undefined {
    const exchange = this.#current.getStore();
    if (exchange?.state === "arrived") exchange.replace(request);
    // Any but the first is another request; but where the first came too late, all of them do.
    else if (!exchange?.is_too_late) return undefined;
    return exchange;
  }

  /** The same as `handle()` where a hook must be waited for, but no longer than the request lives. */
  async #handle_later(
    exchange: Exchange<Request, Address>,
    welcome: boolean | Promise<boolean>,
    processed?: void | Promise<void>,
  ): Promise<void> {
    if (!exchange.started) this.#start_clock(exchange);
    try {
      if (is_pending(welcome)) {
        processed = this.#admit(exchange, await exchange.until(welcome) ?? false);
      }
      if (is_pending(processed)) {
        // It may throw when the request is closed already, and nobody waits for it any more.
        const failed = (error: unknown) => this.#hook_failed(exchange, error);
        await exchange.until(processed.then(undefined, failed));
      }
      this.#processed(exchange);
    } catch (error) {
      await this.#hook_failed(exchange, error);
    } finally {
      // A request that waits for a place may wait for as long as it takes.
      if (!exchange.started) exchange.stop_clock();
    }
  }

  /** Processes a request, or refuses it. */
  #admit(exchange: Exchange<Request, Address>, welcome: boolean): void | Promise<void> {
    if (exchange.aborted) return this.turn_away(exchange, "closing");
    if (!welcome) return this.turn_away(exchange, "verify");
    if (!this.#is_processed_by_override) {
      exchange.moves("claim");
      return this.#process(exchange);
    }
    const { request, client_address } = exchange;
    return this.#current.run(exchange, () => this.#hooks.process_request(request, client_address));
  }

  /** `process_request()` is done: what nobody has undertaken to run by now was dropped. */
  #processed(exchange: Exchange<Request, Address>): void {
    if (exchange.state === "arrived") this.turn_away(exchange, "verify");
  }

  /** Runs the handler, and all that follows; nothing, if the request is over by now. Gives whether it goes on. */
  #run(
    exchange: Exchange<Request, Address>,
    finish?: () => void | Promise<void>,
    is_elsewhere = false,
  ): boolean {
    if (!exchange.moves("start")) return false;
    const { most_active } = this.#counts;
    if (++this.#counts.active > most_active) this.#counts.most_active = this.#counts.active;
    if (exchange.id > 0) this.observation.request_runs(exchange);
    this.#start_clock(exchange);
    const { max_connection_age: max_age = null } = this.#hooks;
    if (this.#must_end) this.#tell(exchange, this.#must_end);
    else if (max_age !== null) this.#ages.begin(exchange, max_age);
    try {
      const secured = is_elsewhere ? undefined : this.#secure(exchange);
      const finished = secured
        ? secured.then(() => exchange.over ? undefined : this.#handle(exchange, finish))
        : this.#handle(exchange, finish);
      if (is_pending(finished)) {
        finished.then(() => this.#ran(exchange), (error) => this.#fail_run(exchange, error));
        return true;
      }
      this.#ran(exchange);
      return false;
    } catch (error) {
      void this.#fail_run(exchange, error);
      return true;
    }
  }

  /** The handler has ended. */
  #ran(exchange: Exchange<Request, Address>): void {
    this.#end(exchange);
    exchange.ran();
  }

  async #fail_run(exchange: Exchange<Request, Address>, error: unknown): Promise<void> {
    await this.#handler_failed(exchange, error);
    this.#ran(exchange);
  }

  /** Begins TLS with its client, where the server speaks it; resolves when that is done. */
  #secure(exchange: Exchange<Request, Address>): Promise<void> | undefined {
    const secured = this.#hooks[secure_request](exchange.request);
    if (!secured) return undefined;
    this.securing(exchange);
    return secured.then((agreed) => this.secured(exchange, agreed));
  }

  /** The handshake begins with which a request begins, here or elsewhere. */
  securing(exchange: Exchange<Request, Address>): void {
    this.handshakes.begun(exchange, "first");
    this.#start_clock(exchange, this.handshakes.timeout);
  }

  /** It ended well: the clock of the handler starts, once, whatever a worker says. */
  secured(exchange: Exchange<Request, Address>, agreed: Agreed): void {
    if (exchange.handshake !== "first") return;
    this.handshakes.ended(exchange, { agreed });
    if (!exchange.over) this.#start_clock(exchange);
  }

  #handle(
    exchange: Exchange<Request, Address>,
    finish: (() => void | Promise<void>) | undefined,
  ): void | Promise<void> {
    return finish ? this.#call_finish(exchange, finish) : this.#finish(exchange);
  }

  /** Runs what an override has instead, which may be called on behalf of another request. */
  #call_finish(
    exchange: Exchange<Request, Address>,
    finish: () => void | Promise<void>,
  ): void | Promise<void> {
    return this.#is_processed_by_override ? this.#current.run(exchange, finish) : finish();
  }

  #finish(exchange: Exchange<Request, Address>): void | Promise<void> {
    const { request, client_address } = exchange;
    if (!this.#is_finished_by_override) return this.#hooks.finish_request(request, client_address);
    return this.#current.run(exchange, () => this.#hooks.finish_request(request, client_address));
  }

  get #is_processed_by_override(): boolean {
    return this.#hooks.process_request !== this.#originals.process_request as unknown;
  }

  get #is_finished_by_override(): boolean {
    return this.#hooks.finish_request !== this.#originals.finish_request as unknown;
  }

  /** Reports what a handler threw, unless it was cut short or only says that it was told to end. */
  async #handler_failed(exchange: Exchange<Request, Address>, error: unknown): Promise<void> {
    if (exchange.outcome) return;
    exchange.outcome = failure_of(exchange);
    exchange.error = error;
    if (exchange.handshake) this.handshakes.ended(exchange, { error });
    if (!exchange.is_told_by(error)) await this.report(error, exchange);
  }

  /** Reports what a hook threw, also after the handler had ended well; not if it was cut short. */
  async #hook_failed(exchange: Exchange<Request, Address>, error: unknown): Promise<void> {
    if (exchange.cut) return;
    exchange.outcome ??= "failed";
    exchange.error ??= error;
    // What handle_error() does has its time, too; where the handler goes on, the same.
    if (!exchange.over && !exchange.started) this.#start_clock(exchange);
    await exchange.until(this.report(error, exchange));
    this.#end(exchange);
  }

  /** Refuses a request for which there is no room. */
  async #refuse(exchange: Exchange<Request, Address>, reason: OverflowReason): Promise<void> {
    const { request, client_address } = exchange;
    exchange.refuse(reason);
    this.#refusing++;
    const clock = setTimeout(() => void this.#force(exchange), LAST_WORD);
    try {
      const said = this.#hooks.handle_overflow(request, client_address, reason);
      if (is_pending(said)) await exchange.until(said);
    } catch (error) {
      if (!exchange.cut) await this.report(error, exchange);
    }
    clearTimeout(clock);
    this.#end(exchange);
  }

  /** Starts the clock of the hooks that are waited for, and then that of the handler, `before` which something comes. */
  #start_clock(exchange: Exchange<Request, Address>, before = 0): void {
    exchange.stop_clock();
    const { request_timeout: limit } = this.#hooks;
    const delay = limit === null ? null : before + limit;
    exchange.clock = set_timer(delay, () => void this.#time_out(exchange, limit));
  }

  async #time_out(exchange: Exchange<Request, Address>, limit: number | null): Promise<void> {
    const message = `The request took longer than request_timeout = ${limit} ms`;
    const error = new Deno.errors.TimedOut(message);
    exchange.outcome = "timed_out";
    exchange.error = error;
    exchange.abort(error);
    void this.report(error, exchange);
    await this.#force(exchange);
  }

  /** Cuts a request that goes on for too long, and gives it up if that is not enough. */
  async #force(exchange: Exchange<Request, Address>): Promise<void> {
    const force = setTimeout(() => this.#give_up(exchange), GIVE_UP);
    void this.#cut(exchange);
    await exchange.closed;
    clearTimeout(force);
  }

  /** Closes a request at once. Where a handler is at work, it is over when that has ended. */
  async #cut(exchange: Exchange<Request, Address>): Promise<void> {
    if (exchange.moves("cut") && !exchange.outcome) {
      exchange.outcome = failure_of(exchange);
      exchange.error = cut_reason(exchange);
    }
    this.#runner.cut(exchange);
    await this.#close_now(exchange);
    if (!exchange.started) this.#forget(exchange);
  }

  /** Ends a request although its handler goes on. */
  #give_up(exchange: Exchange<Request, Address>): void {
    if (exchange.state === "closed") return;
    this.#runner.abandon(exchange);
    this.#forget(exchange);
  }

  /** Ends a request whose handler has ended, or that has none. */
  #end(exchange: Exchange<Request, Address>): void {
    if (!exchange.moves("end")) return;
    this.#count(exchange);
    exchange.stop_clock();
    try {
      const closed = this.#hooks.shutdown_request(exchange.request);
      if (is_pending(closed)) void this.#await_end(closed, exchange);
      else this.#forget(exchange);
    } catch (error) {
      void this.#await_end(Promise.reject(error), exchange);
    }
  }

  async #await_end(
    closed: PromiseLike<void>,
    exchange: Exchange<Request, Address>,
  ): Promise<void> {
    try {
      await closed;
    } catch (error) {
      await this.report(error, exchange);
      await this.#close_now(exchange);
    }
    this.#forget(exchange);
  }

  async #close_now(exchange: Exchange<Request, Address>): Promise<void> {
    try {
      await this.#hooks.close_request(exchange.request);
    } catch (error) {
      await this.report(error, exchange);
    }
  }

  #forget(exchange: Exchange<Request, Address>): void {
    const counted = exchange.state === "closing";
    if (!exchange.moves("close")) return;
    this.#exchanges.delete(exchange);
    // Who is told of it may close the server: it must be gone by then.
    if (!counted) this.#count(exchange);
    exchange.close();
    this.#freed();
  }

  /** Counts a request as over. */
  #count(exchange: Exchange<Request, Address>): void {
    if (exchange.started) this.#counts.active--;
    if (exchange.handshake) this.handshakes.ended(exchange, { error: cut_reason(exchange) });
    const outcome = exchange.outcome ??= "completed";
    const { refusal } = exchange;
    this.#counts[outcome]++;
    if (outcome === "refused") this.#refused_by[refusal!]++;
    if (refusal === "overflow" || refusal === "per_client") this.#refusing--;
    if (exchange.client_key !== undefined) this.#clients.leave(exchange.client_key);
    const duration = performance.now() - exchange.taken_at;
    if (outcome !== "unsecured") this.#durations[outcome].add(duration);
    const traffic = this.#traffic_of(exchange);
    if (exchange.id > 0) this.observation.request_stopped(exchange, duration, traffic);
  }

  /** How many bytes a request was, which are counted. */
  #traffic_of({ job, request }: Exchange<Request, Address>): Traffic | undefined {
    const { bytes_in, bytes_out } = job ?? {};
    const known = bytes_in !== undefined && bytes_out !== undefined
      ? { bytes_in, bytes_out }
      : this.#hooks[traffic](request);
    const sum = this.#traffic;
    if (known?.bytes_in !== undefined) sum.bytes_in = (sum.bytes_in ?? 0) + known.bytes_in;
    if (known?.bytes_out !== undefined) sum.bytes_out = (sum.bytes_out ?? 0) + known.bytes_out;
    return known;
  }
}

/** What a request is that has failed: none, if its client was not secured yet. */
function failure_of({ handshake }: Exchange): Ending {
  return handshake === "first" ? "unsecured" : "failed";
}
