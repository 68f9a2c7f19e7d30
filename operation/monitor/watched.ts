import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import type { Fault } from "./faults.ts";
import type { Figures, Lines } from "./history.ts";

/** How many there are now, were at the most, and may be: numbers that belong side by side. */
export interface Gauge {
  name: string;
  now: number;
  /** Left out where nobody knows. */
  most?: number;
  /** `null`: as many as there is memory for. */
  limit: number | null;
  /** Whether there is no room for more, so that those are refused, or must wait. */
  is_full?: boolean;
}

/** What the page shows of a server, an executor or a queue. */
export interface View {
  kind: "server" | "executor" | "queue";
  name: string;
  /** Where a server listens. */
  address?: string;
  state: string;
  /** Since when it is there, as `Date.now()` gives it. */
  since?: number;
  gauges: Gauge[];
  /** What it did in the last minute: second by second, and together. */
  lines?: Lines;
  figures?: Figures;
  /** What became of its requests or tasks. */
  outcomes: Record<string, number>;
  /** Why requests were refused. */
  refused_by?: Record<string, number>;
  /** Other counts. */
  counts: Record<string, number>;
  /** Bytes, by direction. */
  bytes?: Record<string, number>;
  workers?: WorkerView[];
}

/** What the page shows of a worker. */
export interface WorkerView extends WorkerInfo {
  /** How many requests or tasks it may have at once; `null`: any number. */
  limit: number | null;
}

/** Something that is watched. */
export interface Watched {
  readonly kind: View["kind"];
  readonly name: string;
  /** What it tells of itself. */
  readonly info: unknown;
  /** Why it takes nothing now; `undefined` if it does. */
  readonly unfit: string | undefined;
  /** Whether it is closed for good. */
  readonly is_over: boolean;
  /**
   * What the page shows of it.
   *
   * @param now On the clock of `performance.now()`.
   */
  view(now: number): View;
  /** Watches no longer. */
  leave(): void;
}

/** Who is told what happens to what is watched. */
export interface Told {
  /** Something went wrong. */
  fault(fault: Omit<Fault, "count">): void;
  /** One is closed for good. */
  over(): void;
}

export function gauge(name: string, now: number, limit: number, most?: number): Gauge {
  return { name, now, ...(most !== undefined && { most }), limit: limit_of(limit) };
}

/** A limit as JSON has it. */
export function limit_of(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}

/** Those of some numbers that are known. */
export function numbers(some: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(some).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}

/** How a worker is called that has ended. */
export function worker_text(
  { worker, lost, pid, exitcode, signal }: {
    worker: number;
    lost: number;
    pid?: number;
    exitcode: number | null;
    signal: string | null;
  },
  noun: string,
): string {
  const ending = signal ?? (exitcode === null ? undefined : `exit code ${exitcode}`);
  return [
    pid === undefined ? `worker ${worker}` : `worker ${worker}, pid ${pid}`,
    ...(ending === undefined ? [] : [ending]),
    ...(lost > 0 ? [`${lost} ${noun}${lost === 1 ? "" : "s"} lost`] : []),
  ].join(", ");
}
