/** Somebody waits for the lock. */
const WANTED = 1 << 30;
/** It is free because its holder was lost. */
const ABANDONED = 1 << 29;
/** The rest is the number of the agent that has it; 0 where it is free. */
const AGENT = ABANDONED - 1;

/**
 * Which agent has a lock: one word, in memory that threads share. Where nobody else wants the lock, taking it
 * and giving it back is one operation each, and takes no message.
 */
export class LeaseWord {
  readonly #word: Int32Array;

  /** @param memory That of another thread's word, or memory of its own. */
  constructor(memory: ArrayBufferLike = new ArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.#word = new Int32Array(memory);
  }

  /** The same in memory that can be shared: before anybody else has it. */
  shared(): LeaseWord {
    if (this.#word.buffer instanceof SharedArrayBuffer) return this;
    const word = new LeaseWord(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    word.#word[0] = this.#word[0]!;
    return word;
  }

  get memory(): ArrayBufferLike {
    return this.#word.buffer;
  }

  /** The number of the agent that has it; 0 where it is free. */
  get agent(): number {
    return Atomics.load(this.#word, 0) & AGENT;
  }

  /** Whether somebody waits for it. */
  get is_wanted(): boolean {
    return (Atomics.load(this.#word, 0) & WANTED) !== 0;
  }

  /** Takes it, if it is free: says whether its last holder was lost. */
  take(agent: number): { abandoned: boolean } | undefined {
    if (Atomics.compareExchange(this.#word, 0, 0, agent) === 0) return { abandoned: false };
    const lost = Atomics.compareExchange(this.#word, 0, ABANDONED, agent) === ABANDONED;
    return lost ? { abandoned: true } : undefined;
  }

  /** Gives it back, if nobody waits for it. */
  give(agent: number, abandoned: boolean): boolean {
    return Atomics.compareExchange(this.#word, 0, agent, abandoned ? ABANDONED : 0) === agent;
  }

  /** Gives it back whoever waits for it; `false` if the agent does not have it. */
  free(agent: number, abandoned: boolean): boolean {
    if (this.agent !== agent) return false;
    Atomics.store(this.#word, 0, abandoned ? ABANDONED : 0);
    return true;
  }

  /** Says to the agent that has it that somebody waits for it, or nobody; `false` if it is free. */
  want(wanted: boolean): boolean {
    for (;;) {
      const word = Atomics.load(this.#word, 0);
      if ((word & AGENT) === 0) return false;
      const next = wanted ? word | WANTED : word & ~WANTED;
      if (Atomics.compareExchange(this.#word, 0, word, next) === word) return true;
    }
  }
}
