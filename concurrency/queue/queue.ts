import { ShutDown } from "../../internal/shared/errors.ts";
import { hub } from "../../internal/shared/hub.ts";
import {
  begin,
  core_of,
  type Kind,
  LocalCore,
  SharedObject,
} from "../../internal/shared/shared_object.ts";
import { provide_class, refuse_uncloneable_value } from "../../internal/shared/travel.ts";
import {
  attempt,
  attempt_later,
  timeout_argument,
  wait_arguments,
  type WaitArguments,
} from "../../internal/shared/waits.ts";
import { check_function } from "../../internal/runtime/check_function.ts";
import { check_names } from "../../internal/runtime/check_names.ts";
import { arrange, type Arrangement, type Entry } from "./arrangement.ts";
import { Fifo } from "./fifo.ts";
import { type Job, TakenJob } from "./job.ts";
import type { QueueEvent, QueueInfo } from "./queue_event.ts";
import { type Delivery, QueueHome, type QueueSettings } from "./queue_home.ts";

/** How long `put()`, `get()` and `take()` wait, as one object. */
export interface QueueWaitOptions {
  /**
   * Whether to wait at all.
   *
   * @default {true}
   */
  block?: boolean;
  /**
   * How long to wait, in ms; `null` for ever, 0 tries once.
   *
   * @default {null}
   */
  timeout?: number | null;
  /** Ends the wait: it rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What a queue can be told when it is made. */
export interface QueueOptions {
  /**
   * How often an item may be taken by {@linkcode Queue.take} without being done. One that is poison would otherwise
   * end one worker after the other.
   *
   * @default {5}
   */
  max_deliveries?: number;
  /**
   * Told what happens, when it happens, in the thread where the queue is made. What it throws is printed once, and
   * harms nothing.
   */
  observer?: (event: QueueEvent) => void;
}

/** The names of what a queue can be told. */
export const QUEUE_OPTIONS: readonly string[] = ["max_deliveries", "observer"];

const MAX_DELIVERIES = 5;

/** What all queues can do, as Python's `queue.SimpleQueue` does it. */
export abstract class BaseQueue<T> extends SharedObject {
  /**
   * Adds an item. Where there is no room, it waits.
   *
   * @param item The item. It is copied on its way to other threads and processes; locks, queues and exported functions
   * are not. A connection in it is no longer yours.
   * @param block Whether to wait: `true` unless told.
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever; 0 tries once.
   * @throws {Full} If there was no room in time.
   * @throws {ShutDown} If the queue was shut down.
   * @throws {TypeError} If the queue is a `PriorityQueue`, and cannot compare the item with others.
   * @throws {DOMException} If the item cannot be copied to those who use the queue (`DataCloneError`).
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If the queue was withdrawn.
   */
  put(item: T, block?: boolean, timeout?: number | null): Promise<void>;
  /** The same with the arguments as one object. */
  put(item: T, options: QueueWaitOptions): Promise<void>;
  put(item: T, first?: boolean | QueueWaitOptions, timeout?: number | null): Promise<void> {
    return attempt(() => {
      const { timeout: limit, signal } = wait_arguments(first, timeout, "block");
      const core = core_of(this);
      if (core instanceof LocalCore && hub.is_known(core)) {
        refuse_uncloneable_value("an item", item);
      }
      return core.call("put", [item, limit], { kind: "bring", signal });
    });
  }

  /**
   * Adds an item, if there is room.
   *
   * @throws {Full} If there is none.
   */
  put_nowait(item: T): Promise<void> {
    return this.put(item, false);
  }

  /**
   * Takes the next item out of the queue, and waits for one. At most once: what had come to a worker that ends, or to
   * a request that is given up, is lost with it. {@linkcode Queue.take} brings such items back.
   *
   * @param block Whether to wait: `true` unless told.
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever; 0 tries once.
   * @throws {Empty} If there was none in time.
   * @throws {ShutDown} If the queue was shut down, and is empty.
   * @throws {TypeError} If a function in the item cannot be found here: the item is dropped, counts as done, and is
   * reported.
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If the queue was withdrawn.
   */
  get(block?: boolean, timeout?: number | null): Promise<T>;
  /** The same with the arguments as one object. */
  get(options: QueueWaitOptions): Promise<T>;
  get(first?: boolean | QueueWaitOptions, timeout?: number | null): Promise<T> {
    return attempt(() => next_item(this, "get", wait_arguments(first, timeout, "block")));
  }

