import type { Exchange } from "./exchange.ts";
import type { Observation } from "./observation.ts";

/** How long a handshake may take, in ms, unless told. */
export const HANDSHAKE_TIMEOUT = 5000;

/** What both sides of a handshake have agreed on. */
export interface Agreed {
  protocol: string;
  alpn?: string;
  resumed: boolean;
}

/** How a handshake ended. */
export type HandshakeEnd = { agreed: Agreed } | { error: unknown };

/** What is told of TLS handshakes where handlers run. */
export interface HandshakeWatch {
  /** How long one may take, in ms. */
  readonly timeout: number;
  /** One begins that a handler has asked for. */
  begun(exchange: Exchange): void;
  /** It has ended, well or not. */
  ended(exchange: Exchange, end: HandshakeEnd): void;
}

/**
 * The TLS handshakes of a server, wherever they run: each of them begins and ends here, in the server's thread. A request
 * has one at a time.
 */
export class Handshakes implements HandshakeWatch {
  #server: { handshake_timeout?: number };
  #observation: Observation;
  #is_used = false;
  #done = 0;
  #failed = 0;

  /**
   * @param server Says how long one may take.
   * @param observation What is told of them.
   */
  constructor(server: { handshake_timeout?: number }, observation: Observation) {
    this.#server = server;
    this.#observation = observation;
  }

  get timeout(): number {
    return this.#server.handshake_timeout ?? HANDSHAKE_TIMEOUT;
  }

  /** How many ended well and how many not; nothing where there was none. */
  get counts(): { handshakes: number; handshakes_failed: number } | undefined {
    if (!this.#is_used) return undefined;
    return { handshakes: this.#done, handshakes_failed: this.#failed };
  }

  /** One begins: the first is that with which the request begins. */
  begun(exchange: Exchange, which: "first" | "later" = "later"): void {
    if (exchange.handshake) return;
    this.#is_used = true;
    exchange.handshake = which;
    if (exchange.id === 0) return;
    exchange.handshake_at = performance.now();
    this.#observation.tell({ type: "handshake.start", id: exchange.id });
  }

  ended(exchange: Exchange, end: HandshakeEnd): void {
    if (!exchange.handshake) return;
    exchange.handshake = undefined;
    if ("agreed" in end) this.#done++;
    else this.#failed++;
    if (exchange.id > 0) this.#observation.handshake_stopped(exchange, end);
  }
}
