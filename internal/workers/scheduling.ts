/**
 * Which worker gets the next job: each is looked at once, then the looks are compared. Nothing here
 * waits or changes a worker.
 *
 * The five clocks of a pool, in ms:
 *
 * ```text
 * a job is sent ──── SLOW 5 ───── PATIENCE 25
 *                    the worker   the pool takes back what it has not taken,
 *                    is silent    if another worker answers
 *
 * a worker is ready ── SETTLED 1000 ──────────── REST 10,000
 *                      it has worked: it is      one beyond the least number
 *                      replaced without delay    that has nothing to do ends
 *
 * the first is ready ─ START 1000: until then, or until all are ready, it gets one job only
 * ```
 *
 * SLOW is below PATIENCE, so that what is taken back does not go to a worker that is silent, too.
 *
 * @module
 */

/** How long a worker that answers may leave a job untaken. */
export const SLOW = 5;
/** How long a worker may leave a job untaken until another one gets it. */
export const PATIENCE = 25;
/** How long a worker must have been ready to count as one that works. */
export const SETTLED = 1000;
/** How long the first worker that is ready takes one job only, until the others are. */
export const START = 1000;
/** How long workers beyond the least number may have nothing to do. */
export const REST = 10_000;

/** By how many jobs one that was silent counts as busier; each that it completes takes one off. */
const HANDICAP = 4;
/** The most that it counts as busier. */
const MAX_HANDICAP = 16;

/** A worker at the moment of a look. */
export interface Look {
  /** Whether it has left a job untaken for long: it computes, it seems. */
  silent: boolean;
  /** How busy it is, in jobs. */
  load: number;
  /** When a job of it last ended, by `performance.now()`. */
  completed_at: number;
}

/**
 * Whether one worker should get a job rather after another: it does not answer, or has more to do. Of
 * two with as much to do, the one that ended something last is the nearer to its end with that.
 */
export function is_busier(one: Look, other: Look): boolean {
  if (one.silent !== other.silent) return one.silent;
  if (one.load !== other.load) return one.load > other.load;
  return one.completed_at < other.completed_at;
}

/** What is held against a worker that was silent: what it is given next may wait for long. */
export class Handicap {
  /** In jobs. */
  value = 0;
  #was_silent = false;

  /** To be called at each look. */
  looked(silent: boolean): void {
    if (silent && !this.#was_silent) this.value = Math.min(this.value + HANDICAP, MAX_HANDICAP);
    this.#was_silent = silent;
  }

  /** To be called when a job is done. */
  completed(): void {
    if (this.value > 0) this.value--;
  }
}

/** So much work, in ms, is sent ahead to a worker that does one job at a time. */
const AHEAD = 4;
/** The most jobs that are sent ahead. */
const MAX_AHEAD = 63;

/** How many jobs a worker gets that does one at a time: many that are short, so that it never waits. */
export class Pace {
  /** How long a job takes, in ms, on the average of the last ones. */
  #time = Infinity;
  #last = 0;
  #is_full = false;

  /** To be called when a job was given, with how many it has then beside that. */
  given(others: number): void {
    if (others === 0) this.#last = performance.now();
  }

  /** To be called when a job is done, with the time of `performance.now()`. */
  done(now: number): void {
    const took = now - this.#last;
    this.#last = now;
    this.#time = this.#time === Infinity ? took : (3 * this.#time + took) / 4;
  }

  /**
   * Whether it may have another one. When it has had its fill, only after half of that is done: then many go
   * together.
   *
   * @param active How many it has.
   */
  has_room(active: number): boolean {
    // What is behind one that takes long would only be taken back.
    if (active > 0 && performance.now() - this.#last > AHEAD) return false;
    const most = 1 + Math.min(MAX_AHEAD, Math.floor(AHEAD / this.#time));
    if (active >= most) this.#is_full = true;
    else if (2 * active <= most) this.#is_full = false;
    return !this.#is_full;
  }
}
