import { sharing } from "../../internal/workers/sharing.ts";
import { type Home, report_of } from "../../internal/shared/home.ts";
import type { Agent, Hold, Owner } from "../../internal/shared/owner.ts";
import { type Grant, Line, Wait } from "../../internal/shared/wait.ts";
import { LeaseWord } from "./lease_word.ts";

/** What an agent needs to know of a lock that is at home elsewhere. */
export interface DescribedLock {
  /** Its number there. */
  agent: number;
  /** The memory of the lock's word, where it shares memory. */
  memory: ArrayBufferLike | undefined;
}

/** Who asks for a lock. */
interface Asker {
  owner: Owner;
  has_word: boolean;
}

/**
 * A lock in its home thread: which agent has it, and which ones wait. The tasks of an agent share what it is
 * granted here: see `LockLine`.
 */
export class LockHome implements Home {
  readonly methods: ReadonlySet<string> = new Set([
    "lease",
    "give",
    "locked",
    "lost",
    "described",
  ]);
  name = "a lock";
  declare report?: (error: Error) => void;
  #word = new LeaseWord();
  #line: Line<boolean | null, Asker> = new Line();
  /** What the agent that has it holds, where the word may not say enough. */
  #leased: { owner: Owner; hold: Hold } | undefined;

  /** Whether somebody waits for it. */
  get is_wanted(): boolean {
    return this.#line.size > 0;
  }

  /** Takes it for an agent, if it is free: says whether its last holder was lost. */
  take({ number }: Agent): { abandoned: boolean } | undefined {
    return this.#word.take(number);
  }

  /**
   * Waits for it on behalf of an agent.
   *
   * @param timeout 0 to try once; what it gives is `null` then if it is not free.
   * @param has_word Whether who asks has the lock's word, which says by itself who has it.
   * @returns Whether its last holder was lost.
   */
  lease(owner: Owner, timeout: number | null, has_word: boolean): Wait<boolean | null> {
    const taken = this.take(owner.agent);
    const asker = { owner, has_word };
    if (taken) return Wait.granted<boolean | null>(...this.#grant(asker, taken));
    if (timeout === 0) return Wait.granted<boolean | null>(null);
    const wait = this.#line.add(asker, null, () => null, () => this.#serve());
    this.#serve();
    return wait;
  }

  /** What a wait is granted, and what takes that back. */
  #grant({ owner, has_word }: Asker, { abandoned }: { abandoned: boolean }): [boolean, Grant] {
    return [abandoned, {
      undo: () => this.#free(owner.agent, abandoned),
      received: () => {
        if (!has_word) this.#note(owner);
      },
    }];
  }

  /** Notes who has it: a child, or another worker, which asks through the program's thread. */
  #note(owner: Owner): void {
    const hold = {
      give_back: () => this.#lost(owner.agent, sharing.parent ? "another worker" : undefined),
      // Agents ask for their whole program, which ends with them.
      move_to() {},
    };
    owner.add(hold);
    this.#leased = { owner, hold };
  }

  /** Gives it back for an agent. */
  give({ agent }: Pick<Owner, "agent">, abandoned: boolean): void {
    this.#free(agent, abandoned);
  }

  locked(): boolean {
    return this.#word.agent !== 0;
  }

  /** A holder was lost. */
  lost(_owner: unknown, how: string): void {
    const message = `${this.name} was held by ${how}: the next one has it, with hold.abandoned`;
    report_of(this, new Error(message));
  }

  described({ agent }: Owner): DescribedLock {
    return this.describe(agent);
  }

  describe({ number, shares_memory }: Agent): DescribedLock {
    if (!shares_memory) return { agent: number, memory: undefined };
    this.#word = this.#word.shared();
    return { agent: number, memory: this.#word.memory };
  }

  agent_ended(agent: Agent): void {
    this.#lost(agent);
  }

  #lost(agent: Agent, name = agent.name): void {
    // It may have given it back by the word since.
    if (this.#word.agent !== agent.number) return;
    this.lost(undefined, `${name}, which has ended`);
    this.#free(agent, true);
  }

  withdraw(reason: Error): void {
    this.#forget();
    for (const wait of this.#line.clear()) wait.reject(reason);
  }

  /** Nobody has it any more. */
  #forget(): void {
    this.#leased?.owner.remove(this.#leased.hold);
    this.#leased = undefined;
  }

  #free({ number }: Agent, abandoned: boolean): void {
    this.#forget();
    if (this.#word.free(number, abandoned)) this.#serve();
  }

  /** Gives it to the first that waits, if it is free, and has its holder know whether any do. */
  #serve(): void {
    for (let first; (first = this.#line.first);) {
      const [wait, asker] = first;
      const taken = this.take(asker.owner.agent);
      if (taken) {
        this.#line.shift();
        wait.grant(...this.#grant(asker, taken));
      } else if (this.#word.want(true)) return;
    }
    this.#word.want(false);
  }
}
