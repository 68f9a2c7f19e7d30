/**
 * Where a request stands: waiting for a place, being handled, being closed, over.
 */
export type ExchangeState = "waiting" | "running" | "closing" | "closed";

/** How a request ended. */
export type Outcome = "completed" | "failed" | "refused" | "timed_out";

/**
 * The exchange of each request under way that is an object, so that handlers find their signal. No
 * `WeakMap`: following its entries would cost the garbage collector more than all else a request does.
 */
const exchanges = new Map<unknown, Exchange>();

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
  /** Its run, which ends when the request is closed at the latest. */
  running: Promise<void> | undefined;
  /** What the loop waits for before it takes the next request. */
  handled: void | Promise<void> = undefined;
  outcome: Outcome | undefined;
  /** Whether the request was told to end. */
  aborted = false;
  /** Whether it was closed before its handler had ended. */
  cut = false;
  /** What ends it when it takes too long. */
  clock: ReturnType<typeof setTimeout> | undefined;
  /** Called when the request is closed. */
  #watchers: (() => void)[] | undefined;
  #reason: unknown;
  #controller: AbortController | undefined;

  constructor(request: Request, client_address: Address) {
    this.request = request;
    this.client_address = client_address;
    this.#list();
  }

  /** Puts another request in the place of the first: one that wraps it. */
  adopt(request: Request): void {
    this.#unlist();
    this.request = request;
    this.#list();
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

  stop_clock(): void {
    if (this.clock !== undefined) clearTimeout(this.clock);
    this.clock = undefined;
  }

  /** The request is closed, and nothing more will be done for it. */
  close(): void {
    this.state = "closed";
    this.stop_clock();
    this.#unlist();
    const watchers = this.#watchers;
    this.#watchers = undefined;
    if (watchers) { for (const watch of watchers) watch(); }
  }

  #list(): void {
    const { request } = this;
    if (typeof request === "object" && request !== null) exchanges.set(request, this);
  }

  /** The same object may be a request again, before this one is closed. */
  #unlist(): void {
    if (exchanges.get(this.request) === this) exchanges.delete(this.request);
  }

  /** Calls a function when the request is closed. */
  on_close(watch: () => void): void {
    if (this.state === "closed") watch();
    else if (this.#watchers) this.#watchers.push(watch);
    else this.#watchers = [watch];
  }
}

/** The exchange of a request under way that is an object; `undefined` for any other. */
export function exchange_of(request: unknown): Exchange | undefined {
  return exchanges.get(request);
}
