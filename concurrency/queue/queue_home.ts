import { Empty, Full, ShutDown, TimeoutError } from "../../internal/shared/errors.ts";
import { type Home, report_of } from "../../internal/shared/home.ts";
import { Ledger } from "../../internal/shared/ledger.ts";
import type { Hold, Owner } from "../../internal/shared/owner.ts";
import { NumberMap } from "../../internal/runtime/number_map.ts";
import { ToldObserver } from "../../internal/runtime/told_observer.ts";
import { drop_connections, given_away } from "../../internal/shared/travel.ts";
import { type Grant, Line, Wait } from "../../internal/shared/wait.ts";
import type { Arrangement, Entry } from "./arrangement.ts";
import type { Store } from "./fifo.ts";
import type { ItemOutcome, QueueEvent, QueueInfo } from "./queue_event.ts";

/** What a `take()` gives: the number of the delivery, how many there were, and the item. */
export type Delivery = [ticket: number, deliveries: number, item: unknown];

/** How items leave the queue: for good, or until it is said that they are done. */
interface Getter {
  owner: Owner;
  takes: boolean;
}

/** An item that a task took and has not said `done()` for: it goes back with the end of the task. */
class Taken implements Hold {
  readonly entry: Entry;
  readonly ticket: number;
  readonly owner: Owner;
  #home: QueueHome;

  constructor(home: QueueHome, entry: Entry, ticket: number, owner: Owner) {
    this.#home = home;
    this.entry = entry;
    this.ticket = ticket;
    this.owner = owner;
    owner.add(this);
  }

  give_back(): void {
    this.#home.back(this.owner, this.ticket);
  }

  move_to(): void {
    this.give_back();
  }
}

/** What a queue is told when it is made. */
export interface QueueSettings {
  maxsize: number;
  max_deliveries: number;
  /** Whether it counts what is done: `SimpleQueue` does not. */
  counts: boolean;
  /** Told what happens. */
  observer?: ((event: QueueEvent) => void) | undefined;
}

/** A queue in its home thread: the items, who waits, and who has which items. */
export class QueueHome implements Home {
  readonly methods: ReadonlySet<string> = new Set([
    "put",
    "get",
    "take",
    "done",
    "back",
    "task_done",
    "join",
    "qsize",
    "empty",
    "full",
    "shutdown",
  ]);
  name = "a queue";
  declare report?: (error: Error) => void;
  #store: Store<Entry>;
  #rank: (item: unknown) => unknown;
  #settings: QueueSettings;
  #state: "open" | "shut down" | "emptied" = "open";
  #unfinished = 0;
  /** Whether anybody says `task_done()`: else it means nothing that nobody does. */
  #is_counted = false;
  #getters: Line<unknown, Getter> = new Line();
  /** Those whose item has no room yet. */
  #putters: Line<void, Entry> = new Line();
  #joiners: Line<void, null> = new Line();
  /** The items that were got and nobody has said `task_done()` for. */
  #fetched: Ledger = new Ledger((count) => this.#lost(count));
  #taken: NumberMap<Taken> = new NumberMap();
  #since = Date.now();
  #put = 0;
  #left: Record<ItemOutcome, number> = { got: 0, done: 0, dropped: 0 };
  #observer: ToldObserver = new ToldObserver("a queue");
  #last_ticket = 0;
  #last_number = 0;

  constructor({ store, rank = () => undefined }: Arrangement, settings: QueueSettings) {
    this.#store = store;
    this.#rank = rank;
    this.#settings = settings;
  }

