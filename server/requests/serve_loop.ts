/** One call of `serve_forever()` or `handle_request()`: what it waits for, and how it is ended. */
export class ServeLoop {
  /** Whether it was told to end: it takes no further request. */
  stopping = false;
  /** Resolves when the call has ended. */
  readonly ended: Promise<void>;
  /** Resolves when no further request will be taken: at the end, or sooner where one is handled. */
  readonly quiet: Promise<void>;
  #busy = false;
  #wake: (() => void) | undefined;
  #end!: () => void;
  #calm!: () => void;

  constructor() {
    this.ended = new Promise((resolve) => this.#end = resolve);
    this.quiet = new Promise((resolve) => this.#calm = resolve);
  }

  /** Waits until {@linkcode wake} or {@linkcode stop} is called. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  /** The same, but for `delay` ms at the most. */
  async wait_for(delay: number): Promise<void> {
    const timer = setTimeout(() => this.wake(), delay);
    await this.wait();
    clearTimeout(timer);
  }

  /** Waits for `delay` ms, or until {@linkcode stop} is called. */
  async pause(delay: number): Promise<void> {
    const until = performance.now() + delay;
    const timer = setInterval(() => this.wake(), delay);
    while (!this.stopping && performance.now() < until) await this.wait();
    clearInterval(timer);
  }

  /** Waits for a step, which does not reject, or until {@linkcode stop} is called. */
  async until(step: Promise<void>): Promise<void> {
    let is_over = false;
    void step.then(() => {
      is_over = true;
      this.wake();
    });
    while (!is_over && !this.stopping) await this.wait();
  }

  wake(): void {
    this.#wake?.();
  }

  /** Begins a step during which the loop cannot end, and {@linkcode stop} does not wait for it. */
  enter(): void {
    this.#busy = true;
  }

  /** Ends the step. */
  leave(): void {
    this.#busy = false;
  }

  stop(): void {
    this.stopping = true;
    this.wake();
    if (this.#busy) this.#calm();
  }

  /** To be called when the call ends. */
  end(): void {
    this.#calm();
    this.#end();
  }
}
