/** An agent: this thread, or another thread or process that reaches this one's objects. */
export interface Agent {
  /** Its number here: 1 is this thread itself. */
  readonly number: number;
  /** What it is called in messages. */
  readonly name: string;
  /** Whether it shares memory with this thread. */
  readonly shares_memory: boolean;
  /** Sends it a connection: see `Peer`. */
  send_connection?(fd: number): number | undefined;
}

/** This thread. */
export const HERE: Agent = { number: 1, name: "this thread", shares_memory: true };

/** Something that somebody holds. */
export interface Hold {
  /** Its holder is no more, or was given up: it goes back. */
  give_back(): void;
  /** Its task has ended: another owner of the same agent has it now, or it goes back. */
  move_to(owner: Owner): void;
}

/** Who holds something: a task, here or of another agent. */
export class Owner {
  readonly agent: Agent;
  #holds: Set<Hold> = new Set();
  #heir: Owner | undefined;

  /** @param agent Whose task it is. */
  constructor(agent: Agent) {
    this.agent = agent;
  }

  /** Who has what comes to it: itself, until its task has ended. */
  get heir(): Owner {
    return this.#heir ?? this;
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

  /** Its task has ended: what it still holds, or comes later, is its agent's. */
  move_to(owner: Owner): void {
    this.#heir = owner;
    const holds = [...this.#holds].reverse();
    this.#holds.clear();
    for (const hold of holds) hold.move_to(owner);
  }

  /** Gives back all that it holds: what came last goes first, so that items keep their order. */
  give_back(): void {
    const holds = [...this.#holds].reverse();
    this.#holds.clear();
    for (const hold of holds) hold.give_back();
  }
}

/** The program itself: it never ends, so what it holds never goes back, and need not be noted. */
export class EndlessOwner extends Owner {
  override add(): void {}
}
