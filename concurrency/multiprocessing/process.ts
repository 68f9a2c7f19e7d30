import type { EndSignal } from "../../internal/runtime/deno_internals.ts";
import { attempt } from "../../internal/shared/waits.ts";
import { refuse_while_loading } from "../../internal/workers/class_place.ts";
import { sharing } from "../../internal/workers/sharing.ts";
import { tell_excepthook } from "../threading/excepthook.ts";
import { live, take_fields } from "../threading/run_life.ts";
import { run_settings, run_values } from "../threading/run_settings.ts";
import { all_living, refuse_second_start, state_of } from "../threading/startable.ts";
import { type AnyThreadOptions, new_state, next_number } from "../threading/thread_options.ts";
import { BaseProcess, current_process } from "./base_process.ts";
import type { ProcessOptions } from "./process_options.ts";
import { ProcessWorker } from "./process_worker.ts";

/**
 * A process: Python's `multiprocessing.Process`, as `spawn` starts it. It runs a function that a module exports, or the
 * `run()` of a subclass, in a child of its own, and ends when that has ended. It takes some 130 ms to start, the first
 * one 230, and 50 MB.
 *
 * Take it for what may crash, use up all memory, or must be killed, whatever it does. For what only computes a
 * {@linkcode Thread} of `./threading` starts sooner, and needs no permission to run programs.
 *
 * What goes there is copied (structured clone): the arguments, or the fields of a subclass. Shared objects go as what they
 * are: locks, events, queues. Functions go by their names, the process's own target, too: the child imports the module that
 * exports it. That is `target.module`, or the option `module`, or the program's main module, so guard what starts processes
 * there with `if (import.meta.main)`.
 *
 * What it puts into a queue before its end arrives, also when nobody has taken it yet. What it holds, a lock for example,
 * is given back when it ends, however that comes. What `run()` throws is printed, or goes to the hook of
 * `set_excepthook()` of `./threading`, and `exitcode` is 1. What it prints goes where the program's own goes.
 *
 * No child outlives the program: with it, and with a process that has started others, all end, also where it is killed.
 * Ctrl-C does not reach children: what the program does then is its own affair. SIGTERM ends one, unless it listens for it.
 *
 * Needs `--allow-run` for `deno`, and `--allow-read` for the module, if that is a local one. A child has the permissions
 * that the program has when it starts, and not one more: see `ForkingMixIn`. It can start processes itself only where
 * the program runs with `--allow-run` for all programs, or `-A`.
 *
 * @typeParam A The types of the target's arguments.
 *
 * @example A function
 * ```ts ignore
 * // counting.ts
 * import * as multiprocessing from "@socketserver/socketserver/multiprocessing";
 *
 * export async function count(to: number, results: multiprocessing.Queue<number>): Promise<void> {
 *   let sum = 0;
 *   for (let at = 1; at <= to; at++) sum += at;
 *   await results.put(sum);
 * }
 *
 * if (import.meta.main) {
 *   const results = new multiprocessing.Queue<number>();
 *   const process = new multiprocessing.Process({ target: count, args: [1000, results] });
 *   await process.start();
 *   await process.join();
 *   console.log(process.name, process.exitcode, await results.get()); // Process-1 0 500500
 * }
 * ```
 *
 * @example A subclass, whose fields come back
 * ```ts ignore
 * // matching.ts
 * import * as multiprocessing from "@socketserver/socketserver/multiprocessing";
 *
 * export class Matching extends multiprocessing.Process {
 *   found: boolean | null = null;
 *   constructor(readonly pattern: string, readonly text: string) {
 *     super();
 *   }
 *   override run(): void {
 *     this.found = new RegExp(this.pattern).test(this.text);
 *   }
 * }
 *
 * if (import.meta.main) {
 *   const quick = new Matching("^a+$", "aaa");
 *   const endless = new Matching("^(a+)+$", "a".repeat(50) + "b");
 *   for (const process of [quick, endless]) await process.start();
 *   for (const process of [quick, endless]) {
 *     await process.join(1000);
 *     if (process.is_alive()) process.kill();
 *     await process.join();
 *     console.log(process.found, process.exitcode); // true 0, then null -9
 *   }
 * }
 * ```
 *
 * @tags allow-read, allow-run
 */
export class Process<A extends unknown[] = []> extends BaseProcess {
  /**
   * The module that exports a subclass, as `static override module = import.meta.url`: there the child finds it by
   * its name, or as the default export. Without it the program's main module is searched.
   */
  static module?: string;

  #options: AnyThreadOptions;
  #number: string;
  #worker: ProcessWorker | undefined;
  #exitcode: number | null = null;

