import { current_task } from "../../internal/shared/task.ts";
import { type FunctionHandle, handle_of_function } from "../../internal/shared/functions.ts";
import type { RemoteCore } from "../../internal/shared/shared_object.ts";
import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import { place_of } from "./current_task.ts";
import type { Engine, EngineEvents } from "./engine.ts";
import type { ExecutorFixed } from "./executor_home.ts";
import type { Submitted, TaskFunction, TaskSettings } from "./submitted.ts";
import { NAMELESS } from "./task_messages.ts";

/** Has tasks run where the executor was made. */
export class RemoteEngine implements Engine {
  readonly max_workers = Infinity;
  readonly takes_chunks = true;
  readonly is_elsewhere = true;
  readonly workers: WorkerInfo[] = [];
  #core: RemoteCore;
  #events: EngineEvents;
  #running: Map<Submitted, AbortController> = new Map();

  constructor(core: RemoteCore, events: EngineEvents) {
    this.#core = core;
    this.#events = events;
  }

  check_function(fn: TaskFunction): void {
    this.#handle_of(fn);
  }

  check_settings({ transfer }: TaskSettings): void {
    if (transfer.length === 0) return;
    throw new TypeError("Cannot use transfer: the executor is in another thread");
  }

  #handle_of(fn: TaskFunction): FunctionHandle {
    const { module } = this.#core.fixed as ExecutorFixed;
    return handle_of_function(fn, { module, otherwise: NAMELESS });
  }

  has_room(): boolean {
    return true;
  }

  make_way(): void {}

  start(task: Submitted): void {
    this.#run(task).then(
      (value) => this.#events.done(task, value),
      (error) => this.#events.failed(task, error),
    );
  }

  async #run(task: Submitted): Promise<unknown> {
    const { call, settings: { timeout, priority, retries } } = task;
    const controller = new AbortController();
    this.#running.set(task, controller);
    const sent = { ...call, fn: this.#handle_of(call.fn as TaskFunction) };
    const place = place_of(current_task());
    try {
      return await this.#core.call("run", [sent, { timeout, priority, retries }, place], {
        kind: "bring",
        signal: controller.signal,
      });
    } finally {
      this.#running.delete(task);
    }
  }

  has_begun(): boolean {
    return true;
  }

  take_back(): boolean {
    return false;
  }

  end(task: Submitted, reason: unknown): void {
    this.#running.get(task)?.abort(reason);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