  get #is_full(): boolean {
    return this.#settings.maxsize > 0 && this.#store.size >= this.#settings.maxsize;
  }

  /**
   * Adds an item, or waits for room.
   *
   * @throws {TypeError} If it cannot be compared with the others.
   */
  put(_owner: Owner, item: unknown, timeout: number | null): Wait<void> | void {
    if (this.#state !== "open") throw shut_down();
    const entry = { item, number: ++this.#last_number, rank: this.#rank(item), deliveries: 0 };
    if (!this.#is_full) return this.#add(entry);
    if (timeout === 0) throw full();
    return this.#putters.add(entry, timeout, () => {
      throw full();
    });
  }

  /** @throws {TypeError} If a connection in it is in use. */
  #add(entry: Entry): void {
    entry.item = given_away(entry.item);
    this.#unfinished++;
    this.#store.add(entry);
    this.#added(entry);
    this.#serve();
  }

  /** Gets the next item, for good. */
  get(owner: Owner, timeout: number | null): Wait<unknown> {
    return this.#get({ owner, takes: false }, timeout);
  }

  /** Takes the next item, which comes back unless it is said that it is done. */
  take(owner: Owner, timeout: number | null): Wait<unknown> {
    return this.#get({ owner, takes: true }, timeout);
  }

  #get(getter: Getter, timeout: number | null): Wait<unknown> {
    this.#serve();
    if (this.#store.size > 0) return Wait.granted(...this.#next(getter));
    if (this.#state !== "open") throw shut_down();
    if (timeout === 0) throw empty();
    return this.#getters.add(getter, timeout, () => {
      throw empty();
    });
  }

  /** The next item as it is given, and what becomes of it. */
  #next({ owner, takes }: Getter): [value: unknown, grant: Grant] {
    const entry = this.#store.next()!;
    this.#admit();
    return takes ? this.#deliver(entry, owner) : [entry.item, {
      undo: () => this.#put_back(entry),
      received: () => this.#received(owner, entry),
      refused: (error) => this.#drop(entry, "cannot be sent to who got it", error),
    }];
  }

  #deliver(entry: Entry, owner: Owner): [value: Delivery, grant: Grant] {
    entry.deliveries++;
    const ticket = ++this.#last_ticket;
    const received = () => {
      this.#taken.set(ticket, new Taken(this, entry, ticket, owner.heir));
    };
    return [[ticket, entry.deliveries, entry.item], {
      undo: () => {
        entry.deliveries--;
        this.#put_back(entry);
      },
      received,
      refused: () => {
        received();
        this.back(owner, ticket);
      },
    }];
  }

  /** Puts an item where it was. More may come back with it, so nobody gets it before they are all there. */
  #put_back(entry: Entry): void {
    if (this.#state === "emptied") {
      drop_connections(entry.item);
      this.#has_left(entry, "dropped");
      return this.#finish(1);
    }
    this.#store.put_back(entry);
    queueMicrotask(() => this.#serve());
  }

  /** Gives items to those who wait. */
  #serve(): void {
    while (this.#store.size > 0 && this.#getters.size > 0) {
      const [wait, getter] = this.#getters.shift()!;
      wait.grant(...this.#next(getter));
    }
  }

  /** Lets in those who wait for room. */
  #admit(): void {
    while (this.#putters.size > 0 && !this.#is_full) {
      const [wait, entry] = this.#putters.shift()!;
      wait.grant_by(() => this.#add(entry));
    }
  }

  /** An item that was taken is done; nothing, if it has come back meanwhile. */
  done(owner: Owner, ticket: number): void {
    const taken = this.#untake(owner, ticket);
    if (!taken) return;
    this.#has_left(taken.entry, "done");
    this.#finish(1);
  }

  /** An item that was taken comes back, and is the next one; one that came back too often is dropped. */
  back(owner: Owner, ticket: number): void {
    const taken = this.#untake(owner, ticket);
    if (!taken) return;
    const { deliveries } = taken.entry;
    if (deliveries < this.#settings.max_deliveries) this.#put_back(taken.entry);
    else this.#drop(taken.entry, `was taken ${deliveries} times and never done`);
  }

  #untake({ agent }: Owner, ticket: number): Taken | undefined {
    const taken = this.#taken.get(ticket);
    if (taken?.owner.agent !== agent) return undefined;
    this.#taken.delete(ticket);
    taken.owner.remove(taken);
    return taken;
  }

  #drop(entry: Entry, why: string, cause?: unknown): void {
    drop_connections(entry.item);
    this.#has_left(entry, "dropped");
    const message = `An item of ${this.name} ${why}: it was dropped, and counts as done`;
    this.#finish(1);
    report_of(this, new Error(message, cause === undefined ? undefined : { cause }));
  }

  /**
   * An item that was got is done.
   *
   * @throws {RangeError} If more are than were put.
   */
  task_done(owner: Owner): void {
    if (this.#unfinished === 0) throw new RangeError("task_done() called too many times");
    this.#is_counted = true;
    // One task may get an item, and another one say that it is done.
    if (this.#fetched.forget(owner, 1) > 0) {
      const { owners } = this.#fetched;
      const other = owners.find(({ agent }) => agent === owner.agent) ?? owners[0];
      if (other) this.#fetched.forget(other, 1);
    }
    this.#finish(1);
  }

  #finish(count: number): void {
    // What is in the queue may count as done before it is taken: task_done() does not say for which item it is.
    this.#unfinished = Math.max(this.#unfinished - count, 0);
    if (this.#unfinished === 0) { for (const wait of this.#joiners.clear()) wait.grant(); }
  }

  /** Waits until all items are done. */
  join(_owner: Owner, timeout: number | null): Wait<void> | void {
    if (this.#unfinished === 0) return;
    const expired = () => {
      throw new TimeoutError(`Not all items were done within ${timeout} ms`);
    };
    if (timeout === 0) expired();
    return this.#joiners.add(null, timeout, expired);
  }

  qsize(): number {
    return this.#store.size;
  }

  empty(): boolean {
    return this.#store.size === 0;
  }

  full(): boolean {
    return this.#is_full;
  }

  /** Refuses new items; drops those that are there, if it is immediate. */
  shutdown(_owner: Owner, immediate: boolean): void {
    if (this.#state === "open") this.#state = "shut down";
    for (const wait of this.#putters.clear()) wait.reject(shut_down());
    this.#serve();
    if (immediate) {
      this.#state = "emptied";
      this.#finish(this.#drop_all());
    }
    for (const wait of this.#getters.clear()) wait.reject(shut_down());
  }

  /** Drops what is in it; gives how much that was. */
  #drop_all(): number {
    const entries = this.#store.clear();
    for (const entry of entries) {
      drop_connections(entry.item);
      this.#has_left(entry, "dropped");
    }
    return entries.length;
  }

  /** A task got an item. */
  #received(owner: Owner, entry: Entry): void {
    this.#has_left(entry, "got");
    if (this.#settings.counts) this.#fetched.note(owner, 1);
    else this.#finish(1);
  }

  /** What somebody got who is no more, or was given up, is lost: it counts as done. */
  #lost(count: number): void {
    this.#finish(Math.min(count, this.#unfinished));
    if (!this.#is_counted) return;
    const items = count === 1 ? "1 item" : `${count} items`;
    const message = `${items} of ${this.name} were lost with who got them, and count as done: ` +
      "take() brings such items back";
    report_of(this, new Error(message));
  }

  /** An item is in the queue. */
  #added(entry: Entry): void {
    this.#put++;
    const { observer } = this.#settings;
    if (!observer) return;
    entry.added_at = performance.now();
    const event = { type: "item.start", time: Date.now(), item: entry.number } as const;
    this.#observer.tell(() => observer(event));
  }

  /** It has left it for good. */
  #has_left({ number: item, deliveries, added_at }: Entry, outcome: ItemOutcome): void {
    this.#left[outcome]++;
    const { observer } = this.#settings;
    if (!observer) return;
    const duration = performance.now() - added_at!;
    const what = { item, outcome, duration, deliveries };
    this.#observer.tell(() => observer({ type: "item.stop", time: Date.now(), ...what }));
  }

  get info(): QueueInfo {
    const { maxsize } = this.#settings;
    return {
      since: this.#since,
      size: this.#store.size,
      maxsize: maxsize > 0 ? maxsize : Infinity,
      taken: this.#taken.size,
      getters: this.#getters.size,
      putters: this.#putters.size,
      put: this.#put,
      ...this.#left,
    };
  }

  withdraw(reason: Error): void {
    this.#drop_all();
    for (const line of [this.#getters, this.#putters, this.#joiners]) {
      for (const wait of line.clear()) wait.reject(reason);
    }
    for (const taken of this.#taken.values()) {
      taken.owner.remove(taken);
      this.#has_left(taken.entry, "dropped");
    }
    this.#fetched.clear();
    this.#taken.clear();
  }
}

function empty(): Error {
  return new Empty("There is no item in the queue");
}

function full(): Error {
  return new Full("There is no room in the queue");
}

function shut_down(): Error {
  return new ShutDown("The queue was shut down");
}
