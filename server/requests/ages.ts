import type { Exchange } from "./exchange.ts";

/** How far an age may be from the one that is set, as a part of it: many that came at once end one by one. */
const JITTER = 0.1;
/** How often it is looked at ages, in ms: at least ten times in an age. */
const MIN_TICK = 10;
const MAX_TICK = 1000;
/** How long a request that is told to end because of its age may go on, in ms. */
const AGE_GRACE = 5000;

/** What is done with requests that are too old. */
export interface AgeActions<E> {
  /** Tells one that it must end. */
  tell(exchange: E, reason: Error): void;
  /** Ends one that has not. */
  cut(exchange: E): void;
}

/** Ends requests that have become too old, with one timer for all. */
export class Ages<E extends Exchange> {
  #exchanges: Iterable<E>;
  #actions: AgeActions<E>;
  #tick = MAX_TICK;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param exchanges Those under way.
   * @param actions What is done with those that are too old.
   */
  constructor(exchanges: Iterable<E>, actions: AgeActions<E>) {
    this.#exchanges = exchanges;
    this.#actions = actions;
  }

  /** A request begins, which may become so old, in ms. */
  begin(exchange: E, max_age: number): void {
    exchange.ends_at = performance.now() + max_age * (1 + JITTER * (2 * Math.random() - 1));
    this.#tick = Math.min(Math.max(max_age / 10, MIN_TICK), MAX_TICK);
    this.#timer ??= this.#start();
  }

  /** The server closes: from now on the grace counts. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #start(): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => this.#look(), this.#tick);
    // What is under way keeps the program running, if it wants to.
    Deno.unrefTimer(timer);
    return timer;
  }

  #look(): void {
    const now = performance.now();
    let are_left = false;
    for (const exchange of this.#exchanges) {
      const { ends_at } = exchange;
      if (ends_at === undefined) continue;
      are_left = true;
      if (ends_at <= now) this.#end(exchange, now);
    }
    this.#timer = are_left ? this.#start() : undefined;
  }

  /** Tells a request to end, or cuts it if it was told. */
  #end(exchange: E, now: number): void {
    if (exchange.over || exchange.aborted) {
      exchange.ends_at = undefined;
      if (!exchange.over) this.#actions.cut(exchange);
      return;
    }
    exchange.ends_at = now + AGE_GRACE;
    this.#actions.tell(
      exchange,
      new Deno.errors.TimedOut("The connection is max_connection_age old"),
    );
  }
}
