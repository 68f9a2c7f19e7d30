import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import type { Settings } from "../options.ts";
import type { Exchange } from "./exchange.ts";
import type { Agreed, HandshakeWatch } from "./handshakes.ts";
import type { Observation } from "./observation.ts";

/** What a runner has of the server's class. */
export interface ServerSide {
  /** Reports an error of a request, or of none, to the server's `handle_error()`. Never rejects. */
  report(error: unknown, exchange: Exchange | null): Promise<void>;
  /** Tells what happens. */
  readonly observation: Observation;
  /** Where TLS handshakes begin and end. */
  readonly handshakes: Pick<HandshakeWatch, "begun" | "ended">;
  /** The handshake begins with which a request begins. */
  securing(exchange: Exchange): void;
  /** It ended well. */
  secured(exchange: Exchange, agreed: Agreed): void;
  /** The names of the methods that the library's classes have: subclasses override some. */
  readonly hooks: readonly string[];
  /** Whether a subclass overrides a hook, so that it may do something else. */
  overrides(hook: "finish_request"): boolean;
}

/**
 * Runs the handler of a request and all that follows; never throws. Gives whether that goes on: when it is over,
 * `exchange.on_ran()` tells.
 */
export type Run = (finish?: () => void | Promise<void>) => boolean;

/** How the requests of a server are run: all that a mix-in changes. */
export interface Runner {
  /** Whether `server_close()` waits for requests under way. */
  readonly waits_on_close: boolean;
  /** How many requests it runs at once, at the most. */
  readonly places: number;
  /** What its workers are doing, if it has some. */
  readonly workers: WorkerInfo[] | undefined;
  /** Called when serving starts, before the first request is taken. */
  prepare(): void | Promise<void>;
  /** Called when settings of the server have changed. */
  configure(changes: Partial<Settings>): void;
  /** Has connections secured on other terms where requests run elsewhere. */
  renew_tls(material: unknown): void;
  /**
   * Runs a request, now or when its turn comes.
   *
   * @param exchange The request.
   * @param run Runs it, with the function that is called for its handler, or here.
   * @returns What must be waited for before the next one is taken; `false` if there is no room.
   */
  run(exchange: Exchange, run: Run): void | Promise<void> | false;
  /** Tells a request under way that it must end, beyond its signal. */
  interrupt(exchange: Exchange): void;
  /** Closes a request where it is run. */
  cut(exchange: Exchange): void;
  /** Ends a request that was cut and did not end by itself. */
  abandon(exchange: Exchange): void;
  /**
   * Called when all requests are over and the server closes: frees what `prepare()` made, and waits for
   * nothing longer than until `overdue` resolves.
   */
  release(overdue: Promise<void>): void | Promise<void>;
}
