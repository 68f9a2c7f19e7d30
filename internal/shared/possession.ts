import type { Agent, Hold, Owner } from "./owner.ts";

/** One agent has it. */
class Holder implements Hold {
  readonly key: number;
  readonly #owner: Owner;
  #lost: () => void;

  constructor(key: number, owner: Owner, lost: () => void) {
    this.key = key;
    this.#owner = owner;
    this.#lost = lost;
    owner.add(this);
  }

  give_back(): void {
    this.#lost();
  }

  /** Agents have it for their whole program, which ends with them. */
  move_to(): void {}

  end(): void {
    this.#owner.remove(this);
  }
}

/**
 * Who has what one agent has at a time: it is that one's to which it came last. Whoever has it says so with a key, which is
 * new each time that it has come to somebody. When that agent is no more it is closed.
 */
export class Possession {
  /** Closes it everywhere. */
  close_all!: () => void;
  #holder: Holder | undefined;
  /** Those that it was sent to, and that have not said that they have it. */
  #travelling: Set<Agent> = new Set();
  /** Whether who sent it has closed it meanwhile. */
  #is_left = false;

  /** It is on its way to somebody. */
  sent_to(agent: Agent): void {
    this.#travelling.add(agent);
  }

  /** It has come to somebody: whoever had it has it no longer. */
  come_to(owner: Owner, key: number): void {
    this.end();
    this.#holder = new Holder(key, owner, () => this.close_all());
    this.#travelling.clear();
    this.#is_left = false;
  }

  /** Whether this is the key of who has it. */
  is_held(key: number): boolean {
    return this.#holder?.key === key;
  }

  /** Who has it needs it no longer. What is on its way is closed only if it never comes to anybody. */
  leave(key: number): void {
    if (!this.is_held(key)) return;
    if (this.#travelling.size > 0) this.#is_left = true;
    else this.close_all();
  }

  /** An agent that it may have been sent to is no more. */
  agent_ended(agent: Agent): void {
    const was_last = this.#travelling.delete(agent) && this.#travelling.size === 0;
    if (was_last && this.#is_left) this.close_all();
  }

  /** Nobody has it any more. */
  end(): void {
    this.#holder?.end();
    this.#holder = undefined;
  }
}
