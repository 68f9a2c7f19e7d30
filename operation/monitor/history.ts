/** How many seconds are kept. */
export const SECONDS = 60;
/** For how many seconds the rate is a mean. */
const RATE_SECONDS = 10;
/** Durations are counted in ranges, each longer than the one before by this power of 2, from the shortest, in ms. */
const PER_OCTAVE = 8;
const SHORTEST = 1 / 16;
const RANGES = 256;

/** What ended in one second. */
class Second {
  /** Which second of the clock it is. */
  number = -1;
  count = 0;
  /** How many there are of each range of durations. */
  readonly ranges: Uint32Array = new Uint32Array(RANGES);

  begin(number: number): void {
    this.number = number;
    this.count = 0;
    this.ranges.fill(0);
  }
}

/** How many ended, and how long they took, at the end of each second. */
export interface Lines {
  /** How many ended in each of the last seconds, the oldest first. */
  rate: number[];
  /** The median of their durations in each second, in ms; `null` where none ended. */
  p50: (number | null)[];
  /** What 95 of 100 did not exceed. */
  p95: (number | null)[];
}

/** The same of the last seconds together. */
export interface Figures {
  /** How many ended in a second, as a mean of the last ones. */
  per_second: number;
  /** How long they took, in ms; `null` if there were none. */
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** How many requests or tasks ended in each of the last seconds, and how long they took. It needs no timer. */
export class History {
  /** One more for the second that is not over. */
  #seconds: Second[] = Array.from({ length: SECONDS + 1 }, () => new Second());

  /**
   * Counts one that has ended.
   *
   * @param duration How long it took, in ms.
   * @param now When, in ms of a clock that never goes back.
   */
  add(duration: number, now: number): void {
    const number = Math.floor(now / 1000);
    const second = this.#at(number);
    if (second.number !== number) second.begin(number);
    second.count++;
    second.ranges[range_of(duration)]!++;
  }

  /** What there is to draw, and to read. */
  of(now: number): { lines: Lines; figures: Figures } {
    const seconds = this.#past(now);
    const rate = seconds.map((second) => second?.count ?? 0);
    const known = seconds.filter((second) => second !== null);
    const of_each = (part: number) => seconds.map((second) => second && percentile([second], part));
    return {
      lines: { rate, p50: of_each(0.5), p95: of_each(0.95) },
      figures: {
        per_second: rate.slice(-RATE_SECONDS).reduce((sum, count) => sum + count) / RATE_SECONDS,
        p50: percentile(known, 0.5),
        p95: percentile(known, 0.95),
        p99: percentile(known, 0.99),
      },
    };
  }

  #at(number: number): Second {
    return this.#seconds[number % (SECONDS + 1)]!;
  }

  /** The seconds that are over, the oldest first; `null` for those in which none ended. */
  #past(now: number): (Second | null)[] {
    const current = Math.floor(now / 1000);
    return Array.from({ length: SECONDS }, (_, index) => {
      const number = current - SECONDS + index;
      const second = number < 0 ? undefined : this.#at(number);
      return second?.number === number ? second : null;
    });
  }
}

function range_of(duration: number): number {
  const range = Math.ceil(PER_OCTAVE * Math.log2(duration / SHORTEST));
  return Math.min(Math.max(range, 0), RANGES - 1);
}

/** What a part of the durations did not exceed, up to a tenth. */
function percentile(seconds: readonly Second[], part: number): number | null {
  const count = seconds.reduce((sum, second) => sum + second.count, 0);
  if (count === 0) return null;
  let left = Math.ceil(count * part);
  let range = -1;
  while (left > 0) {
    range++;
    for (const { ranges } of seconds) left -= ranges[range]!;
  }
  return Number((SHORTEST * 2 ** (range / PER_OCTAVE)).toPrecision(3));
}
