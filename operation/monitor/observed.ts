import type { ExecutorInfo } from "../../concurrency/futures/executor.ts";
import type { PoolEvent } from "../../concurrency/futures/pool_event.ts";
import type { QueueEvent, QueueInfo } from "../../concurrency/queue/queue_event.ts";
import { class_name_of } from "../../internal/runtime/class_name.ts";
import type { ServerEvent } from "../../server/events.ts";
import type { ServerInfo } from "../../server/info.ts";

/** What tells of itself: a server, an executor or a queue. */
export type Observed = { info(): ServerInfo } | { info(): ExecutorInfo } | { info(): QueueInfo };

/** What they tell their observers. */
export type ObservedEvent = ServerEvent | PoolEvent | QueueEvent;

/** One of them, several, or several under the names that they are to have. */
export type ObservedGroup = Observed | readonly Observed[] | Readonly<Record<string, Observed>>;

/** What one has told, with its name. */
export type NamedInfo =
  | { kind: "server"; name: string; info: ServerInfo }
  | { kind: "executor"; name: string; info: ExecutorInfo }
  | { kind: "queue"; name: string; info: QueueInfo };

/**
 * What each of them tells, in their order. Without a name of its own, one has that of its class, with a number if
 * another one has that already.
 *
 * @throws {TypeError} If one of them is nothing that tells of itself.
 */
export function infos_of(group: ObservedGroup): NamedInfo[] {
  return named(group).map(([name, observed]) => {
    const info = observed.info();
    return { kind: kind_of(info), name, info } as NamedInfo;
  });
}

/**
 * Each of them with its name, in their order.
 *
 * @throws {TypeError} If one of them is nothing that tells of itself.
 */
export function named(group: ObservedGroup): [name: string, observed: Observed][] {
  const taken = new Set<string>();
  return entries_of(group).map(([given, observed]) => {
    if (typeof observed?.info !== "function") {
      throw new TypeError(
        `Cannot observe ${Deno.inspect(observed)}: it must be a server, an executor or a queue`,
      );
    }
    const name = free_name(given ?? class_name_of(observed), taken);
    taken.add(name);
    return [name, observed];
  });
}

function entries_of(group: ObservedGroup): [name: string | undefined, observed: Observed][] {
  // What is no object is one of them, and a wrong one.
  const is_one = Object(group) !== group || typeof (group as Observed).info === "function";
  if (is_one) return [[undefined, group as Observed]];
  if (Array.isArray(group)) return group.map((observed) => [undefined, observed]);
  return Object.entries(group);
}

function free_name(name: string, taken: Set<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name} ${number}`;
  return free;
}

function kind_of(info: NamedInfo["info"]): NamedInfo["kind"] {
  if ("accepted" in info) return "server";
  return "getters" in info ? "queue" : "executor";
}
