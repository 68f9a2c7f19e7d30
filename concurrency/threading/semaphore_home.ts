import { type Home, report_of } from "../../internal/shared/home.ts";
import { Ledger } from "../../internal/shared/ledger.ts";
import type { Owner } from "../../internal/shared/owner.ts";
import { type Grant, Line, Wait } from "../../internal/shared/wait.ts";

/** A semaphore in its home thread: how many permits there are, and who has which. */
export class SemaphoreHome implements Home {
  readonly methods: ReadonlySet<string> = new Set(["acquire", "release"]);
  name = "a semaphore";
  declare report?: (error: Error) => void;
  #value: number;
  #most: number;
  #line: Line<boolean, Owner> = new Line();
  #permits: Ledger = new Ledger((count) => this.#lost(count));

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
    this.#permits.note(owner, 1);
    return {
      undo: () => {
        this.#permits.forget(owner.heir, 1);
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
    // Another program may ask for what its class would refuse.
    check_count(count, 1);
    if (this.#value + count > this.#most) {
      throw new RangeError("Semaphore released too many times");
    }
    let rest = this.#permits.forget(owner, count);
    for (const other of this.#permits.owners) {
      if (rest === 0) break;
      if (other.agent === owner.agent) rest = this.#permits.forget(other, rest);
    }
    this.#add(count);
  }

  /** The permits of somebody who is no more, or was given up, come back. */
  #lost(count: number): void {
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
    this.#permits.clear();
    for (const wait of this.#line.clear()) wait.reject(reason);
  }
}

/**
 * Refuses what is no number of permits.
 *
 * @throws {TypeError} If it is no number.
 * @throws {RangeError} If it is not whole, or less than the least.
 */
export function check_count(count: number, least: number): number {
  if (typeof count !== "number") {
    throw new TypeError(`Cannot use ${Deno.inspect(count)} permits: it must be a number`);
  }
  if (Number.isInteger(count) && count >= least) return count;
  throw new RangeError(`Cannot use ${count} permits: it must be a whole number from ${least}`);
}
