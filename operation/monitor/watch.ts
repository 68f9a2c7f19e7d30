import { Executor } from "../../concurrency/futures/executor.ts";
import { BaseQueue } from "../../concurrency/queue/queue.ts";
import { BaseServer } from "../../server/base_server.ts";
import { named, type Observed, type ObservedGroup } from "./observed.ts";
import type { Told, Watched } from "./watched.ts";
import { WatchedExecutor } from "./watched_executor.ts";
import { WatchedQueue } from "./watched_queue.ts";
import { WatchedServer } from "./watched_server.ts";

/**
 * Begins to watch each of a group.
 *
 * @throws {TypeError} If something is no server, executor or queue of this library.
 * @throws {Deno.errors.NotSupported} If a queue was made in another thread or process.
 */
export function watch_all(group: ObservedGroup, told: Told): Watched[] {
  const watched: Watched[] = [];
  try {
    for (const [name, observed] of named(group)) watched.push(watch(observed, name, told));
  } catch (error) {
    for (const one of watched) one.leave();
    throw error;
  }
  return watched;
}

function watch(observed: Observed, name: string, told: Told): Watched {
  if (observed instanceof BaseServer) return new WatchedServer(observed, name, told);
  if (observed instanceof Executor) return new WatchedExecutor(observed, name, told);
  if (observed instanceof BaseQueue) return new WatchedQueue(observed, name);
  throw new TypeError(
    `Cannot watch ${Deno.inspect(observed)}: it must be a server, an executor or a queue`,
  );
}
