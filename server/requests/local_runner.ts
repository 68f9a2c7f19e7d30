import type { Overflow } from "../options.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import { cut_reason, type Exchange } from "./exchange.ts";
import { interrupt_request } from "./inner_hooks.ts";
import { RequestQueue } from "./request_queue.ts";
import type { Run, Runner, ServerSide } from "./runner.ts";

/** What runners need of a server. */
export interface LocalServer {
  max_requests: number;
  request_queue_size: number;
  overflow: Overflow;
  [interrupt_request](request: unknown): void;
}

/** Runs one request after the other, on this event loop. */
export class SequentialRunner implements Runner {
  readonly waits_on_close = true;
  readonly workers = undefined;
  protected readonly server: LocalServer;
  #side: ServerSide;

  /**
   * @param server Whose requests it runs.
   * @param side What it has of the server's class.
   */
  constructor(server: LocalServer, side: ServerSide) {
    this.server = server;
    this.#side = side;
  }

  get places(): number {
    return 1;
  }

  prepare(): void {}

  configure(): void {}

  renew_tls(): void {}

  run(exchange: Exchange, run: Run): void | Promise<void> | false {
    if (this.run_scope(exchange, run)) return exchange.running;
  }

  /** Runs a request as a task of its own, which what it waits for and holds belongs to. */
  protected run_scope(exchange: Exchange, run: Run): boolean {
    const { system } = sharing;
    if (!system) return run();
    const report = (error: unknown) => void this.#side.report(error, exchange);
    const scope = exchange.scope = system.begin({ report });
    const goes_on = scope.run(run);
    if (goes_on) exchange.on_ran(() => scope.end());
    else scope.end();
    return goes_on;
  }

  interrupt({ request, scope, reason }: Exchange): void {
    this.server[interrupt_request](request);
    scope?.interrupt(reason);
  }

  cut(exchange: Exchange): void {
    exchange.scope?.cut(cut_reason(exchange));
  }

  abandon(exchange: Exchange): void {
    exchange.scope?.give_up(cut_reason(exchange));
  }

  release(): void {}
}

/** Runs requests at once, on this event loop: no more than `max_requests`. */
export class ConcurrentRunner extends SequentialRunner {
  #queue: RequestQueue | undefined;

  override get places(): number {
    return this.server.max_requests;
  }

  override configure(): void {
    const { max_requests, request_queue_size, overflow } = this.server;
    this.#queue?.resize(max_requests, request_queue_size, overflow);
  }

  override run(exchange: Exchange, run: Run): void | false {
    const { max_requests, request_queue_size, overflow } = this.server;
    this.#queue ??= new RequestQueue(max_requests, request_queue_size, overflow);
    if (!this.#queue.submit(exchange, () => this.run_scope(exchange, run))) return false;
  }
}
