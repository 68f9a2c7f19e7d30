import { type Core, core_of, type SharedObject } from "../../internal/shared/shared_object.ts";
import { current_task, type Task, type TaskHold } from "../../internal/shared/task.ts";
import type { Delivery } from "./queue_home.ts";

/**
 * An item that `take()` gave, until it is done: `using job = await jobs.take()`. Left without `done()`, it
 * goes back to the front of the queue.
 *
 * @typeParam T The type of the item.
 */
export interface Job<T> extends Disposable {
  /** The item. */
  readonly item: T;
  /** How often it was taken, this time included: more than 1 means that it may be half done. */
  readonly deliveries: number;
  /** Says that the item is done. Nothing, if it went back before. */
  done(): Promise<void>;
  /** Puts the item back, unless it is done. */
  [Symbol.dispose](): void;
}

/** A job as its task has it. */
export class TakenJob<T> implements Job<T>, TaskHold {
  readonly item: T;
  readonly deliveries: number;
  #core: Core;
  #ticket: number;
  #task: Task;
  #is_over = false;

  constructor(queue: SharedObject, [ticket, deliveries, item]: Delivery) {
    this.#core = core_of(queue);
    this.#ticket = ticket;
    this.#task = current_task();
    this.item = item as T;
    this.deliveries = deliveries;
    if (this.#task.has_ended) this[Symbol.dispose]();
    else this.#task.add(this);
  }

  done(): Promise<void> {
    return this.#end("done");
  }

  /** For the task: the queue takes the item back itself. */
  ended(): void {
    this.#is_over = true;
  }

  /** The same. */
  given_up(): void {
    this.#is_over = true;
  }

  [Symbol.dispose](): void {
    // It cannot fail but where the queue is no more.
    this.#end("back").catch(() => {});
  }

  #end(method: "done" | "back"): Promise<void> {
    if (this.#is_over) return Promise.resolve();
    this.#is_over = true;
    this.#task.remove(this);
    return this.#core.call(method, [this.#ticket]);
  }
}
