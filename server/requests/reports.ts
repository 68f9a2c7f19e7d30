import { Backoff } from "../../internal/runtime/backoff.ts";
import { client_fault_of } from "../../internal/runtime/client_fault.ts";
import { format_address } from "../address.ts";
import { line_of, place_of, printable, text_of } from "../../internal/runtime/error_text.ts";
import { print, written } from "../../internal/runtime/standard_error.ts";

/** How many reports of a kind are printed in a period. */
const MAX_PRINTED = 10;
/** How many kinds are told apart in a period: what clients make up must not fill the memory. */
const MAX_KINDS = 100;
/** How long a period is, in ms; while some reports are only counted, each is twice as long as the last. */
const SHORTEST = 1000;
/** The longest period, in ms. */
const LONGEST = 60_000;
/** A line around a report. */
const RULE = "-".repeat(40);

/** Reports of one kind: of the faults of clients, or of errors from one place in the code. */
interface Kind {
  printed: number;
  /** How many were only counted. */
  counted: number;
  /** Gives a line about the last of those. */
  last?: () => string;
}

/**
 * Prints what goes wrong in a server. Clients can cause as many errors as they like: ten of a kind are
 * printed in a second, and the others counted. While that goes on, it is ten in two seconds, in four, up to
 * a minute.
 */
export class Reports {
  #kinds: Map<string, Kind> = new Map();
  #periods: Backoff = new Backoff(SHORTEST, LONGEST);
  /** When the period is over, in ms. */
  #over_at = -Infinity;
  /** Rings then, if some reports were counted. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  /**
   * Prints an error, or counts it.
   *
   * @param error What was thrown.
   * @param client_address Whose request it was thrown in, `null` if in none.
   */
  add(error: unknown, client_address: unknown): void {
    const fault = client_fault_of(error);
    if (fault) {
      const line = () => fault_line(fault, client_address);
      this.#add("a client's fault", line, line);
    } else {
      const where = client_address === null ? "in the server" : during(client_address);
      const text = () => `${RULE}\nException occurred ${where}\n${text_of(error)}\n${RULE}`;
      this.#add(place_of(error), text, () => `${line_of(error)}, ${where}`);
    }
  }

  /** Prints, or counts, that `handle_error()` threw while it handled an error. */
  add_failure(fault: unknown, error: unknown): void {
    const text = () =>
      `handle_error() threw:\n${text_of(fault)}\nwhile it handled:\n${text_of(error)}`;
    this.#add(
      `handle_error ${place_of(fault)}`,
      text,
      () => `handle_error() threw ${line_of(fault)}`,
    );
  }

  /**
   * Tells what was counted, and resolves when it is written. What comes now is printed: no more requests
   * do.
   */
  async end(): Promise<void> {
    this.#ended = true;
    this.#tell();
    await written();
  }

  #add(name: string, text: () => string, line: () => string): void {
    if (this.#ended) return print(text());
    if (!this.#timer && performance.now() >= this.#over_at) {
      this.#periods.reset();
      this.#begin();
    }
    const kind = this.#kind(name);
    if (kind.printed < MAX_PRINTED) {
      kind.printed++;
      return print(text());
    }
    kind.counted++;
    kind.last = line;
    this.#timer ??= this.#start_timer();
  }

  #kind(name: string): Kind {
    const known = this.#kinds.get(name);
    if (known) return known;
    if (this.#kinds.size >= MAX_KINDS && name !== "others") return this.#kind("others");
    const kind = { printed: 0, counted: 0 };
    this.#kinds.set(name, kind);
    return kind;
  }

  #begin(): void {
    this.#kinds.clear();
    this.#over_at = performance.now() + this.#periods.next();
  }

  #start_timer(): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.#tell();
      this.#begin();
    }, this.#over_at - performance.now());
    // The program must not go on only to say that.
    Deno.unrefTimer(timer);
    return timer;
  }

  /** Prints how many were counted, of each kind. */
  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { counted, last } of this.#kinds.values()) {
      if (last) print(`… and ${counted.toLocaleString("en")} more. The last: ${last()}`);
    }
    this.#kinds.clear();
  }
}

/** What a client has done, on one line. */
function fault_line({ message }: Error, client_address: unknown): string {
  const fault = printable(message);
  return client_address === null ? fault : `A request of ${shown(client_address)} failed: ${fault}`;
}

function during(client_address: unknown): string {
  return `during processing of request from ${shown(client_address)}`;
}

/** The address on one line: clients of Unix sockets name themselves. */
function shown(client_address: unknown): string {
  try {
    return printable(format_address(client_address));
  } catch {
    return "an address that cannot be shown";
  }
}
