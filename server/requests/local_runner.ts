import type { Overflow } from "../options.ts";
import type { Exchange } from "./exchange.ts";
import { interrupt_request } from "./inner_hooks.ts";
import { RequestQueue } from "./request_queue.ts";
import type { Run, Runner } from "./runner.ts";

/** What runners need of a server. */
export interface LocalServer {
  max_requests: number;
  request_queue_size: number;
  overflow: Overflow;
  [interrupt_request](request: unknown): void;
}

/** Runs one request after the other, on this event loop. */
export class SequentialRunner implements Runner {
  readonly hands_over = false;
  readonly waits_on_close = true;
  readonly workers = undefined;
  protected readonly server: LocalServer;

  /** @param server Whose requests it runs. */
  constructor(server: LocalServer) {
    this.server = server;
  }

  prepare(): void {}

  run(exchange: Exchange, run: Run): void | Promise<void> | false {
    return exchange.running = run();
  }

  interrupt({ request }: Exchange): void {
    this.server[interrupt_request](request);
  }

  cut(): void {}
  abandon(): void {}
  release(): void {}
}

/** Runs requests at once, on this event loop: no more than `max_requests`. */
export class ConcurrentRunner extends SequentialRunner {
  #queue: RequestQueue | undefined;

  override run(_exchange: Exchange, run: Run): void | false {
    const { max_requests, request_queue_size, overflow } = this.server;
    this.#queue ??= new RequestQueue(max_requests, request_queue_size, overflow);
    if (!this.#queue.submit(run)) return false;
  }
}
