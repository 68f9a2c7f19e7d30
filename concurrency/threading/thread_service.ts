/**
 * What the worker of a thread does: it runs the thread, once.
 *
 * @module
 */
import type { Service, WorkerSide } from "../../internal/workers/worker_side.ts";
import { type BaseThread, OWN_IDENT, set_own_thread } from "./base_thread.ts";
import { run_service } from "./run_service.ts";
import type { RunSettings, RunValues } from "./run_worker.ts";
import { OTHERWISE, Thread } from "./thread.ts";

/** Finds what the thread runs: it is ready when that is done. */
export function start(
  settings: unknown,
  _worker: WorkerSide,
  shared: Record<string, object>,
): Promise<Service> {
  return run_service(settings as RunSettings, shared as unknown as RunValues, {
    Class: Thread,
    state: { noun: "thread", ident: OWN_IDENT },
    otherwise: OTHERWISE,
    introduce: (thread) => set_own_thread(thread as BaseThread),
  });
}
