import { NumberMap } from "../../internal/runtime/number_map.ts";
import type { TaskPlace } from "./current_task.ts";
import type { Engine } from "./engine.ts";
import type { Submitted } from "./submitted.ts";

/** The tasks that wait until the engine has room. */
interface WaitingTasks {
  /** How many there are. */
  readonly waiting: number;
  /** Gives the engine what waits, as long as it has room. */
  room(): void;
}

/** What the engines of this thread have, by the executors. */
const all = new Map<string, Given>();

/** The tasks that the engine of an executor has, until they are over there. */
export class Given {
  readonly id: string;
  readonly line: WaitingTasks;
  /** How many others its tasks wait for. */
  waits = 0;
  #engine: Engine;
  #tasks: NumberMap<Submitted> = new NumberMap();

  constructor(id: string, engine: Engine, line: WaitingTasks) {
    this.id = id;
    this.line = line;
    this.#engine = engine;
  }

  get size(): number {
    return this.#tasks.size;
  }

  add(task: Submitted): void {
    if (this.size === 0) all.set(this.id, this);
    this.#tasks.set(task.number, task);
  }

  delete(task: Submitted): void {
    this.#tasks.delete(task.number);
    if (this.size === 0) all.delete(this.id);
  }

  has(task: Submitted): boolean {
    return this.#tasks.has(task.number);
  }

  /** The one with a number. */
  at(number: number): Submitted | undefined {
    return this.#tasks.get(number);
  }

  /** Those that were begun, or were not. */
  which(has_begun: boolean): Submitted[] {
    return this.#tasks.values().filter((task) => this.#engine.has_begun(task) === has_begun);
  }

  /** How many may run: one more than may where all that run wait for others, as they would for ever. */
  get max_workers(): number {
    const { max_workers } = this.#engine;
    if (this.waits === 0 || this.size < max_workers || this.#any_runs_free()) return max_workers;
    const running = this.which(true);
    if (running.length < max_workers) return max_workers;
    const seen = new Set<unknown>([this]);
    return running.some((task) => task.goes_on(seen)) ? max_workers : running.length + 1;
  }

  /** Whether a task runs that waits for no other: mostly the first that is looked at. */
  #any_runs_free(): boolean {
    for (const task of this.#tasks.values()) {
      if (!task.waits && this.#engine.has_begun(task)) return true;
    }
    return false;
  }

  /**
   * Whether any of some tasks of this executor comes to its end without more workers.
   *
   * @param tasks The tasks.
   * @param seen What was looked at: it waits for itself.
   */
  go_on(tasks: ReadonlySet<Submitted>, seen: Set<unknown>): boolean {
    const begun = this.which(true).filter((task) => tasks.has(task));
    return begun.some((task) => task.goes_on(seen)) ||
      (begun.length < tasks.size && this.#will_begin_others(seen));
  }

  #will_begin_others(seen: Set<unknown>): boolean {
    if (seen.has(this)) return false;
    seen.add(this);
    const running = this.which(true);
    return running.length < this.#engine.max_workers ||
      running.some((task) => task.goes_on(seen));
  }
}

/** The task that runs at a place, of any executor of this thread. */
export function task_at(place: TaskPlace | undefined): Submitted | undefined {
  return place && all.get(place.executor)?.at(place.number);
}

/** A task waits for another one; gives what is to be called when that is done. */
export function begin_wait(waiting: Submitted, task: Submitted): () => void {
  const over = waiting.wait_for(task);
  look_again();
  return () => {
    over();
    if (waiting.waits) look_again();
  };
}

/** All that run may wait for others now. */
function look_again(): void {
  for (const { line } of [...all.values()]) if (line.waiting > 0) line.room();
}
