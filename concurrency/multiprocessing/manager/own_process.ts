import { may_fail } from "../../../internal/runtime/pending.ts";
import type { Future } from "../../futures/future.ts";
import { ProcessPoolExecutor } from "../../futures/process_pool_executor.ts";
import { SimpleQueue } from "../../queue/queue.ts";
import { Event } from "../../threading/event.ts";

/**
 * What runs in a process of its own: it gives one thing when it has begun, and goes on until it is to stop.
 *
 * @typeParam T What it gives.
 */
export type Served<T> = (started: SimpleQueue<T>, stop: Event, ...args: never[]) => Promise<void>;

/** A process of its own, which ends with this one. */
export class OwnProcess<T> {
  /** What it gave when it had begun. */
  readonly started: Promise<T>;
  #executor: ProcessPoolExecutor;
  #stop: Event = new Event();
  #running: Future<void>;
  #ended: Promise<void> | undefined;

  /**
   * Starts it.
   *
   * @param name What it is called in messages.
   * @param serve What runs there: its module exports it.
   * @param args What else that is given.
   */
  constructor(name: string, serve: Served<T>, ...args: unknown[]) {
    this.#executor = new ProcessPoolExecutor(1, { thread_name_prefix: name });
    const started = new SimpleQueue<T>();
    const served = serve as (...args: unknown[]) => Promise<void>;
    this.#running = this.#executor.submit(served, started, this.#stop, ...args);
    this.started = may_fail(this.#first(started));
  }

  /** What it gives first, unless it ends before that. */
  async #first(started: SimpleQueue<T>): Promise<T> {
    using _started = started;
    const ended = this.#running.then(() => {
      throw new Deno.errors.BadResource("The process has ended");
    });
    return await Promise.race([may_fail(ended), started.get()]);
  }

  /** Has it stop, and resolves when it has ended. */
  end(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  async #end(): Promise<void> {
    await may_fail(this.#stop.set());
    await this.#running.then(() => {}, () => {});
    this.#stop[Symbol.dispose]();
    await this.#executor.shutdown();
  }
}
