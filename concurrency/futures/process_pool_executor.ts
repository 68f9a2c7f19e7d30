import { child_commands } from "../../internal/workers/child_command.ts";
import { PROCESS_ENTRY, ProcessHost } from "../../internal/workers/process_host.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import { PoolExecutor, type PoolExecutorOptions, type Workers } from "./pool_executor.ts";

/** Whether tasks can be sent ahead to a child. */
const HAS_PIPE = Deno.build.os !== "windows";

const WORKERS: Workers = {
  kind: { file: "concurrency/futures/process_pool_executor.ts", name: "ProcessPoolExecutor" },
  can_move: false,
  async start() {
    const command = await child_commands(PROCESS_ENTRY);
    return (_id, events) => new ProcessHost(command(), events, undefined, HAS_PIPE);
  },
};

/**
 * Runs tasks in child processes, one at a time in each: for what may take its whole process with it.
 *
 * A function travels as its module and its name: its module exports it.
 *
 * Needs `--allow-run=deno`, and `--allow-read` for the modules of the functions, if they are local ones. Children have the
 * permissions that the program has when they start, and not one more: see `ForkingMixIn`.
 *
 * @example A result from another process
 * ```ts ignore
 * // elsewhere.ts
 * import { ProcessPoolExecutor } from "@socketserver/socketserver/futures";
 *
 * export function pid(): number {
 *   return Deno.pid;
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new ProcessPoolExecutor();
 *   console.log(await executor.submit(pid) !== Deno.pid); // true
 * }
 * ```
 *
 * @tags allow-read, allow-run
 */
export class ProcessPoolExecutor extends PoolExecutor {
  /**
   * Makes one.
   *
   * @param max_workers How many processes there may be: unless told, as many as cores.
   * @param options What else there is to be told.
   * @throws {RangeError} If a number is out of its range.
   * @throws {TypeError} If an option has another type, or an unknown name.
   * @throws {DOMException} If one of the `initargs` cannot be cloned.
   */
  constructor(max_workers?: number | null, options: PoolExecutorOptions = {}) {
    super(WORKERS, max_workers, options);
  }
}

provide_class(WORKERS.kind, ProcessPoolExecutor);
