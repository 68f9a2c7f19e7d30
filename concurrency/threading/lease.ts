import { HERE } from "../../internal/shared/owner.ts";
import type { RemoteCore } from "../../internal/shared/shared_object.ts";
import { program } from "../../internal/shared/task.ts";
import type { Wait, Waiting } from "../../internal/shared/wait.ts";
import { LeaseWord } from "./lease_word.ts";
import type { DescribedLock, LockHome } from "./lock_home.ts";

/** How the tasks of an agent get a lock, which one of them has at a time. */
export interface Lease {
  /** Takes it at once if it is free: says whether its last holder was lost. */
  take(): { abandoned: boolean } | undefined;
  /** Whether `take()` can tell that it is not free. */
  readonly is_exact: boolean;
  /** Waits for it; gives whether its last holder was lost, or `null` where a timeout of 0 tries once in vain. */
  request(timeout: number | null): Waiting<boolean | null>;
  /** Gives it back. */
  give(abandoned: boolean): void;
  /** Whether another agent waits for it, as far as is known. */
  readonly is_wanted: boolean;
  /** Reports that a holder was lost. */
  lost(how: string): void;
}

/** That of the thread where the lock is at home. */
export class HomeLease implements Lease {
  readonly is_exact = true;
  #home: LockHome;

  constructor(home: LockHome) {
    this.#home = home;
  }

  take(): { abandoned: boolean } | undefined {
    return this.#home.take(HERE);
  }

  request(timeout: number | null): Wait<boolean | null> {
    return this.#home.lease(program.owner, timeout, true);
  }

  give(abandoned: boolean): void {
    this.#home.give(program.owner, abandoned);
  }

  get is_wanted(): boolean {
    return this.#home.is_wanted;
  }

  lost(how: string): void {
    this.#home.lost(undefined, how);
  }
}

/** That of another thread or process: by calls, and by the lock's word where memory is shared. */
export class RemoteLease implements Lease {
  #core: RemoteCore;
  #agent: number | undefined;
  #word: LeaseWord | undefined;

  #is_described = false;
  /** Whether the lock was taken by its word, or by who has that: then it is given back so, too. */
  #is_by_word = false;

  /** @param core The way to the lock's home. */
  constructor(core: RemoteCore) {
    this.#core = core;
    if (core.described) this.#describe(core.described as Partial<DescribedLock>);
  }

  #describe({ agent, memory }: Partial<DescribedLock>): void {
    this.#is_described = true;
    this.#agent = agent;
    this.#word = memory && new LeaseWord(memory);
  }

  /** Has the home say what there is to know, where it was not there when the lock was found by its name. */
  #ask(): void {
    this.#is_described = true;
    this.#core.link.call<DescribedLock>(this.#core.id, "described", program, []).promise.then(
      (described) => this.#describe(described),
      () => {},
    );
  }

  get is_exact(): boolean {
    return this.#word !== undefined;
  }

  take(): { abandoned: boolean } | undefined {
    const taken = this.#word?.take(this.#agent!);
    if (taken) this.#is_by_word = true;
    return taken;
  }

  request(timeout: number | null): Waiting<boolean | null> {
    this.#core.check();
    if (!this.#is_described) this.#ask();
    this.#is_by_word = this.is_exact;
    return this.#core.link.call(this.#core.id, "lease", program, [timeout, this.is_exact]);
  }

  give(abandoned: boolean): void {
    if (this.#is_by_word && this.#word?.give(this.#agent!, abandoned)) return;
    this.#tell("give", abandoned);
  }

  get is_wanted(): boolean {
    return this.#word?.is_wanted ?? true;
  }

  lost(how: string): void {
    this.#tell("lost", `${how} of another thread or process`);
  }

  #tell(method: string, argument: unknown): void {
    this.#core.link.tell(this.#core.id, method, program, [argument]);
    // Others wait for it, and this thread may be busy next.
    this.#core.link.flush();
  }
}
