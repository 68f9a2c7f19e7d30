import type { Durations } from "../info.ts";

/** The upper ends of the ranges, in ms: those that OpenTelemetry has for requests. */
const BOUNDS: readonly number[] = Object.freeze(
  [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000],
);

/** Counts durations by how long they are. */
export class DurationCounts {
  #counts: number[] = Array(BOUNDS.length + 1).fill(0);
  #sum = 0;

  /** Counts one more, in ms. */
  add(duration: number): void {
    let at = 0;
    while (duration > BOUNDS[at]!) at++;
    this.#counts[at]!++;
    this.#sum += duration;
  }

  get durations(): Durations {
    return { bounds: BOUNDS, counts: [...this.#counts], sum: this.#sum };
  }
}
