import { MAX_TIMER } from "../runtime/timer.ts";

/** What somebody waits for: at its home, or from afar. */
export interface Waiting<T = unknown> {
  /** Whether it has come to an end. */
  readonly is_over: boolean;
  /** What it failed with, if it did. */
  readonly error: { reason: unknown } | undefined;
  /** What it gives, or fails with. */
  readonly promise: Promise<T>;
  /** Calls a function when it has come to an end. */
  on_over(call: () => void): void;
  /** Gives it up: it rejects with the reason, and what it was granted goes back. */
  cancel(reason: unknown): void;
  /** The same, unless it was granted something by now. */
  end(reason: unknown): void;
}

/** What becomes of a grant. */
export interface Grant {
  /** Takes it back: nobody has received it. */
  undo?(): void;
  /** Called when somebody has received it. */
  received?(): void;
  /** Called instead where it cannot get to who asked for it; unless told, it is taken back. */
  refused?(error: unknown): void;
}

/**
 * A wait at the home of what is waited for, which alone settles it. `"granted"` is one whose grant is on its
 * way to another thread: until it is received it can be taken back.
 */
export class Wait<T = unknown> implements Waiting<T> {
  #state: "waiting" | "granted" | "over" = "waiting";
  #outcome: PromiseWithResolvers<T> | undefined;
  #value: T | undefined;
  #error: { reason: unknown } | undefined;
  #grant: Grant | undefined;
  #over: (() => void)[] | undefined;
  #left: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * A wait that was granted at once.
   *
   * @param value What it gives.
   * @param grant What becomes of that.
   */
  static granted<T>(value: T, grant?: Grant): Wait<T> {
    const wait = new Wait<T>();
    wait.grant(value, grant);
    return wait;
  }

  get is_over(): boolean {
    return this.#state !== "waiting";
  }

  /** What it was granted. */
  get value(): T | undefined {
    return this.#value;
  }

  /** What it failed with. */
  get error(): { reason: unknown } | undefined {
    return this.#error;
  }

  /** Whether its grant can be taken back. */
  get can_be_undone(): boolean {
    return this.#grant?.undo !== undefined;
  }

  get promise(): Promise<T> {
    if (!this.#outcome) {
      this.#outcome = Promise.withResolvers();
      this.#tell();
    }
    return this.#outcome.promise;
  }

  on_over(call: () => void): void {
    if (this.is_over) call();
    else (this.#over ??= []).push(call);
  }

  /**
   * Bounds how long it takes.
   *
   * @param timeout The time in ms; `null` for no bound.
   * @param expired What it gives then, or throws.
   * @param left Called when it ends without a grant.
   */
  begin(timeout: number | null, expired: () => T, left: () => void): this {
    this.#left = left;
    if (timeout !== null && timeout <= MAX_TIMER) {
      this.#timer = setTimeout(() => this.#expire(expired), timeout);
    }
    return this;
  }

  /** Its clock keeps no program from ending. */
  unref(): void {
    if (this.#timer !== undefined) Deno.unrefTimer(this.#timer as unknown as number);
  }

  #expire(expired: () => T): void {
    this.#left?.();
    try {
      this.#settle("over", expired());
    } catch (error) {
      this.reject(error);
    }
  }

  /** Gives it what it waits for. */
  grant(value: T, grant?: Grant): void {
    if (this.is_over) return;
    this.#grant = grant;
    this.#settle("granted", value);
  }

  /** Does what it waits for, and gives what that gives, or fails as that does. */
  grant_by(act: () => T): void {
    try {
      this.grant(act());
    } catch (error) {
      this.reject(error);
    }
  }

  /** It will never be granted. */
  reject(reason: unknown): void {
    if (this.is_over) return;
    this.#error = { reason };
    this.#settle("over");
  }

  #settle(state: "granted" | "over", value?: T): void {
    this.#state = state;
    this.#value = value;
    clearTimeout(this.#timer);
    this.#left = undefined;
    this.#tell();
    const over = this.#over;
    this.#over = undefined;
    if (over) { for (const call of over) call(); }
  }

  #tell(): void {
    if (!this.is_over || !this.#outcome) return;
    if (this.#error) this.#outcome.reject(this.#error.reason);
    else this.#outcome.resolve(this.#value!);
  }

  /** The grant has come where it was going. */
  receive(): void {
    this.#end_grant()?.received?.();
  }

  /** Takes back a grant that nobody has received. */
  undo(): void {
    this.#end_grant()?.undo?.();
  }

  /** The grant cannot get to who asked for it. */
  refuse(error: unknown): void {
    const grant = this.#end_grant();
    if (grant?.refused) grant.refused(error);
    else grant?.undo?.();
  }

  #end_grant(): Grant | undefined {
    const grant = this.#grant;
    this.#grant = undefined;
    this.#state = "over";
    return grant;
  }

  cancel(reason: unknown): void {
    if (this.#state === "granted") this.undo();
    else this.end(reason);
  }

  end(reason: unknown): void {
    if (this.is_over) return;
    this.#left?.();
    this.reject(reason);
  }
}

/** Somebody's place in a line. */
interface Place<T, D> {
  readonly wait: Wait<T>;
  readonly data: D;
  before: Place<T, D> | undefined;
  behind: Place<T, D> | undefined;
  is_left: boolean;
}

/**
 * A line of waits, first come first served. Places know their neighbours: finding the first of a `Map` takes the longer
 * the more were taken out before it.
 *
 * @typeParam T What a wait gives.
 * @typeParam D What there is to know of one that waits.
 */
export class Line<T, D> {
  #first: Place<T, D> | undefined;
  #last: Place<T, D> | undefined;
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Puts somebody into the line.
   *
   * @param data What there is to know.
   * @param timeout How long they wait, in ms; `null` for ever.
   * @param expired What they get then; it may throw.
   * @param left Called when they leave without a grant.
   */
  add(data: D, timeout: number | null, expired: () => T, left?: () => void): Wait<T> {
    const wait = new Wait<T>();
    const before = this.#last;
    const place = { wait, data, before, behind: undefined, is_left: false };
    if (before) before.behind = place;
    else this.#first = place;
    this.#last = place;
    this.#size++;
    return wait.begin(timeout, expired, () => {
      this.#leave(place);
      left?.();
    });
  }

  #leave(place: Place<T, D>): void {
    if (place.is_left) return;
    const { before, behind } = place;
    if (before) before.behind = behind;
    else this.#first = behind;
    if (behind) behind.before = before;
    else this.#last = before;
    place.is_left = true;
    this.#size--;
  }

  /** The first of those that wait, with what there is to know. */
  get first(): [Wait<T>, D] | undefined {
    return this.#first && [this.#first.wait, this.#first.data];
  }

  /** Takes the first one out of the line. */
  shift(): [Wait<T>, D] | undefined {
    const { first } = this;
    if (this.#first) this.#leave(this.#first);
    return first;
  }

  /** Those that wait, in their order. */
  *[Symbol.iterator](): Generator<[Wait<T>, D]> {
    for (let place = this.#first; place; place = place.behind) {
      if (!place.is_left) yield [place.wait, place.data];
    }
  }

  /** Takes all out of the line. */
  clear(): Wait<T>[] {
    const waits = [...this].map(([wait]) => wait);
    while (this.#first) this.#leave(this.#first);
    return waits;
  }
}
