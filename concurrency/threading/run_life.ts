import { current_task } from "../../internal/shared/task.ts";
import type { RunWorker } from "./run_worker.ts";
import { begin_life, end_life, keep_running, type Startable, state_of } from "./startable.ts";

/**
 * A thread or a process lives from now on, as long as its worker does.
 *
 * @param ending Called before anybody hears that it is over: whether it has failed.
 * @returns A promise that resolves when it runs.
 * @throws What kept it from that.
 */
export function live(
  it: Startable,
  worker: Pick<RunWorker, "started" | "over">,
  ending: (has_failed: boolean) => void = () => {},
): Promise<void> {
  begin_life(it);
  void end_with(it, worker, ending);
  return started(it, worker);
}

async function end_with(
  it: Startable,
  worker: Pick<RunWorker, "started" | "over">,
  ending: (has_failed: boolean) => void,
): Promise<void> {
  const settled = await Promise.allSettled([worker.started, worker.over]);
  const failed = settled.find(({ status }) => status === "rejected") as PromiseRejectedResult;
  ending(failed !== undefined);
  // Who has started it is told of what kept it from that.
  end_life(it, failed, failed === settled[0]);
}

async function started(it: Startable, worker: Pick<RunWorker, "started">): Promise<void> {
  const task = current_task();
  const stop = keep_running();
  try {
    await worker.started;
  } catch (error) {
    await state_of(it).over.promise;
    task.note(error);
    throw error;
  } finally {
    stop();
  }
}

/** Puts its fields in the place of those that it had; what its class has is no field. */
export function take_fields(it: Startable, fields: Record<string, unknown>): void {
  const own = Object.entries(fields).filter(([key]) => Object.hasOwn(it, key) || !(key in it));
  Object.assign(it, Object.fromEntries(own));
}
