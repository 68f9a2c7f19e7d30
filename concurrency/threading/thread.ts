import { handle_of_function } from "../../internal/shared/functions.ts";
import { current_task } from "../../internal/shared/task.ts";
import {
  drop_connections,
  given_away,
  refuse_uncloneable_value,
} from "../../internal/shared/travel.ts";
import { attempt } from "../../internal/shared/waits.ts";
import { place_of, refuse_while_loading } from "../../internal/workers/class_place.ts";
import {
  BaseThread,
  begin_life,
  end_life,
  keep_running,
  refuse_second_start,
  state_of,
} from "./base_thread.ts";
import { tell_excepthook } from "./excepthook.ts";
import { type AnyThreadOptions, new_state, type ThreadOptions } from "./thread_options.ts";
import { type ThreadSettings, ThreadWorker } from "./thread_worker.ts";

/** What else takes a function that no module exports. */
export const OTHERWISE = "; or take AsyncThread, which runs any function on this event loop";

/**
 * A thread: Python's `threading.Thread`, as a worker of its own, on a core of its own. It runs a function that a
 * module exports, or the `run()` of a subclass, and ends when that has ended. It takes some
 * 50 ms to start (more in a thread of a thread), and 15 MB.
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
  #worker: ThreadWorker | undefined;
  /** The arguments of its target, which it has. */
  #given: readonly unknown[] = [];

  /**
   * Makes a thread that waits for `start()`.
   *
   * @param options Its target and all else.
   * @throws {TypeError} If an option has another type, or an unknown name.
   */
  constructor(options: ThreadOptions<A> = {} as ThreadOptions<A>) {
    super();
    this.#options = options as AnyThreadOptions;
    new_state(this, "Thread", this.#options, ["module"]);
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
      const settings = this.#settings();
      const { args = [] } = this.#options;
      args.forEach((arg, at) => this.#refuse_uncloneable(`argument ${at + 1}`, arg));
      this.#given = given_away(args);
      const worker = this.#worker = new ThreadWorker(settings, {
        args: this.#given,
        fields: settings.place ? this.#fields() : {},
      }, {
        brings: (fields) => void Object.assign(this, fields),
        report: (error) => tell_excepthook(error, this),
      });
      begin_life(this, worker.ident);
      void this.#live(worker);
      return this.#started(worker);
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

  /** How the thread finds what it is to run. */
  #settings(): ThreadSettings {
    const { name, daemon } = this;
    const { target, module } = this.#options;
    const Class = this.constructor as typeof Thread;
    const has_run = this.run !== Thread.prototype.run;
    if (!target && !has_run) throw new TypeError(`Cannot start ${name}: it has nothing to run`);
    return {
      name,
      daemon,
      target: target && handle_of_function(target, { module, otherwise: OTHERWISE }),
      place: has_run ? place_of(Class, "thread class") : undefined,
    };
  }

  #fields(): Record<string, unknown> {
    const fields = Object.entries(this);
    for (const [key, value] of fields) this.#refuse_uncloneable(`the field ${key}`, value);
    return Object.fromEntries(fields);
  }

  #refuse_uncloneable(what: string, value: unknown): void {
    try {
      refuse_uncloneable_value(`${what} of ${this.name}`, value);
    } catch (cause) {
      throw new TypeError((cause as Error).message, { cause });
    }
  }

  async #live(worker: ThreadWorker): Promise<void> {
    const settled = await Promise.allSettled([worker.started, worker.over]);
    drop_connections(this.#given);
    const failed = settled.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    // Who has started it is told of what kept it from that.
    end_life(this, failed, failed === settled[0]);
  }

  async #started({ started }: ThreadWorker): Promise<void> {
    const task = current_task();
    const stop = keep_running();
    try {
      await started;
    } catch (error) {
      await state_of(this).over.promise;
      task.note(error);
      throw error;
    } finally {
      stop();
    }
  }
}
