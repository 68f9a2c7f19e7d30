import type { Link } from "../../internal/runtime/chain.ts";
import { is_instance } from "../../internal/runtime/error_names.ts";
import type { Scope } from "../../internal/workers/sharing.ts";
import type { Ending, RefusalReason, Traffic } from "../info.ts";
import type { HandshakeWatch } from "./handshakes.ts";
import { note_of, set_note } from "./note.ts";
import { next_state, type RequestEvent, type RequestState } from "./request_life.ts";

/** A request that runs elsewhere. */
export interface Elsewhere extends Traffic {
  /** The number of the worker that has it, or had it. */
  worker?: number | undefined;
  /** Its number there, in the worker that has it. */
  readonly id?: number;
}

/**
 * One request, from the moment it is taken until it is closed, and what ends it before its time.
 *
 * @typeParam Request The type of the request.
 * @typeParam Address The type of the client's address.
 */
export class Exchange<Request = unknown, Address = unknown> implements Link {
  before: this | undefined;
  after: this | undefined;
  request: Request;
  readonly client_address: Address;
  /** When it was taken, on the clock of `performance.now()`; 0 in a worker, where nobody asks. */
  readonly taken_at: number;
  state: RequestState = "arrived";
  /** Whether its handler was begun. */
  started = false;
  /** Whether it was closed before its handler had ended. */
  cut = false;
  outcome: Ending | undefined;
  /** Its number, where its start was told; else 0. */
  id = 0;
  /** When its handler was begun, on the same clock; only where that is told. */
  begun_at: number | undefined;
  /** What it failed with. */
  error: unknown;
  /** The trace that it belongs to, as an observer has said. */
  traceparent: string | undefined;
  /** Why it is refused, if it is. */
  refusal: RefusalReason | undefined;
  /** What it is counted under, where requests of a client are counted. */
  client_key: string | undefined;
  /** When it must come to an end, and then when it is cut, in ms; `undefined` where its age is no matter. */
  ends_at: number | undefined;
  /** Whether the request was told to end. */
  aborted = false;
  /** Why it was. */
  reason: unknown;
  /** What its runner knows it as, if it runs elsewhere. */
  job: Elsewhere | undefined;
  /** What its handler waits for and holds, if it runs here. */
  scope: Scope | undefined;
  /** The TLS handshake that is under way: that with which it begins, or one that its handler has asked for. */
  handshake: "first" | "later" | undefined;
  /** When that began, on the clock of `performance.now()`. */
  handshake_at = 0;
  /** Told of handshakes, where it is handled. */
  handshakes: HandshakeWatch | undefined;
  /** What ends it when it takes too long. */
  clock: ReturnType<typeof setTimeout> | undefined;
  /** Whether the client was there when the request was told to end. */
  #has_client = true;
  #has_run = false;
  /** Called when its run is over. */
  #run_watchers: (() => void)[] | undefined;
  #running: Promise<void> | undefined;
  /** Called when the request is closed. */
  #watchers: (() => void)[] | undefined;
  #controller: AbortController | undefined;
  /** What stands for the request beside itself: objects that wrap it, or that it wraps. */
  #aliases: Request[] | undefined;

  constructor(request: Request, client_address: Address, taken_at = 0) {
    this.request = request;
    this.client_address = client_address;
    this.taken_at = taken_at;
    this.#list(request);
  }

  /** Takes note of what happens; `false` if that changes nothing. */
  moves(event: RequestEvent): boolean {
    const next = next_state(this.state, event);
    if (next === undefined) return false;
    if (next === "running") this.started = true;
    if (next === "cut") this.cut = true;
    this.state = next;
    return true;
  }

  /** Says why it is not served. */
  refuse(reason: RefusalReason): void {
    this.outcome = "refused";
    this.refusal = reason;
  }

  /** Whether nothing must be begun for it any more. */
  get over(): boolean {
    return this.cut || this.state === "closing" || this.state === "closed";
  }

