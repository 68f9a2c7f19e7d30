/**
 * Where a request stands: waiting for a place, being handled, being closed, over.
 */
export type ExchangeState = "waiting" | "running" | "closing" | "closed";

/** How a request ended. */
export type Outcome = "completed" | "failed" | "refused" | "timed_out";

/** The exchange of each request that is an object, so that handlers find their signal. */
const exchanges = new WeakMap<object, Exchange>();

/**
 * One request, from the moment it is taken until it is closed, and what ends it before its time.
 *
 * @typeParam Request The type of the request.
 * @typeParam Address The type of the client's address.
 */
export class Exchange<Request = unknown, Address = unknown> {
  request: Request;
  readonly client_address: Address;
  /** Whether somebody has undertaken to run it: it is nobody else's any more. */
  claimed = false;
  state: ExchangeState = "waiting";
  outcome: Outcome | undefined;
  /** Whether the request was told to end. */
  aborted = false;
  /** Whether it was closed before its handler had ended. */
  cut = false;
  /** Resolves when the request is closed. */
  readonly closed: Promise<void>;
  #resolve!: () => void;
  #reason: unknown;
  #controller: AbortController | undefined;

  constructor(request: Request, client_address: Address) {
    this.request = request;
    this.client_address = client_address;
    this.closed = new Promise((resolve) => this.#resolve = resolve);
    this.adopt(request);
  }

  /** Puts another request in the place of the first: one that wraps it. */
  adopt(request: Request): void {
    this.request = request;
    if (typeof request === "object" && request !== null) exchanges.set(request, this);
  }

  /** Aborts when the request must end. Made at the first use: most handlers never look. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.aborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Tells the handler, through its signal, that the request must end. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** Whether nothing must be begun for it any more. */
  get over(): boolean {
    return this.cut || this.state === "closed";
  }

  /** The request is closed, and nothing more will be done for it. */
  close(): void {
    this.state = "closed";
    this.#resolve();
  }
}

/** The exchange of a request that is an object; `undefined` for what no server has taken. */
export function exchange_of(request: unknown): Exchange | undefined {
  return exchanges.get(request as object);
}

/** The signal of a request under way; one that never aborts for what no server has taken. */
export function signal_of(request: unknown): AbortSignal {
  return exchange_of(request)?.signal ?? new AbortController().signal;
}
