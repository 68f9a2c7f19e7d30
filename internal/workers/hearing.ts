/** When a process asks whether it is heard, in ms. */
export interface HearingClocks {
  /** How long after it has said something. */
  asking: number;
  /** How long the answer may take: the other side may be blocked, and nothing is lost then. */
  patience: number;
}

const CLOCKS: HearingClocks = { asking: 1000, patience: 20_000 };

/**
 * Finds out that nothing arrives any more that this process says. A handler can do that to the channel:
 * bytes that it writes to its descriptor are taken for the length of a message, in which all later ones
 * are lost. The other side cannot tell that from a handler that computes.
 */
export class Hearing {
  #ask: () => Promise<void>;
  #unheard: () => void;
  #clocks: HearingClocks;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param ask Asks the other side; resolves when it has answered.
   * @param unheard Called when there was no answer.
   * @param clocks When.
   */
  constructor(ask: () => Promise<void>, unheard: () => void, clocks: HearingClocks = CLOCKS) {
    this.#ask = ask;
    this.#unheard = unheard;
    this.#clocks = clocks;
  }

  /** Something was said. */
  said(): void {
    this.#timer ??= setTimeout(() => this.#question(), this.#clocks.asking);
  }

  async #question(): Promise<void> {
    this.#timer = setTimeout(this.#unheard, this.#clocks.patience);
    await this.#ask();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