  /**
   * Takes the next item out of the queue, if there is one.
   *
   * @throws {Empty} If there is none.
   */
  get_nowait(): Promise<T> {
    return this.get(false);
  }

  /** How many items there are. */
  qsize(): Promise<number> {
    return core_of(this).call("qsize", []);
  }

  /** Whether there is no item. */
  empty(): Promise<boolean> {
    return core_of(this).call("empty", []);
  }

  /**
   * What is in it, who waits, and what has become of its items.
   *
   * @throws {Deno.errors.NotSupported} In another thread or process than that in which the queue was made: there
   * {@linkcode qsize} tells how many items there are.
   */
  info(): QueueInfo {
    const core = core_of(this);
    if (core instanceof LocalCore) return (core.home as QueueHome).info;
    throw new Deno.errors.NotSupported(
      "Cannot tell what a queue does: info() is for the thread where it was made, qsize() for all",
    );
  }
}

/** Gets or takes the next item. */
function next_item<R>(
  queue: SharedObject,
  method: "get" | "take",
  { timeout, signal }: WaitArguments,
): Promise<R> {
  return core_of(queue).call(method, [timeout], { kind: "bring", signal });
}

function begin_queue(queue: SharedObject, its: Arrangement, settings: QueueSettings): void {
  begin(queue, its.kind, () => new QueueHome(its, settings));
}

const KIND: Kind = { file: "concurrency/queue/queue.ts", name: "Queue" };

/**
 * First come, first served: Python's `queue.Queue`, for tasks of one thread, of workers and of child processes
 * alike. Handlers share one as a field of their server.
 *
 * @typeParam T The type of an item.
 *
 * @example A producer and two consumers
 * ```ts
 * import { Queue } from "@socketserver/socketserver/queue";
 *
 * const numbers = new Queue<number>(10);
 * let sum = 0;
 * const consumers = [1, 2].map(async () => {
 *   for await (const number of numbers) {
 *     sum += number;
 *     await numbers.task_done();
 *   }
 * });
 * for (let number = 1; number <= 100; number++) await numbers.put(number);
 * await numbers.join();
 * await numbers.shutdown();
 * await Promise.all(consumers);
 * console.log(sum); // 5050
 * ```
 *
 * @example An item that comes back if nobody says that it is done
 * ```ts
 * import { Queue } from "@socketserver/socketserver/queue";
 *
 * const jobs = new Queue<string>();
 * await jobs.put("sweep");
 * {
 *   using job = await jobs.take();
 *   console.log(job.item, job.deliveries); // sweep 1
 * } // left without done()
 * using job = await jobs.take();
 * console.log(job.item, job.deliveries); // sweep 2
 * await job.done();
 * await jobs.join();
 * ```
 */
export class Queue<T> extends BaseQueue<T> {
  /**
   * Makes an empty queue.
   *
   * @param maxsize How many items it has room for; 0 or less, as it is unless told, means any number.
   * @param options What else it can be told.
   * @throws {RangeError} If `max_deliveries` is not a whole number from 1.
   * @throws {TypeError} If `maxsize` is not a number.
   */
  constructor(maxsize = 0, options: QueueOptions = {}) {
    super();
    const arrangement = this[arrange](options);
    const { max_deliveries = MAX_DELIVERIES, observer } = options;
    if (typeof maxsize !== "number" || Number.isNaN(maxsize)) {
      throw new TypeError(`Cannot use maxsize = ${Deno.inspect(maxsize)}: it must be a number`);
    }
    if (max_deliveries !== Infinity && !(Number.isInteger(max_deliveries) && max_deliveries > 0)) {
      throw new RangeError(
        `Cannot use max_deliveries = ${
          Deno.inspect(max_deliveries)
        }: it must be a whole number from 1`,
      );
    }
    check_function("observer", observer);
    begin_queue(this, arrangement, { maxsize, max_deliveries, counts: true, observer });
  }

