import { know_error } from "../workers/error_image.ts";

/**
 * A wait took longer than its `timeout`: of `hold()` and `run()` of locks, conditions and semaphores, and of `join()` of
 * queues. Python's `TimeoutError`. `acquire()`, and `wait()` of
 * events and conditions, give `false` instead.
 */
export class TimeoutError extends Deno.errors.TimedOut {
  /** Always `"TimeoutError"`. */
  override readonly name = "TimeoutError";
}

/** There was no item in a queue: Python's `queue.Empty`. */
export class Empty extends Error {
  /** Always `"Empty"`. */
  override readonly name = "Empty";
}

/** There was no room in a queue: Python's `queue.Full`. */
export class Full extends Error {
  /** Always `"Full"`. */
  override readonly name = "Full";
}

/** A queue was shut down: Python's `queue.ShutDown`. */
export class ShutDown extends Deno.errors.BadResource {
  /** Always `"ShutDown"`. */
  override readonly name = "ShutDown";
}

/** Somebody will never come to a barrier: Python's `threading.BrokenBarrierError`. */
export class BrokenBarrierError extends Error {
  /** Always `"BrokenBarrierError"`. */
  override readonly name = "BrokenBarrierError";
}

// So that they keep their classes on the way to other threads and processes.
for (const Class of [TimeoutError, Empty, Full, ShutDown, BrokenBarrierError]) know_error(Class);
