import { AsyncLocalStorage } from "node:async_hooks";
import type { Exchange } from "./exchange.ts";

/**
 * The request that a hook is being called with: so that what the hook hands on in its place, now or
 * after an `await`, is known as the same request. Following `await` has its price for each request, and
 * is done only where a hook is overridden.
 */
export class CurrentExchange<E extends Exchange = Exchange> {
  #now: E | undefined;
  #later: AsyncLocalStorage<E> | undefined;

  /** The request, if a hook is at work. */
  get value(): E | undefined {
    return this.#later?.getStore() ?? this.#now;
  }

  /**
   * Calls a hook.
   *
   * @param exchange Its request.
   * @param hook The hook.
   * @param is_overridden Whether it may hand on something else.
   */
  call<T>(exchange: E, hook: () => T, is_overridden: boolean): T {
    if (is_overridden) return (this.#later ??= new AsyncLocalStorage()).run(exchange, hook);
    const outer = this.#now;
    this.#now = exchange;
    try {
      return hook();
    } finally {
      this.#now = outer;
    }
  }
}
