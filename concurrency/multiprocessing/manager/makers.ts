import type { SharedObject } from "../../../internal/shared/shared_object.ts";
import { LifoQueue } from "../../queue/lifo_queue.ts";
import { PriorityQueue } from "../../queue/priority_queue.ts";
import { Queue, SimpleQueue } from "../../queue/queue.ts";
import { Barrier } from "../../threading/barrier.ts";
import { Condition } from "../../threading/condition.ts";
import { Event } from "../../threading/event.ts";
import { Lock } from "../../threading/lock.ts";
import { RLock } from "../../threading/rlock.ts";
import { BoundedSemaphore, Semaphore } from "../../threading/semaphore.ts";
import { DictProxy } from "./dict_proxy.ts";
import { ListProxy } from "./list_proxy.ts";
import { ObjectProxy } from "./object_proxy.ts";
import { NamespaceProxy } from "./namespace_proxy.ts";

/** What a manager makes, by the names that Python's has for it. */
export const MADE = {
  dict: DictProxy,
  list: ListProxy,
  Namespace: NamespaceProxy,
  Queue,
  LifoQueue,
  PriorityQueue,
  SimpleQueue,
  Lock,
  RLock,
  Semaphore,
  BoundedSemaphore,
  Condition,
  Event,
  Barrier,
};

/** The name of something that a manager makes. */
export type MadeName = keyof typeof MADE;

/** Makes something, in the thread that it is called in. */
export function make(name: MadeName, args: unknown[]): SharedObject {
  return Reflect.construct(MADE[name], args);
}

/**
 * Makes things in a process of its own.
 *
 * @param started Gets what makes them.
 * @param stop Says when it is to stop.
 */
export async function serve_making(started: SimpleQueue<ObjectProxy>, stop: Event): Promise<void> {
  await started.put(new ObjectProxy({ make }, ["make"]));
  await stop.wait();
}
serve_making.module = import.meta.url;
