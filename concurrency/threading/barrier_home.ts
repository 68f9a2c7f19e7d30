import { BrokenBarrierError } from "../../internal/shared/errors.ts";
import { type Home, report_of } from "../../internal/shared/home.ts";
import { program } from "../../internal/shared/task.ts";
import { Line, type Wait } from "../../internal/shared/wait.ts";

/** Those who are released together, each with its index. */
type Generation = Line<number, number>;

/** What a barrier is told when it is made. */
export interface BarrierSettings {
  parties: number;
  action: (() => unknown) | null;
  timeout: number | null;
}

/** A barrier in its home thread: who waits, and whether it is broken. */
export class BarrierHome implements Home {
  readonly methods: ReadonlySet<string> = new Set([
    "wait",
    "reset",
    "abort",
    "n_waiting",
    "broken",
  ]);
  name = "a barrier";
  declare report?: (error: Error) => void;
  #settings: BarrierSettings;
  #is_broken = false;
  /** The first is filling, or the action runs for it. Then others may come: they are the next to be released. */
  #generations: Generation[] = [];

  constructor(settings: BarrierSettings) {
    this.#settings = settings;
  }

  /** How many are released together. */
  get fixed(): number {
    return this.#settings.parties;
  }

  /** Waits for the others; gives who one is among them. */
  wait(_owner: unknown, timeout: number | null): Wait<number> {
    if (this.#is_broken) throw broken();
    const generation = this.#filling();
    const index = generation.size;
    const is_last = index === this.fixed - 1;
    // Who comes last waits for nobody.
    const limit = is_last ? null : timeout ?? this.#settings.timeout;
    const expired = () => {
      throw broken(`not all came within ${limit} ms`);
    };
    const wait = generation.add(index, limit, expired, () => this.#break(generation));
    if (limit === 0) wait.end(broken("not all were there"));
    else if (generation === this.#generations[0]) this.#release();
    return wait;
  }

  /** Those who are not all there yet. */
  #filling(): Generation {
    const last = this.#generations.at(-1);
    if (last && last.size < this.fixed) return last;
    const generation: Generation = new Line();
    this.#generations.push(generation);
    return generation;
  }

  /** Runs the action for the first generation and lets it go, if all are there. */
  #release(): void {
    const [generation] = this.#generations;
    if (generation?.size !== this.fixed) return;
    const { action } = this.#settings;
    try {
      const running = action && program.run(action);
      if (!is_thenable(running)) return this.#let_go(generation);
      void Promise.resolve(running).then(
        () => this.#let_go(generation),
        (error) => this.#failed(generation, error),
      );
    } catch (error) {
      this.#failed(generation, error);
    }
  }

  #let_go(generation: Generation): void {
    // It may have been broken while the action ran.
    if (generation !== this.#generations[0]) return;
    this.#generations.shift();
    for (const [wait, index] of generation) wait.grant(index);
    this.#release();
  }

  /** The action has failed: who came last is told why. */
  #failed(generation: Generation, error: unknown): void {
    if (generation !== this.#generations[0]) return report_of(this, error as Error);
    [...generation].at(-1)![0].reject(error);
    this.#break(generation, error);
  }

  /** Breaks the barrier for a generation, and for those who came after it. */
  #break(generation: Generation, cause?: unknown): void {
    this.#is_broken = true;
    this.#reject(broken("somebody will not come", cause), this.#generations.indexOf(generation));
  }

  #reject(reason: Error, from = 0): void {
    for (const generation of this.#generations.splice(from)) {
      for (const wait of generation.clear()) wait.reject(reason);
    }
  }

  /** Makes it as new. Who waits has waited in vain. */
  reset(): void {
    this.#reject(broken("it was reset"));
    this.#is_broken = false;
  }

  /** Breaks it until it is reset. */
  abort(): void {
    this.#is_broken = true;
    this.#reject(broken("it was aborted"));
  }

  n_waiting(): number {
    return this.#generations.reduce((count, { size }) => count + size, 0);
  }

  broken(): boolean {
    return this.#is_broken;
  }

  withdraw(reason: Error): void {
    this.#reject(reason);
  }
}

function broken(why?: string, cause?: unknown): Error {
  const message = why === undefined ? "The barrier is broken" : `The barrier is broken: ${why}`;
  return new BrokenBarrierError(message, cause === undefined ? undefined : { cause });
}

function is_thenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}
