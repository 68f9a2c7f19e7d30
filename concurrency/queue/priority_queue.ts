import { check_names } from "../../internal/runtime/check_names.ts";
import type { Kind } from "../../internal/shared/shared_object.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import { arrange, type Arrangement, type Entry } from "./arrangement.ts";
import { Heap } from "./heap.ts";
import { ByComparison, ByKey, type Order, type Priority } from "./priorities.ts";
import { Queue, QUEUE_OPTIONS, type QueueOptions } from "./queue.ts";

/**
 * What a `PriorityQueue` can be told when it is made: `key`, or `compare`, for items that are no priorities
 * themselves. Both are called in the thread where the queue was made.
 *
 * @typeParam T The type of an item.
 */
export interface PriorityQueueOptions<T> extends QueueOptions {
  /**
   * The priority of an item: the lowest goes first. The item itself unless told.
   *
   * @param item The item.
   */
  key?: (item: T) => Priority;
  /**
   * Which of two items goes first, as for `Array.sort()`: a number less than 0 for the first of them, 0 if that does
   * not matter.
   *
   * @param item One item.
   * @param other Another one, or the same.
   */
  compare?: (item: T, other: T) => number;
}

const KIND: Kind = { file: "concurrency/queue/priority_queue.ts", name: "PriorityQueue" };

/**
 * The lowest first: Python's `queue.PriorityQueue`. All else is as in {@linkcode Queue}. Items of the same priority
 * go in the order in which they came, and one that comes back goes where it was.
 *
 * All priorities of a queue have one type. What cannot be compared is refused by `put()` with a `TypeError`, and the
 * queue stays as it is.
 *
 * @typeParam T The type of an item.
 *
 * @example Pairs of a priority and a text
 * ```ts
 * import { PriorityQueue } from "@socketserver/socketserver/queue";
 *
 * const letters = new PriorityQueue<[priority: number, text: string]>();
 * await letters.put([2, "a postcard"]);
 * await letters.put([1, "a telegram"]);
 * console.log(await letters.get()); // [ 1, "a telegram" ]
 * ```
 *
 * @example Objects
 * ```ts
 * import { PriorityQueue } from "@socketserver/socketserver/queue";
 *
 * interface Job {
 *   name: string;
 *   due: Date;
 * }
 *
 * const jobs = new PriorityQueue<Job>(0, { key: ({ due }) => due });
 * await jobs.put({ name: "tea", due: new Date("2026-01-01T17:00") });
 * await jobs.put({ name: "lunch", due: new Date("2026-01-01T12:00") });
 * console.log((await jobs.get()).name); // lunch
 * ```
 */
export class PriorityQueue<T> extends Queue<T> {
  /**
   * Makes an empty queue.
   *
   * @param maxsize How many items it has room for; 0 or less, as it is unless told, means any number.
   * @param options What else it can be told.
   * @throws {TypeError} If there are both `key` and `compare`, or one is no function.
   */
  constructor(maxsize?: number, options?: PriorityQueueOptions<T>) {
    super(maxsize, options);
  }

  /** @ignore */
  override [arrange](options: PriorityQueueOptions<T>): Arrangement {
    check_names(options, [...QUEUE_OPTIONS, "key", "compare"]);
    const order = order_of(options as PriorityQueueOptions<unknown>);
    return {
      kind: KIND,
      store: new Heap<Entry>((one, other) =>
        order.compare(one.rank, other.rank) || one.number - other.number
      ),
      rank: (item) => order.rank(item),
    };
  }
}

function order_of({ key, compare }: PriorityQueueOptions<unknown>): Order {
  for (const given of [key, compare]) {
    if (given === undefined || typeof given === "function") continue;
    throw new TypeError(`Cannot use ${Deno.inspect(given)} for the order: it must be a function`);
  }
  if (key && compare) throw new TypeError("Cannot use both key and compare: give one of them");
  return compare ? new ByComparison(compare) : new ByKey(key ?? ((item) => item));
}

provide_class(KIND, PriorityQueue);
