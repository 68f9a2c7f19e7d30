/** What a server of the fire has told of itself: its events, one by one, and its errors. */
import type { ServerEvent, ServerObserver } from "../../mod.ts";

/** The errors that a fire may cause, by their names. Any other is a fault. */
const EXPECTED = new Set([
  "AbortError",
  "BrokenPipe",
  "BusyError",
  "ConnectionAborted",
  "ConnectionReset",
  // Of workers that have ended, and of what they held.
  "Error",
  "InvalidData",
  "NotConnected",
  "PermissionDenied",
  "Planned",
  "TimedOut",
  "TlsError",
  "UnexpectedEof",
  "WorkerEnded",
]);

/** What a clock may tell in ms that starts and stops with the program: longer is no duration. */
const LONGEST = 3_600_000;

/** The kinds of things of which each start has one stop. */
const PAIRS = ["request", "handshake", "worker"] as const;
type Kind = (typeof PAIRS)[number];

/** An event that begins or ends something. */
type PairEvent = Extract<ServerEvent, { type: `${Kind}.start` | `${Kind}.stop` }>;

/** What is under way in a server, and what became of the rest. */
export class Account {
  /** How many requests ended how. */
  readonly outcomes: Record<string, number> = {};
  /** How many errors were reported, by their names. */
  readonly errors: Record<string, number> = {};
  /** The last of them. */
  last = "none";
  /** What must not happen, in words. */
  readonly faults: string[] = [];
  readonly observer: ServerObserver = (event) => this.#take(event);
  #open: Record<Kind, Set<number>> = {
    request: new Set(),
    handshake: new Set(),
    worker: new Set(),
  };

  /** How many of each kind were started and not stopped. */
  get open(): Record<Kind, number> {
    const { request, handshake, worker } = this.#open;
    return { request: request.size, handshake: handshake.size, worker: worker.size };
  }

  /** Takes an error that was reported. */
  failed(error: unknown): void {
    const { name, stack } = error as Error;
    count(this.errors, name);
    this.last = `${stack}`;
    if (!EXPECTED.has(name)) this.#fault(`an error that nobody expects: ${stack}`);
  }

  #take(event: ServerEvent): void {
    if (is_pair(event)) this.#pair(event);
    if (event.type === "request.stop") count(this.outcomes, event.outcome);
    const { duration = 0 } = event as { duration?: number };
    if (duration < 0 || duration > LONGEST) {
      this.#fault(`${event.type} with a duration of ${duration} ms`);
    }
  }

  #pair(event: PairEvent): void {
    const [kind, end] = event.type.split(".") as [Kind, "start" | "stop"];
    const number = "worker" in event && kind === "worker" ? event.worker! : idOf(event);
    const open = this.#open[kind];
    if (open.has(number) === (end === "start")) this.#fault(`${event.type} twice, of ${number}`);
    if (end === "start") open.add(number);
    else open.delete(number);
  }

  /** A few say what is wrong. */
  #fault(words: string): void {
    if (this.faults.length < 5) this.faults.push(words);
  }
}

function is_pair(event: ServerEvent): event is PairEvent {
  const [kind, end] = event.type.split(".");
  return PAIRS.includes(kind as Kind) && (end === "start" || end === "stop");
}

function idOf(event: PairEvent): number {
  return (event as { id: number }).id;
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
