import { type Home, report_of } from "../../internal/shared/home.ts";
import type { Hold, Owner } from "../../internal/shared/owner.ts";
import { type Grant, Line, Wait } from "../../internal/shared/wait.ts";

/** The permits of a semaphore that one task has. */
class Permits implements Hold {
  count = 0;
  #home: SemaphoreHome;
  #owner: Owner;

  constructor(home: SemaphoreHome, owner: Owner) {
    this.#home = home;
    this.#owner = owner;
  }

  give_back(): void {
    this.#home.lost(this.#owner, this.count);
  }

  move_to(owner: Owner): void {
    const { count } = this;
    this.#home.forget(this.#owner, count);
    this.#home.note(owner, count);
  }
}

/** A semaphore in its home thread: how many permits there are, and who has which. */
export class SemaphoreHome implements Home {
  readonly methods: ReadonlySet<string> = new Set(["acquire", "release"]);
  name = "a semaphore";
  declare report?: (error: Error) => void;
  #value: number;
  #most: number;
  #line: Line<boolean, Owner> = new Line();
  #permits: Map<Owner, Permits> = new Map();

  /**
   * @param value How many permits there are.
   * @param most How many there may be.
   */
  constructor(value: number, most: number) {
    this.#value = value;
    this.#most = most;
  }

  /** Takes a permit, or waits for one; gives `false` when the timeout is over. */
  acquire(owner: Owner, timeout: number | null): Wait<boolean> | boolean {
    if (this.#value > 0) return Wait.granted(true, this.#grant(owner));
    if (timeout === 0) return false;
    return this.#line.add(owner, timeout, () => false);
  }

  #grant(owner: Owner): Grant {
    this.#value--;
    this.note(owner, 1);
    return {
      undo: () => {
        this.forget(owner.heir, 1);
        this.#add(1);
      },
    };
  }

  /**
   * Gives permits back, or adds new ones: those that were taken are taken off who has them in the same agent.
   *
   * @throws {RangeError} If there would be too many.
   */
  release(owner: Owner, count: number): void {
    if (this.#value + count > this.#most) {
      throw new RangeError("Semaphore released too many times");
    }
    let rest = this.forget(owner, count);
    for (const other of [...this.#permits.keys()]) {
      if (rest === 0) break;
      if (other.agent === owner.agent) rest = this.forget(other, rest);
    }
    this.#add(count);
  }

  /** An owner has so many more. */
  note({ heir: owner }: Owner, count: number): void {
    let permits = this.#permits.get(owner);
    if (!permits) {
      this.#permits.set(owner, permits = new Permits(this, owner));
      owner.add(permits);
    }
    permits.count += count;
  }

  /** An owner has so many less; gives how many of them it did not have. */
  forget(owner: Owner, count: number): number {
    const permits = this.#permits.get(owner);
    if (!permits) return count;
    const taken = Math.min(count, permits.count);
    permits.count -= taken;
    if (permits.count === 0) {
      this.#permits.delete(owner);
      owner.remove(permits);
    }
    return count - taken;
  }

  /** The permits of somebody who is no more, or was given up, come back. */
  lost(owner: Owner, count: number): void {
    this.forget(owner, count);
    // Others may have released for them what they had.
    const back = Math.min(count, this.#most - this.#value);
    if (back === 0) return;
    const permits = back === 1 ? "1 permit" : `${back} permits`;
    report_of(this, new Error(`${permits} of ${this.name} came back: who had taken them was lost`));
    this.#add(back);
  }

  #add(count: number): void {
    this.#value += count;
    while (this.#value > 0 && this.#line.size > 0) {
      const [wait, owner] = this.#line.shift()!;
      wait.grant(true, this.#grant(owner));
    }
  }

  withdraw(reason: Error): void {
    for (const [owner, permits] of this.#permits) owner.remove(permits);
    this.#permits.clear();
    for (const wait of this.#line.clear()) wait.reject(reason);
  }
}
