/** An agent: this thread, or another thread or process that reaches this one's objects. */
export interface Agent {
  /** Its number here: 1 is this thread itself. */
  readonly number: number;
  /** What it is called in messages. */
  readonly name: string;
}

/** This thread. */
export const HERE: Agent = { number: 1, name: "this thread" };

/** Something that somebody holds. */
export interface Hold {
  /** Its holder is no more, or was given up: it goes back. */
  give_back(): void;
}

/** Who holds something: a task, here or of another agent. */
export class Owner {
  readonly agent: Agent;
  #holds: Set<Hold> = new Set();

  /** @param agent Whose task it is. */
  constructor(agent: Agent) {
    this.agent = agent;
  }

  /** How much it holds. */
  get size(): number {
    return this.#holds.size;
  }

  /** It holds something. */
  add(hold: Hold): void {
    this.#holds.add(hold);
  }

  /** It holds something no longer. */
  remove(hold: Hold): void {
    this.#holds.delete(hold);
  }

  /** Gives back all that it holds: what came last goes first, so that items keep their order. */
  give_back(): void {
    const holds = [...this.#holds].reverse();
    this.#holds.clear();
    for (const hold of holds) hold.give_back();
  }
}
