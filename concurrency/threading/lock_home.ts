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
  #line: Line<boolean | null, Owner> = new Line();
  /** What the agent that has it holds, where its memory does not say so. */
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
   * @returns Whether its last holder was lost.
   */
  lease(owner: Owner, timeout: number | null = null): Wait<boolean | null> {
    const taken = this.take(owner.agent);
    if (taken) return Wait.granted<boolean | null>(...this.#grant(owner, taken));
    if (timeout === 0) return Wait.granted<boolean | null>(null);
    const wait = this.#line.add(owner, null, () => null, () => this.#serve());
    this.#serve();
    return wait;
  }

  /** What a wait is granted, and what takes that back. */
  #grant(owner: Owner, { abandoned }: { abandoned: boolean }): [boolean, Grant] {
    return [abandoned, {
      undo: () => this.#free(owner.agent, abandoned),
      received: () => this.#note(owner),
    }];
  }

  /** Notes who has it: another agent may have asked for it on behalf of a third. */
  #note(owner: Owner): void {
    if (owner.agent.shares_memory) return;
    const hold = {
      give_back: () => this.#lost(owner.agent),
      move_to: (next: Owner) => {
        next.add(hold);
        this.#leased = { owner: next, hold };
      },
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
    if (this.#word.agent === agent.number) this.#lost(agent);
  }

  #lost(agent: Agent): void {
    this.lost(undefined, `${agent.name}, which has ended`);
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
      const [wait, owner] = first;
      const taken = this.take(owner.agent);
      if (taken) {
        this.#line.shift();
        wait.grant(...this.#grant(owner, taken));
      } else if (this.#word.want(true)) return;
    }
    this.#word.want(false);
  }
}