  /** @ignore */
  [arrange](options: QueueOptions): Arrangement {
    check_names(options, QUEUE_OPTIONS);
    return { kind: KIND, store: new Fifo() };
  }

  /**
   * Takes the next item until it is done, and waits for one. At least once: an item whose {@linkcode Job} is left
   * without `done()`, by an error, by the end of its worker or because its request is given up, is the next one again;
   * after `max_deliveries` it is dropped and reported.
   *
   * @param block Whether to wait: `true` unless told.
   * @param timeout How long to wait, in ms; `null`, as it is unless told, for ever; 0 tries once.
   * @throws {Empty} If there was none in time.
   * @throws {ShutDown} If the queue was shut down, and is empty.
   * @throws {TypeError} If a function in the item cannot be found here: the item goes back, as one that
   * is left without `done()`.
   * @throws {RangeError} If the timeout is negative.
   * @throws {Deno.errors.BadResource} If the queue was withdrawn.
   */
  take(block?: boolean, timeout?: number | null): Promise<Job<T>>;
  /** The same with the arguments as one object. */
  take(options: QueueWaitOptions): Promise<Job<T>>;
  take(first?: boolean | QueueWaitOptions, timeout?: number | null): Promise<Job<T>> {
    return attempt_later(async () => {
      const waits = wait_arguments(first, timeout, "block");
      return new TakenJob<T>(this, await next_item<Delivery>(this, "take", waits));
    });
  }

  /**
   * Says that an item that `get()` gave is done.
   *
   * @throws {RangeError} If more are than were put.
   */
  task_done(): Promise<void> {
    return core_of(this).call("task_done", []);
  }

  /**
   * Waits until all items are done that were put.
   *
   * @param timeout How long, in ms; `null`, as it is unless told, for ever.
   * @throws {TimeoutError} If they were not in time.
   * @throws {RangeError} If the timeout is negative.
   */
  join(timeout?: number | null): Promise<void>;
  /** The same with the arguments as one object. */
  join(options: Omit<QueueWaitOptions, "block">): Promise<void>;
  join(first?: number | null | Omit<QueueWaitOptions, "block">): Promise<void> {
    return attempt(() => {
      const { timeout, signal } = timeout_argument(first);
      return core_of(this).call("join", [timeout], { kind: "bring", signal });
    });
  }

  /** Whether there is no room. */
  full(): Promise<boolean> {
    return core_of(this).call("full", []);
  }

  /**
   * Ends the queue: `put()` rejects with `ShutDown` from now on, and `get()` and `take()` when it is empty. After
   * Python 3.13.
   *
   * @param immediate Whether what is in it is dropped, and counts as done; `false` unless told.
   */
  shutdown(immediate = false): Promise<void> {
    return core_of(this).call("shutdown", [immediate]);
  }

  /** The items, each as by `get()`, until the queue is shut down and empty. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    for (;;) {
      let item: T;
      try {
        item = await this.get();
      } catch (error) {
        if (error instanceof ShutDown) return;
        throw error;
      }
      yield item;
    }
  }
}

const SIMPLE: Kind = { file: KIND.file, name: "SimpleQueue" };

/**
 * A queue with nothing but items: Python's `queue.SimpleQueue`. It has room for any number, and no `task_done()`,
 * `join()`, `take()` or `shutdown()`.
 *
 * @typeParam T The type of an item.
 *
 * @example
 * ```ts
 * import { SimpleQueue } from "@socketserver/socketserver/queue";
 *
 * const words = new SimpleQueue<string>();
 * await words.put("hello");
 * console.log(await words.get()); // hello
 * ```
 */
export class SimpleQueue<T> extends BaseQueue<T> {
  /** Makes an empty queue. */
  constructor() {
    super();
    const arrangement = { kind: SIMPLE, store: new Fifo<Entry>() };
    begin_queue(this, arrangement, { maxsize: 0, max_deliveries: Infinity, counts: false });
  }
}

provide_class(KIND, Queue);
provide_class(SIMPLE, SimpleQueue);
