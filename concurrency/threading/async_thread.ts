import { run_afresh, Task } from "../../internal/shared/task.ts";
import { attempt } from "../../internal/shared/waits.ts";
import { async_ident, BaseThread, set_thread_of } from "./base_thread.ts";
import { tell_excepthook } from "./excepthook.ts";
import { begin_life, end_life, keep_running, refuse_second_start, state_of } from "./startable.ts";
import {
  type AnyThreadOptions,
  type AsyncThreadOptions,
  new_thread_state,
} from "./thread_options.ts";

/**
 * A thread without a worker: it runs on this event loop, beside all else that waits there, and takes no
 * time to start. For what mostly waits; what computes holds up the others and belongs into a
 * {@linkcode Thread}. Its function may be any, closures too, and shares all variables with the rest of the program.
 *
 * To locks, `local()` and `current_thread()` it is a thread like any other; what an `AsyncLocalStorage` has where it is
 * started is not there. It cannot be terminated: nothing can stop a
 * function that runs on the same event loop. Tell it to end, by an `Event` or an `AbortSignal`.
 *
 * @typeParam A The types of the target's arguments.
 *
 * @example A hundred that wait
 * ```ts
 * import * as threading from "@socketserver/socketserver/threading";
 *
 * const done: number[] = [];
 * const threads = Array.from({ length: 100 }, (_, number) =>
 *   new threading.AsyncThread({
 *     target: async () => {
 *       await new Promise((resolve) => setTimeout(resolve, 10));
 *       done.push(number);
 *     },
 *   }));
 * for (const thread of threads) await thread.start();
 * for (const thread of threads) await thread.join();
 * console.log(done.length); // 100
 * ```
 */
export class AsyncThread<A extends unknown[] = []> extends BaseThread {
  /**
   * Makes a thread that waits for `start()`.
   *
   * @param options Its target and all else.
   */
  constructor(options: AsyncThreadOptions<A> = {} as AsyncThreadOptions<A>) {
    super();
    new_thread_state(this, "AsyncThread", options as AnyThreadOptions);
  }

  /**
   * Starts it: it begins when this turn is over. If it is no `daemon`, the program does not end before it.
   *
   * @throws {TypeError} If it was started before.
   */
  override start(): Promise<void> {
    return attempt(() => {
      refuse_second_start(this);
      state_of(this).ident = async_ident();
      begin_life(this);
      const { promise, resolve } = Promise.withResolvers<void>();
      run_afresh(() => void this.#live(resolve));
      return promise;
    });
  }

  async #live(started: () => void): Promise<void> {
    const stop = this.daemon ? undefined : keep_running();
    const task = new Task({ report: (error) => tell_excepthook(error, this) });
    set_thread_of(task, this);
    let failure: { reason: unknown } | undefined;
    await undefined;
    started();
    try {
      await task.run(() => this.run());
    } catch (reason) {
      failure = { reason };
    }
    task.end();
    stop?.();
    end_life(this, failure);
  }
}
