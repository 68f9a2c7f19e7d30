import type { Home } from "../../internal/shared/home.ts";
import type { Hold, Owner } from "../../internal/shared/owner.ts";
import type { SharedObject } from "../../internal/shared/shared_object.ts";
import { type Grant, Wait } from "../../internal/shared/wait.ts";
import { Lock } from "./lock.ts";

/** One that waits for a notification: from before it gives the lock back until it has heard. */
class Ticket implements Hold {
  readonly number: number;
  is_notified = false;
  /** Its wait, once the lock is given back. */
  wait: Wait<boolean> | undefined;
  owner: Owner;
  #home: ConditionHome;

  constructor(home: ConditionHome, number: number, owner: Owner) {
    this.#home = home;
    this.number = number;
    this.owner = owner;
    owner.add(this);
  }

  give_back(): void {
    this.#home.leave(this);
  }

  move_to(owner: Owner): void {
    this.owner = owner;
    owner.add(this);
  }

  /** It is over. */
  end(): void {
    this.owner.remove(this);
  }
}

/** A condition in its home thread: who waits for a notification. */
export class ConditionHome implements Home {
  readonly methods: ReadonlySet<string> = new Set(["begin", "wait", "leave_by", "notify"]);
  /** Its lock, which goes where it goes. */
  readonly fixed: SharedObject;
  readonly part: SharedObject | undefined;
  #tickets: Map<number, Ticket> = new Map();
  #last = 0;

  /** @param lock Its lock; one of its own unless told. */
  constructor(lock?: SharedObject) {
    this.part = lock ? undefined : new Lock();
    this.fixed = lock ?? this.part!;
  }

  /** Takes a place in the line. */
  begin(owner: Owner): number {
    const ticket = new Ticket(this, ++this.#last, owner);
    this.#tickets.set(ticket.number, ticket);
    return ticket.number;
  }

  /** Waits until it is notified; gives `false` when the timeout is over. */
  wait(owner: Owner, number: number, timeout: number | null): Wait<boolean> | boolean {
    const ticket = this.#ticket_of(owner, number);
    if (!ticket) return false;
    if (ticket.is_notified) return Wait.granted(true, this.#grant(ticket));
    if (timeout === 0) {
      this.#remove(ticket);
      return false;
    }
    ticket.wait = new Wait<boolean>();
    return ticket.wait.begin(timeout, () => false, () => this.#remove(ticket));
  }

  /** What becomes of a notification: one that nobody hears goes to the next. */
  #grant(ticket: Ticket): Grant {
    return {
      undo: () => this.leave(ticket),
      received: () => this.#remove(ticket),
    };
  }

  /** Gives up a place in the line. */
  leave_by(owner: Owner, number: number): void {
    const ticket = this.#ticket_of(owner, number);
    if (ticket) this.leave(ticket);
  }

  leave(ticket: Ticket): void {
    if (!this.#tickets.has(ticket.number)) return;
    this.#remove(ticket);
    if (ticket.is_notified) this.notify(undefined, 1);
  }

  /** The ticket of a number, if it is of that agent. */
  #ticket_of({ agent }: Owner, number: number): Ticket | undefined {
    const ticket = this.#tickets.get(number);
    return ticket?.owner.agent === agent ? ticket : undefined;
  }

  #remove(ticket: Ticket): void {
    this.#tickets.delete(ticket.number);
    ticket.end();
  }

  /** Wakes so many of those that wait, the first first. */
  notify(_owner: unknown, count: number): void {
    for (const ticket of this.#tickets.values()) {
      if (count <= 0) return;
      if (ticket.is_notified) continue;
      ticket.is_notified = true;
      ticket.wait?.grant(true, this.#grant(ticket));
      count--;
    }
  }

  withdraw(reason: Error): void {
    for (const ticket of this.#tickets.values()) {
      ticket.end();
      ticket.wait?.reject(reason);
    }
    this.#tickets.clear();
  }
}
