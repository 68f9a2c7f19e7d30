import "../../internal/shared/system.ts";
import { set_timer } from "../../internal/runtime/timer.ts";
import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import { ExecutorTask } from "./current_task.ts";
import type { Engine, EngineEvents } from "./engine.ts";
import type { Submitted } from "./submitted.ts";

/** How long, in ms, a task that must end may go on until it is given up. */
const GRACE = 1000;

/** A task that runs on this loop. */
interface Run {
  scope: ExecutorTask;
  /** Nobody waits for it any longer. */
  give_up: (reason: unknown) => void;
  force?: ReturnType<typeof setTimeout> | undefined;
}

/** Runs tasks on this loop. */
export class LoopEngine implements Engine {
  readonly max_workers: number;
  readonly takes_chunks = false;
  readonly is_elsewhere = false;
  readonly workers: WorkerInfo[] = [];
  #runs: Map<Submitted, Run> = new Map();
  #events: EngineEvents;

  constructor(max_workers: number, events: EngineEvents) {
    this.max_workers = max_workers;
    this.#events = events;
  }

  check_function(): void {}

  check_settings(): void {}

  has_room(_task: Submitted, max_workers: number): boolean {
    return this.#runs.size < max_workers;
  }

  make_way(): void {}

  start(task: Submitted): void {
    this.#run(task).then(
      (value) => this.#events.done(task, value),
      (error) => this.#events.failed(task, error),
    );
  }

  async #run(task: Submitted): Promise<unknown> {
    const { promise, reject } = Promise.withResolvers<never>();
    const scope = new ExecutorTask({ executor: this.#events.id, number: task.number }, {
      report: (error) => this.#events.report(task, error),
    });
    const run: Run = { scope, give_up: reject };
    this.#runs.set(task, run);
    task.start_clock();
    try {
      return await Promise.race([scope.run(() => call(task)), promise]);
    } finally {
      clearTimeout(run.force);
      this.#runs.delete(task);
      scope.end();
    }
  }

  has_begun(): boolean {
    return true;
  }

  take_back(): boolean {
    return false;
  }

  end(task: Submitted, reason: unknown): void {
    const run = this.#runs.get(task);
    if (!run || run.force !== undefined) return;
    run.scope.abort(reason);
    run.scope.cut(reason);
    run.force = set_timer(GRACE, () => {
      run.scope.give_up(reason);
      run.give_up(reason);
    });
  }

  close(now: boolean): Promise<void> {
    const reason = new DOMException("The executor was terminated", "AbortError");
    if (now) { for (const task of this.#runs.keys()) this.end(task, reason); }
    return Promise.resolve();
  }
}

/** Calls the function in a turn of its own, as in a thread: what `submit()` gives is there before. */
async function call({ call: { fn, args } }: Submitted): Promise<unknown> {
  await undefined;
  if (typeof fn === "function") return await fn(...args as never[]);
  throw new TypeError(
    "Cannot use an AsyncExecutor from elsewhere: its tasks run in its own thread",
  );
}
