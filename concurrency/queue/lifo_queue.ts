import type { Kind } from "../../internal/shared/shared_object.ts";
import { provide_class } from "../../internal/shared/travel.ts";
import { arrange, type Arrangement, type Entry } from "./arrangement.ts";
import { Heap } from "./heap.ts";
import { Queue, type QueueOptions } from "./queue.ts";

const KIND: Kind = { file: "concurrency/queue/lifo_queue.ts", name: "LifoQueue" };

/**
 * Last come, first served: Python's `queue.LifoQueue`. All else is as in {@linkcode Queue}. An item that comes back
 * goes where it was, below those that came later.
 *
 * @typeParam T The type of an item.
 *
 * @example
 * ```ts
 * import { LifoQueue } from "@socketserver/socketserver/queue";
 *
 * const plates = new LifoQueue<string>();
 * for (const plate of ["red", "green", "blue"]) await plates.put(plate);
 * console.log(await plates.get()); // blue
 * ```
 */
export class LifoQueue<T> extends Queue<T> {
  /** @ignore */
  override [arrange](options: QueueOptions): Arrangement {
    const store = new Heap<Entry>((one, other) => other.number - one.number);
    return { ...super[arrange](options), kind: KIND, store };
  }
}

provide_class(KIND, LifoQueue);
