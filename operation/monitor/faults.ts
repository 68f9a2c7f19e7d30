/** How many are kept. */
const KEPT = 50;

/** Something that went wrong. */
export interface Fault {
  /** When, as `Date.now()` gives it: the last time, if it was several times in a row. */
  time: number;
  /** How often in a row. */
  count: number;
  /** The server, executor or queue. */
  where: string;
  /** What happened. */
  what: string;
  /** The error, on one line. */
  error: string;
  /** Whom it concerns: a client, a worker. */
  whom: string;
}

/** The last things that went wrong; what happens again and again is one of them. */
export class Faults {
  #faults: Fault[] = [];

  /** The newest first. */
  get list(): Fault[] {
    return this.#faults.toReversed();
  }

  /** Takes note of one. */
  add(fault: Omit<Fault, "count">): void {
    const last = this.#faults.at(-1);
    const again = last?.where === fault.where && last.what === fault.what &&
      last.error === fault.error;
    const count = again ? last.count + 1 : 1;
    if (again) this.#faults.pop();
    this.#faults.push({ ...fault, count });
    if (this.#faults.length > KEPT) this.#faults.shift();
  }
}
