import { line_of } from "../../internal/runtime/error_text.ts";
import { address_text } from "./address_text.ts";
import type { BaseServer } from "../../server/base_server.ts";
import type { ServerEvent } from "../../server/events.ts";
import type { ServerInfo } from "../../server/info.ts";
import { observation } from "../../server/requests/inner_hooks.ts";
import { History } from "./history.ts";
import {
  gauge,
  limit_of,
  numbers,
  type Told,
  type View,
  type Watched,
  worker_text,
} from "./watched.ts";

/** The settings of servers with workers. */
interface Settings {
  max_requests_per_worker?: number;
  max_children?: number;
}

/** A server that is watched. */
export class WatchedServer implements Watched {
  readonly kind = "server";
  readonly name: string;
  readonly leave: () => void;
  #server: BaseServer & Settings;
  #told: Told;
  #history: History = new History();

  constructor(server: BaseServer, name: string, told: Told) {
    this.#server = server;
    this.name = name;
    this.#told = told;
    this.leave = server[observation].watch({
      heard: (event, error) => this.#heard(event, error),
      closed: () => told.over(),
    });
  }

  get info(): ServerInfo {
    return this.#server.info();
  }

  get unfit(): string | undefined {
    const { state, suspended } = this.info;
    if (state === "stopping" || state === "closed") return state;
    return suspended ? "suspended" : undefined;
  }

  get is_over(): boolean {
    return this.info.state === "closed";
  }

  view(now: number): View {
    const { info } = this;
    const { request_queue_size } = this.#server;
    const { active, most_active, max_active, waiting, workers, bytes_in, bytes_out } = info;
    const { completed, failed, timed_out, refused, refused_by } = info;
    const { handshakes, handshakes_failed, proxy_rejected } = info;
    return {
      kind: this.kind,
      name: this.name,
      address: address_text(info.address),
      state: this.unfit ?? info.state,
      since: info.since,
      gauges: [
        gauge("Active", active, max_active, most_active),
        {
          ...gauge("Waiting", waiting, request_queue_size),
          is_full: waiting >= request_queue_size,
        },
      ],
      ...this.#history.of(now),
      outcomes: { completed, failed, timed_out, refused },
      refused_by,
      counts: numbers({ handshakes, handshakes_failed, proxy_rejected }),
      bytes: numbers({ received: bytes_in, sent: bytes_out }),
      ...(workers && { workers: workers.map((worker) => ({ ...worker, limit: this.#places })) }),
    };
  }

  /** How many requests a worker may have at once. */
  get #places(): number | null {
    const { max_children, max_requests_per_worker = Infinity } = this.#server;
    return max_children === undefined ? limit_of(max_requests_per_worker) : 1;
  }

  #heard(event: ServerEvent, error: unknown): void {
    switch (event.type) {
      case "request.stop":
        return this.#request_stopped(event, error);
      case "worker.stop":
        if (event.reason !== "died" && event.reason !== "killed") return;
        return this.#fault(event, `worker ${event.reason}`, error, worker_text(event, "request"));
      case "accept.error":
        if (event.class === "retry") return;
        return this.#fault(event, "nothing could be accepted", error, "");
      case "handshake.stop":
        if (event.error_type === undefined) return;
        return this.#fault(event, "handshake failed", error, `request ${event.id}`);
      case "proxy.rejected":
        return this.#fault(event, "PROXY header refused", error, address_text(event.peer));
      case "tls.reload":
        if (event.ok) return;
        return this.#fault(event, "certificates not reloaded", error, "");
    }
  }

  #request_stopped(event: ServerEvent & { type: "request.stop" }, error: unknown): void {
    const { outcome, duration, client } = event;
    // What was refused has no duration to speak of; what was not secured was no request.
    if (outcome === "refused" || outcome === "unsecured") return;
    this.#history.add(duration, performance.now());
    if (outcome === "completed") return;
    const what = { failed: "request failed", timed_out: "request timed out" }[outcome];
    this.#fault(event, what, error, address_text(client));
  }

  #fault(
    event: { time: number; error_type?: string },
    what: string,
    error: unknown,
    whom: string,
  ): void {
    const text = error === undefined ? event.error_type ?? "" : line_of(error);
    this.#told.fault({ time: event.time, where: this.name, what, error: text, whom });
  }
}
