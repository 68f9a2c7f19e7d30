import type { Hold, Owner } from "./owner.ts";

/** How many one owner has. */
class Account implements Hold {
  count = 0;
  #ledger: Ledger;
  #owner: Owner;

  constructor(ledger: Ledger, owner: Owner) {
    this.#ledger = ledger;
    this.#owner = owner;
  }

  give_back(): void {
    this.#ledger.give_back(this.#owner, this.count);
  }

  move_to(owner: Owner): void {
    const { count } = this;
    this.#ledger.forget(this.#owner, count);
    this.#ledger.note(owner, count);
  }
}

/** Who has how many of what cannot be told apart: permits, items that were got. */
export class Ledger {
  #accounts: Map<Owner, Account> = new Map();
  #lost: (count: number) => void;

  /** @param lost Told how many somebody had who is no more, or was given up. */
  constructor(lost: (count: number) => void) {
    this.#lost = lost;
  }

  /** Those that have any. */
  get owners(): Owner[] {
    return [...this.#accounts.keys()];
  }

  /** An owner has so many more. */
  note({ heir: owner }: Owner, count: number): void {
    let account = this.#accounts.get(owner);
    if (!account) {
      this.#accounts.set(owner, account = new Account(this, owner));
      owner.add(account);
    }
    account.count += count;
  }

  /** An owner has so many less; gives how many of them it did not have. */
  forget(owner: Owner, count: number): number {
    const account = this.#accounts.get(owner);
    if (!account) return count;
    const known = Math.min(count, account.count);
    account.count -= known;
    if (account.count === 0) {
      this.#accounts.delete(owner);
      owner.remove(account);
    }
    return count - known;
  }

  /** What an owner has is lost with it. */
  give_back(owner: Owner, count: number): void {
    this.forget(owner, count);
    this.#lost(count);
  }

  /** Nobody has any. */
  clear(): void {
    for (const [owner, account] of this.#accounts) owner.remove(account);
    this.#accounts.clear();
  }
}
