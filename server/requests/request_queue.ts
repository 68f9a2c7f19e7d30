import type { Overflow } from "../options.ts";

/**
 * Lets a bounded number of requests run at once and a bounded number wait: the hard limit behind
 * `max_requests`, whatever the mix-in.
 */
export class RequestQueue {
  #places = 0;
  #room = 0;
  #running = 0;
  #waiting: (() => Promise<unknown>)[] = [];

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
   * @param start Starts it; the place is free again when what it returns has settled.
   * @returns Whether there was room.
   */
  submit(start: () => Promise<unknown>): boolean {
    if (this.#running < this.#places) this.#run(start);
    else if (this.#waiting.length < this.#room) this.#waiting.push(start);
    else return false;
    return true;
  }

  #run(start: () => Promise<unknown>): void {
    this.#running++;
    start().then(this.#ended, this.#ended);
  }

  #ended = (): void => {
    this.#running--;
    this.#fill();
  };

  #fill(): void {
    while (this.#running < this.#places && this.#waiting.length > 0) {
      this.#run(this.#waiting.shift()!);
    }
  }
}
