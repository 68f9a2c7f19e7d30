import { attempt } from "../../internal/shared/waits.ts";
import { refuse_while_loading } from "../../internal/workers/class_place.ts";
import { KILL_CLOCKS, ThreadHost } from "../../internal/workers/thread_host.ts";
import { BaseThread } from "./base_thread.ts";
import { tell_excepthook } from "./excepthook.ts";
import { live, take_fields } from "./run_life.ts";
import { run_settings, run_values } from "./run_settings.ts";
import { type RunStart, RunWorker } from "./run_worker.ts";
import { refuse_second_start, state_of } from "./startable.ts";
import { type AnyThreadOptions, new_thread_state, type ThreadOptions } from "./thread_options.ts";

/** The URL of the module that runs a thread in its worker. */
const SERVICE = new URL("./thread_service.ts", import.meta.url).href;

/**
 * Never called: it makes the service's module a part of the module graph, so that `deno cache` and
 * `deno compile` know it.
 */
export const load_service = (): Promise<unknown> => import("./thread_service.ts");

/** What else takes a function that no module exports. */
export const OTHERWISE = "; or take AsyncThread, which runs any function on this event loop";

/**
 * A thread: Python's `threading.Thread`, as a worker of its own, on a core of its own. It runs a function that a
 * module exports, or the `run()` of a subclass, and ends when that has ended. It takes some
 * 90 ms to start (more in a thread of a thread), and 15 MB.
 *
 * Threads share no variables. What goes there is copied (structured clone): the arguments, or the fields of a
 * subclass. Shared objects go as what they are: locks, events, queues. Functions go by their names: the thread
 * imports the module that exports the function. That is `target.module`, or the option `module`, or the program's main
 * module, so guard what starts threads there with `if (import.meta.main)`.
 *
 * What `run()` throws goes to the hook of {@linkcode set_excepthook}. What a thread holds, a lock for example, is given
 * back when it ends or is terminated, and the next holder is told by `hold.abandoned`. Its worker ends when the threads
 * that it has started have ended, but for daemons, which end with it; until then it is alive.
 *
 * Needs `--allow-read` for the module, if that is a local one.
 *
 * @typeParam A The types of the target's arguments.
 *
 * @example A function
 * ```ts ignore
 * // counting.ts
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * export async function count(to: number, done: threading.Event): Promise<void> {
 *   for (let at = 0; at < to; at++);
 *   await done.set();
 * }
 *
 * if (import.meta.main) {
 *   const done = new threading.Event();
 *   const thread = new threading.Thread({ target: count, args: [1e9, done] });
 *   await thread.start();
 *   console.log(thread.name, "counts");
 *   await done.wait();
 *   await thread.join();
 * }
 * ```
 *
 * @example A subclass, whose fields come back
 * ```ts ignore
 * // factors.ts
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * export class Factorizer extends threading.Thread {
 *   factors: number[] = [];
 *   constructor(readonly number: number) {
 *     super();
 *   }
 *   override run(): void {
 *     let rest = this.number;
 *     for (let at = 2; rest > 1; at++) for (; rest % at === 0; rest /= at) this.factors.push(at);
 *   }
 * }
 *
 * if (import.meta.main) {
 *   const thread = new Factorizer(60);
 *   await thread.start();
 *   await thread.join();
 *   console.log(thread.factors); // [ 2, 2, 3, 5 ]
 * }
 * ```
 *
 * @tags allow-read
 */
export class Thread<A extends unknown[] = []> extends BaseThread {
  /**
   * The module that exports a subclass, as `static override module = import.meta.url`: there the thread finds it by
   * its name, or as the default export. Without it the program's main module is searched.
   */
  static module?: string;

  #options: AnyThreadOptions;
  #worker: RunWorker | undefined;

  /**
   * Makes a thread that waits for `start()`.
   *
   * @param options Its target and all else.
   * @throws {TypeError} If an option has another type, or an unknown name.
   */
  constructor(options: ThreadOptions<A> = {} as ThreadOptions<A>) {
    super();
    this.#options = options as AnyThreadOptions;
    new_thread_state(this, "Thread", this.#options, ["module"]);
  }

  /**
   * Starts it: it is alive at once. A subclass's own fields are copied now, those that are shared objects are shared;
   * they come back when `run()` has ended. No constructor runs in the thread, and what is `#private` is not there; an
   * object of a class that is in a field arrives, and comes back, as a plain one. If it is terminated while it starts, the
   * promise resolves, and it never runs.
   *
   * @returns A promise that resolves when the thread runs. Await it: a start that fails, and that nobody awaits, ends
   * the program as any such promise does.
   * @throws {TypeError} If it was started before; if its target or class cannot be found by its name in the module that
   * should export it; if a field or an argument cannot be cloned.
   * @throws {Deno.errors.NotSupported} If a worker that loads this module starts it: see `import.meta.main`.
   * @throws {Deno.errors.NotCapable} If the module may not be read.
   */
  override start(): Promise<void> {
    return attempt(() => {
      refuse_second_start(this);
      refuse_while_loading("A thread is started");
      const settings = run_settings(this, this.#options, OTHERWISE);
      const values = run_values(this, this.#options, settings, true);
      const worker = this.#worker = new RunWorker(this.#start(), settings, values, {
        brings: (fields) => take_fields(this, fields),
        report: (error) => tell_excepthook(error, this),
      });
      return live(this, worker);
    });
  }

  /**
   * Ends it at once, even in an endless loop. What it holds is given back; the fields of a subclass stay as they are
   * here. Nothing happens if it is over. One that is importing modules at that moment may, rarely, go on in the
   * background: Deno does not always halt that.
   *
   * @throws {TypeError} If it was not started, or from inside of the thread.
   */
  terminate(): void {
    if (!(#worker in this)) throw new TypeError("Cannot terminate current thread: return from it");
    if (!this.#worker) throw new TypeError("Cannot terminate thread before it is started");
    if (this.is_alive()) this.#worker.terminate();
  }

  /** How its worker is started; it has its number then. */
  #start(): RunStart {
    return {
      service: SERVICE,
      start_host: (id, events) => {
        const host = new ThreadHost(id, events, KILL_CLOCKS, this.name);
        state_of(this).ident = host.thread_id + 1;
        return host;
      },
    };
  }
}
