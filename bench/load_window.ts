import type { LoadResult } from "./load_result.ts";

/** How long servers warm up before anything counts, in ms. */
const WARM_UP = 500;

/** The time measured: counts the messages in it, how long they took, and all errors. */
export class LoadWindow {
  #seconds: number;
  #start: number;
  #end: number;
  #latencies: number[] = [];
  #errors = 0;
  #lost = 0;

  /** Begins the warm-up. */
  constructor(seconds: number) {
    this.#seconds = seconds;
    this.#start = performance.now() + WARM_UP;
    this.#end = this.#start + seconds * 1000;
  }

  /** Whether new messages may start. */
  get open(): boolean {
    return performance.now() < this.#end;
  }

  /** Counts a message, which started at a time of `performance.now()`, as answered now. */
  record(started: number): void {
    const now = performance.now();
    if (now >= this.#start && now < this.#end) this.#latencies.push(now - started);
  }

  /** Counts an error. The first one is shown. */
  fail(error: unknown): void {
    if (this.#errors++ === 0) console.error("load: first error:", error);
  }

  /** Counts a datagram as sent again. */
  lose(): void {
    this.#lost++;
  }

  /** What was counted. */
  result(mode: string): LoadResult {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const percentile = (fraction: number) =>
      Math.round((sorted[Math.floor(sorted.length * fraction)] ?? 0) * 1000);
    return {
      mode,
      messages: sorted.length,
      seconds: this.#seconds,
      per_second: sorted.length / this.#seconds,
      errors: this.#errors,
      lost: this.#lost,
      p50_us: percentile(0.5),
      p99_us: percentile(0.99),
    };
  }
}
