import type { WorkerEnd } from "../../internal/workers/worker_handle.ts";
import type { WorkerInfo } from "../../internal/workers/worker_info.ts";
import type { Submitted, TaskFunction, TaskSettings } from "./submitted.ts";

/** Where the tasks of an executor run: on this loop, or in workers. */
export interface Engine {
  /** How many tasks run at once at the most. */
  readonly max_workers: number;
  /** Whether calls reach it sooner where several go together. */
  readonly takes_chunks: boolean;
  /** Whether tasks run elsewhere, and have their arguments there. */
  readonly is_elsewhere: boolean;
  /** What its workers are doing. */
  readonly workers: WorkerInfo[];
  /**
   * Refuses a function that cannot be called where tasks run.
   *
   * @throws {TypeError} If that is so.
   */
  check_function(fn: TaskFunction): void;
  /**
   * Refuses settings that it cannot follow.
   *
   * @throws {TypeError} If that is so.
   */
  check_settings(settings: TaskSettings): void;
  /**
   * Whether a task would be begun at once, or sent ahead. If not, it sees to it that there will be room.
   *
   * @param task The task.
   * @param max_workers How many may run just now: one more than may where all that run wait for others.
   */
  has_room(task: Submitted, max_workers: number): boolean;
  /** Takes back tasks that were sent ahead, on workers where any of them goes behind this one. */
  make_way(task: Submitted): void;
  /** Begins a task, or sends it ahead. Its end is told later. */
  start(task: Submitted): void;
  /** Whether a task that is run was begun. */
  has_begun(task: Submitted): boolean;
  /** Takes back a task that is run; `false` if it was begun. */
  take_back(task: Submitted): boolean;
  /** Ends a task that is run: its signal aborts, and what goes on then is ended by force, if that can be. */
  end(task: Submitted, reason: unknown): void;
  /** Ends all workers: in good order, or now. */
  close(now: boolean): Promise<void>;
}

/** What an engine tells. */
export interface EngineEvents {
  /** Which executor it is: no other one, in any process, has the same. */
  readonly id: string;
  /** How many tasks wait until there is room. */
  readonly waiting: number;
  /** There may be room for another task. */
  room(): void;
  /** A task that was started has given something. */
  done(task: Submitted, value: unknown): void;
  /** A task that was started has failed; with `WorkerDied` where its worker ended. */
  failed(task: Submitted, error: unknown): void;
  /** A task that was sent ahead was not begun: it waits again. */
  taken_back(task: Submitted): void;
  /** No worker can start, and none ever could: what waits fails. */
  broken(error: unknown): void;
  /** An error that is no task's outcome. */
  report(task: Submitted | undefined, error: unknown): void;
  /** A worker was started. */
  worker_started(worker: WorkerInfo): void;
  /** A worker has ended. */
  worker_ended(worker: WorkerInfo, end: WorkerEnd): void;
}
