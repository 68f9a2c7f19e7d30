/**
 * What the child of a process does: it runs the process, once.
 *
 * @module
 */
import type { Service, WorkerSide } from "../../internal/workers/worker_side.ts";
import { run_service } from "../threading/run_service.ts";
import type { RunSettings, RunValues } from "../threading/run_worker.ts";
import { type BaseProcess, set_own_process } from "./base_process.ts";
import { Process } from "./process.ts";

/** Finds what the process runs: it is ready when that is done. */
export function start(
  settings: unknown,
  _worker: WorkerSide,
  shared: Record<string, object>,
): Promise<Service> {
  return run_service(settings as RunSettings, shared as unknown as RunValues, {
    Class: Process,
    state: { noun: "process", ident: Deno.pid },
    otherwise: "",
    introduce: (process) => set_own_process(process as BaseProcess),
  });
}
