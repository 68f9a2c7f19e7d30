import type { Overflow } from "../options.ts";

/** What says when its run, which goes on, is over. */
interface Running {
  on_ran(watch: () => void): void;
}

/** A request that waits for its turn. */
interface Waiting {
  request: Running;
  start: () => boolean;
}

/**
 * Lets a bounded number of requests run at once and a bounded number wait: the hard limit behind
 * `max_requests`, whatever the mix-in.
 */
export class RequestQueue {
  #places = 0;
  #room = 0;
  #running = 0;
  #waiting: Waiting[] = [];

  /**
   * @param places How many may run at once.
   * @param size How many may wait.
   * @param overflow Whether any may wait.
   */
  constructor(places: number, size: number, overflow: Overflow) {
    this.resize(places, size, overflow);
  }

  /** The same as for a new one. What runs or waits already goes on to do so. */
  resize(places: number, size: number, overflow: Overflow): void {
    this.#places = places;
    this.#room = overflow === "queue" ? size : 0;
    this.#fill();
  }

  /**
   * Starts a request now, or when its turn comes.
   *
   * @param request The request; when its run is over, the place is free again.
   * @param start Starts it, and gives whether it goes on.
   * @returns Whether there was room.
   */
  submit(request: Running, start: () => boolean): boolean {
    const is_free = this.#running < this.#places;
    if (!is_free && this.#waiting.length >= this.#room) return false;
    if (is_free) this.#run(request, start);
    else this.#waiting.push({ request, start });
    // It may be over already.
    this.#fill();
    return true;
  }

  #run(request: Running, start: () => boolean): void {
    this.#running++;
    if (start()) request.on_ran(this.#ended);
    else this.#running--;
  }

  #ended = (): void => {
    this.#running--;
    this.#fill();
  };

  #fill(): void {
    while (this.#running < this.#places && this.#waiting.length > 0) {
      const { request, start } = this.#waiting.shift()!;
      this.#run(request, start);
    }
  }
}
