import type { Exchange } from "./exchange.ts";

/** How long a handshake may take, in ms, unless told. */
export const HANDSHAKE_TIMEOUT = 5000;

/** What is told of TLS handshakes where handlers run. */
export interface HandshakeWatch {
  /** How long one may take, in ms. */
  readonly timeout: number;
  /** One begins that a handler has asked for. */
  begun(exchange: Exchange): void;
  /** It has ended, well or not. */
  ended(exchange: Exchange, error?: unknown): void;
}

/**
 * The TLS handshakes of a server, wherever they run: each of them begins and ends here, in the server's thread. A request
 * has one at a time.
 */
export class Handshakes implements HandshakeWatch {
  #server: { handshake_timeout?: number };
  #is_used = false;
  #done = 0;
  #failed = 0;

  /** @param server Says how long one may take. */
  constructor(server: { handshake_timeout?: number }) {
    this.#server = server;
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
  }

  ended(exchange: Exchange, error?: unknown): void {
    if (!exchange.handshake) return;
    exchange.handshake = undefined;
    if (error === undefined) this.#done++;
    else this.#failed++;
  }
}
