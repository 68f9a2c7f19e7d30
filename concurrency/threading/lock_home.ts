import { type Home, report_of } from "../../internal/shared/home.ts";
import type { Agent, Owner } from "../../internal/shared/owner.ts";
import { Line, Wait } from "../../internal/shared/wait.ts";
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
  #line: Line<boolean | null, Agent> = new Line();
  #with_memory: Set<number> = new Set();

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
  lease({ agent }: Owner, timeout: number | null = null): Wait<boolean | null> {
    const taken = this.take(agent);
    if (taken) return Wait.granted<boolean | null>(...this.#grant(agent, taken));
    if (timeout === 0) return Wait.granted<boolean | null>(null);
    const wait = this.#line.add(agent, null, () => null, () => this.#serve());
    this.#serve();
    return wait;
  }

  /** What a wait is granted, and what takes that back. */
  #grant(agent: Agent, { abandoned }: { abandoned: boolean }): [boolean, () => void] {
    return [abandoned, () => this.#free(agent, abandoned)];
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
    return this.describe(agent, this.#with_memory.has(agent.number));
  }

  describe(agent: Agent, shares_memory: boolean): DescribedLock {
    if (shares_memory) {
      this.#with_memory.add(agent.number);
      this.#word = this.#word.shared();
    }
    return { agent: agent.number, memory: shares_memory ? this.#word.memory : undefined };
  }

  agent_ended(agent: Agent): void {
    if (this.#word.agent !== agent.number) return;
    this.lost(undefined, `${agent.name}, which has ended`);
    this.#free(agent, true);
  }

  withdraw(reason: Error): void {
    for (const wait of this.#line.clear()) wait.reject(reason);
  }

  #free({ number }: Agent, abandoned: boolean): void {
    if (this.#word.free(number, abandoned)) this.#serve();
  }

  /** Gives it to the first that waits, if it is free, and has its holder know whether any do. */
  #serve(): void {
    for (let first; (first = this.#line.first);) {
      const [wait, agent] = first;
      const taken = this.take(agent);
      if (taken) {
        this.#line.shift();
        wait.grant(...this.#grant(agent, taken));
      } else if (this.#word.want(true)) return;
    }
    this.#word.want(false);
  }
}
