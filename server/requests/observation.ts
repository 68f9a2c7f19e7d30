import { class_name_of } from "../../internal/runtime/class_name.ts";
import { error_type_of, names_of } from "../../internal/runtime/error_names.ts";
import { ToldObserver } from "../../internal/runtime/told_observer.ts";
import type { ServerEvent, ServerObserver } from "../events.ts";
import type { CloseResult, Traffic } from "../info.ts";
import type { Exchange } from "./exchange.ts";
import type { HandshakeEnd } from "./handshakes.ts";

/** What happens, without when and where. */
export type Happening = Without<ServerEvent>;

/** Each of a union of events without that. */
type Without<E> = E extends ServerEvent ? Omit<E, "time" | "server"> : never;

/** Who may be observed. */
interface Observed {
  readonly server_address: unknown;
  observer?: ServerObserver | null;
}

/** Hears what happens beside the observer, as the page of a monitor does. */
export interface Watcher {
  /** Something happens; of what failed, with the error. */
  heard(event: ServerEvent, error?: unknown): void;
  /** The server is closed, whether it has ever taken requests or not. */
  closed(): void;
}

/** Tells the observer of a server what happens, if there is one: without one nothing is made. */
export class Observation {
  #server: Observed;
  #name: string;
  /** When it began to take requests, on the clock of `performance.now()`. */
  #started_at: number | undefined;
  #accept_errors = 0;
  #watchers: Set<Watcher> = new Set();
  #observer: ToldObserver = new ToldObserver("a server");

  /** @param server Who is observed. */
  constructor(server: Observed) {
    this.#server = server;
    this.#name = class_name_of(server);
  }

  /** Whether anybody is told. */
  get is_on(): boolean {
    return typeof this.#server.observer === "function" || this.#watchers.size > 0;
  }

  /** Has somebody hear what happens from now on; what is given ends that. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Tells what happens; gives the event, as the observer has left it. */
  tell<H extends Happening>(happening: H, error?: unknown): H | undefined {
    if (!this.is_on) return undefined;
    const event = { time: Date.now(), server: this.#name, ...happening };
    this.#observer.tell(() => this.#server.observer?.(event as unknown as ServerEvent));
    for (const watcher of this.#watchers) watcher.heard(event as unknown as ServerEvent, error);
    return event;
  }

  /** The server begins to take requests; only the first time counts. */
  started(): void {
    if (this.#started_at !== undefined || !this.is_on) return;
    this.#started_at = performance.now();
    this.tell({ type: "server.start", address: this.#server.server_address });
  }

  /** The server is closed. */
  stopped({ drained, aborted }: CloseResult): void {
    if (this.#started_at !== undefined) {
      const duration = performance.now() - this.#started_at;
      this.tell({ type: "server.stop", duration, drained, aborted });
    }
    for (const watcher of this.#watchers) watcher.closed();
  }

  /** A request could not be taken. */
  accept_failed(error: unknown, kind: "retry" | "pause" | "stop"): void {
    const count = ++this.#accept_errors;
    if (!this.is_on) return;
    const { code } = names_of(error);
    const error_type = error_type_of(error);
    this.tell(
      { type: "accept.error", class: kind, ...(code && { code }), error_type, count },
      error,
    );
  }

  /** A request was taken. */
  request_started(exchange: Exchange, id: number): void {
    exchange.id = id;
    const event = this.tell({
      type: "request.start",
      id,
      client: exchange.client_address,
    } as Extract<Happening, { type: "request.start" }>);
    // An observer may have set anything, which would have to get to a worker.
    if (typeof event?.traceparent === "string") exchange.traceparent = event.traceparent;
  }

  /** The handler of a request begins whose start was told. */
  request_runs(exchange: Exchange): void {
    exchange.begun_at = performance.now();
    const { id, taken_at, begun_at } = exchange;
    this.tell({ type: "request.run", id, wait: begun_at - taken_at });
  }

  /** A request is over whose start was told. */
  request_stopped(exchange: Exchange, duration: number, traffic: Traffic | undefined): void {
    const { id, client_address: client, refusal, taken_at, begun_at, error } = exchange;
    const worker = exchange.job?.worker;
    this.tell({
      type: "request.stop",
      id,
      client,
      outcome: exchange.outcome!,
      ...(refusal !== undefined && { reason: refusal }),
      duration,
      wait: begun_at === undefined ? duration : begun_at - taken_at,
      ...(worker !== undefined && { worker }),
      ...traffic,
      ...(error !== undefined && { error_type: error_type_of(error) }),
    }, error);
  }

  /** A TLS handshake is over whose start was told. */
  handshake_stopped({ id, handshake_at }: Exchange, end: HandshakeEnd): void {
    const duration = performance.now() - handshake_at;
    const error = "error" in end ? end.error : undefined;
    const how = "agreed" in end ? end.agreed : { error_type: error_type_of(error) };
    this.tell({ type: "handshake.stop", id, duration, ...how }, error);
  }

  /** Certificates were read again: well, unless there is an error. */
  tls_reloaded(not_after: () => number, error?: unknown): void {
    if (!this.is_on) return;
    const what = error === undefined
      ? { ok: true }
      : { ok: false, error_type: error_type_of(error) };
    this.tell({ type: "tls.reload", not_after: not_after(), ...what }, error);
  }
}