  /**
   * Makes a process that waits for `start()`.
   *
   * @param options Its target and all else.
   * @throws {TypeError} If an option has another type, or an unknown name.
   */
  constructor(options: ProcessOptions<A> = {} as ProcessOptions<A>) {
    super();
    this.#options = options as AnyThreadOptions;
    const { number } = sharing.process;
    this.#number = `${number && `${number}:`}${next_number("Process")}`;
    new_state(this, this.#options, ["module"], {
      noun: "process",
      name: () => `Process-${this.#number}`,
      daemon: false,
    });
  }

  /**
   * How it has ended: `null` while it is alive, 0 if well, 1 with an error, the code of its `Deno.exit()`, or the number
   * of the signal that ended it, less than 0: -15 for SIGTERM, -9 for SIGKILL.
   *
   * @throws {Deno.errors.BadResource} If it is closed.
   */
  override get exitcode(): number | null {
    return this.is_alive() || !(#exitcode in this) ? null : this.#exitcode;
  }

  /**
   * Starts it: it is alive at once, and has its `pid` when the promise has resolved. A subclass's own fields are copied,
   * and come back when `run()` has ended. No constructor runs in the child, and what is `#private` is not there; an
   * object of a class that is in a field arrives, and comes back, as a plain one. If it is ended while it starts, the
   * promise resolves, and it never runs.
   *
   * @returns A promise that resolves when the process runs. Await it: a start that fails, and that nobody awaits, ends
   * the program as any such promise does; and what is changed before may be copied as it is then.
   * @throws {TypeError} If it was started before; if its target or class cannot be found by its name in the module that
   * should export it; if a field or an argument cannot be sent to another process; in a daemon.
   * @throws {Deno.errors.NotSupported} If a worker that loads this module starts it: see `import.meta.main`; in a program
   * that `deno compile` has made.
   * @throws {Deno.errors.NotCapable} If `deno` may not be run, or the module not be read.
   */
  override start(): Promise<void> {
    return attempt(() => {
      refuse_second_start(this);
      refuse_while_loading("A process is started");
      if (current_process().daemon) {
        throw new TypeError("Daemonic processes are not allowed to have children");
      }
      const settings = run_settings(this, this.#options, "");
      const values = run_values(this, this.#options, settings, false);
      const worker = this.#worker = new ProcessWorker(this.#number, settings, values, {
        has_pid: (pid) => state_of(this).ident = pid,
        brings: (fields) => take_fields(this, fields),
        report: (error) => tell_excepthook(error, this),
      });
      end_with_program();
      return live(this, worker, (has_failed) => {
        const { exitcode } = worker;
        this.#exitcode = has_failed && exitcode <= 0 ? 1 : exitcode;
      });
    });
  }

  /**
   * Sends it SIGTERM, which ends it at once, also in an endless loop; a process that listens for the signal may do
   * otherwise. What it holds is given back; the fields of a subclass stay as they are here. Nothing happens if it is over.
   *
   * @throws {TypeError} If it was not started, or from inside of the process.
   * @throws {Deno.errors.BadResource} If it is closed.
   */
  terminate(): void {
    Process.#end(this, "SIGTERM");
  }

  /**
   * The same with SIGKILL, which no process can withstand.
   *
   * @throws {TypeError} If it was not started, or from inside of the process.
   * @throws {Deno.errors.BadResource} If it is closed.
   */
  kill(): void {
    Process.#end(this, "SIGKILL");
  }

  /**
   * Says that nobody will ask for it any more: all that would, `join()` or `exitcode`, is an error from then on. Closed
   * twice is closed.
   *
   * @throws {RangeError} If it is alive.
   */
  close(): void {
    const state = state_of(this);
    if (state.life === "alive") {
      throw new RangeError("Cannot close a process while it is still running: join() it first");
    }
    state.life = "closed";
  }

  /** Static: what stands for a process inside of it has nothing that is private. */
  static #end(process: Process<never>, signal: EndSignal): void {
    if (!(#worker in process)) throw new TypeError("Cannot end current process: use Deno.exit()");
    const is_alive = process.is_alive();
    if (!process.#worker) throw new TypeError("Cannot end process before it is started");
    if (is_alive) process.#worker.end(signal);
  }
}

/**
 * The processes that were started from this thread and are alive: Python's `multiprocessing.active_children()`. The
 * workers of servers and pools are not among them.
 */
export function active_children(): Process[] {
  return all_living().filter((one) => one instanceof Process);
}

let is_told = false;

/** Ends what is alive when the program ends: it would see that itself, but one in a loop only later. */
function end_with_program(): void {
  if (is_told) return;
  is_told = true;
  addEventListener("unload", () => active_children().forEach((process) => process.terminate()));
}
