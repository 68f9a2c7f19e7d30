import { type Executor, tasks_of } from "../../concurrency/futures/executor.ts";
import type { PoolEvent } from "../../concurrency/futures/pool_event.ts";
import type { Tasks } from "../../concurrency/futures/tasks.ts";
import { line_of } from "../../internal/runtime/error_text.ts";
import { History } from "./history.ts";
import { gauge, type Told, type View, type Watched, worker_text } from "./watched.ts";

/** An executor that is watched. */
export class WatchedExecutor implements Watched {
  readonly kind = "executor";
  readonly name: string;
  readonly leave: () => void;
  #executor: Executor;
  #tasks: Tasks;
  #told: Told;
  #history: History = new History();

  constructor(executor: Executor, name: string, told: Told) {
    this.#executor = executor;
    this.#tasks = tasks_of(executor);
    this.name = name;
    this.#told = told;
    this.leave = this.#tasks.watch((event, error) => this.#heard(event, error));
    void this.#tasks.closed.then(() => told.over());
  }

  get info(): unknown {
    return this.#executor.info();
  }

  get unfit(): string | undefined {
    const { state } = this.#tasks;
    return state === "open" ? undefined : state;
  }

  get is_over(): boolean {
    return this.#tasks.state === "closed";
  }

  view(now: number): View {
    const { since, waiting, running, done, failed, cancelled, workers } = this.#executor.info();
    const { state, engine, max_pending } = this.#tasks;
    return {
      kind: this.kind,
      name: this.name,
      state,
      since,
      gauges: [
        gauge("Running", running, engine.max_workers),
        { ...gauge("Waiting", waiting, max_pending), is_full: waiting >= max_pending },
      ],
      ...this.#history.of(now),
      outcomes: { done, failed, cancelled },
      counts: {},
      ...(engine.is_elsewhere && { workers: workers.map((worker) => ({ ...worker, limit: 1 })) }),
    };
  }

  #heard(event: PoolEvent, error: unknown): void {
    if (event.type === "task.stop") return this.#task_stopped(event, error);
    if (event.type !== "worker.stop") return;
    const { reason, time } = event;
    if (reason !== "died" && reason !== "killed") return;
    this.#fault(time, `worker ${reason}`, error, worker_text(event, "task"));
  }

  #task_stopped(event: PoolEvent & { type: "task.stop" }, error: unknown): void {
    const { outcome, duration, time, task } = event;
    if (outcome === "cancelled") return;
    this.#history.add(duration, performance.now());
    if (outcome === "done") return;
    const what = { failed: "task failed", timed_out: "task timed out" }[outcome];
    this.#fault(time, what, error, `task ${task}`);
  }

  #fault(time: number, what: string, error: unknown, whom: string): void {
    this.#told.fault({ time, where: this.name, what, error: line_of(error), whom });
  }
}