  /** Whether nothing was begun for it when it was over, or not all. */
  get is_too_late(): boolean {
    return this.over && (this.cut || !this.started);
  }

  /** Takes another object for the request, too: one that wraps it. */
  alias(request: Request): void {
    // Nobody would take it off the list again.
    if (this.state === "closed") return;
    (this.#aliases ??= []).push(request);
    this.#list(request);
  }

  /** Replaces the request by another, which wraps it. */
  replace(request: Request): void {
    this.alias(this.request);
    this.request = request;
    this.#list(request);
  }

  /** Resolves when the request is closed. */
  get closed(): Promise<void> {
    return new Promise((resolve) => this.on_close(resolve));
  }

  /**
   * Waits for a step of the request, but no longer than until the request is closed: a hook or a
   * handler that never ends must not hold up what comes after.
   *
   * @returns What the step gave, `undefined` if the request was closed before.
   */
  until<T>(step: PromiseLike<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.on_close(() => resolve(undefined));
      step.then(resolve, reject);
    });
  }

  /** Aborts when the request must end. Made at the first use: most handlers never look. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.aborted) this.#controller.abort(this.reason);
    return this.#controller.signal;
  }

  /** Tells the handler, through its signal, that the request must end. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#controller?.abort(reason);
  }

  /** The same because the client is gone: that was not told by the server. */
  client_gone(reason: unknown): void {
    if (this.aborted) return;
    this.#has_client = false;
    this.abort(reason);
  }

  /** Whether an error only says that the server has told the request to end, as the reason itself does. */
  is_told_by(error: unknown): boolean {
    const { reason } = this;
    if (!this.aborted || !this.#has_client || !is_instance(reason, Error)) return false;
    // What comes from a worker is a copy.
    return is_instance(error, Error) && error.name === reason.name &&
      error.message === reason.message;
  }

  stop_clock(): void {
    if (this.clock !== undefined) clearTimeout(this.clock);
    this.clock = undefined;
  }

  /** Its run, which ends when the request is closed at the latest. Made at the first use. */
  get running(): Promise<void> {
    return this.#running ??= new Promise((resolve) => this.on_ran(resolve));
  }

  /** Calls a function when its run is over: when the request is closed at the latest. */
  on_ran(watch: () => void): void {
    if (this.#has_run) watch();
    else if (this.#run_watchers) this.#run_watchers.push(watch);
    else this.#run_watchers = [watch];
  }

  /** To be called when its run is over. */
  ran(): void {
    this.#has_run = true;
    const watchers = this.#run_watchers;
    this.#run_watchers = undefined;
    if (watchers) { for (const watch of watchers) watch(); }
  }

  /** Calls a function when the request is closed. */
  on_close(watch: () => void): void {
    if (this.state === "closed") watch();
    else if (this.#watchers) this.#watchers.push(watch);
    else this.#watchers = [watch];
  }

  /** To be called when it has become closed. */
  close(): void {
    this.state = "closed";
    this.stop_clock();
    this.#unlist(this.request);
    if (this.#aliases) { for (const alias of this.#aliases) this.#unlist(alias); }
    // A handler that never ends must not hold up others once its request is given up.
    this.ran();
    const watchers = this.#watchers;
    this.#watchers = undefined;
    if (watchers) { for (const watch of watchers) watch(); }
  }

  #list(request: Request): void {
    if (typeof request === "object" && request !== null) set_note(request, this);
  }

  /** The same object may be a request again, before this one is closed. */
  #unlist(request: Request): void {
    if (note_of(request) === this) set_note(request as object, undefined);
  }
}

/** The exchange of a request under way that is an object; `undefined` for any other. */
export function exchange_of(request: unknown): Exchange | undefined {
  return note_of(request) as Exchange | undefined;
}

/** Why a request is cut: some are without having been told to end before. */
export function cut_reason({ reason }: Exchange): unknown {
  return reason ?? new DOMException("The request is closed", "AbortError");
}
