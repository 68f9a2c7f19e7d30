import { Executor } from "../../concurrency/futures/executor.ts";
import { BaseQueue } from "../../concurrency/queue/queue.ts";
import { BaseServer } from "../../server/base_server.ts";
import type { Told, Watched } from "./watched.ts";
import { WatchedExecutor } from "./watched_executor.ts";
import { WatchedQueue } from "./watched_queue.ts";
import { WatchedServer } from "./watched_server.ts";

/** What can be watched. */
export type Watchable = BaseServer | Executor | BaseQueue<unknown>;

/**
 * Begins to watch; those whose class has the same name are numbered.
 *
 * @throws {TypeError} If something is none of these, or a queue is at home in another thread.
 */
export function watch_all(watchable: readonly Watchable[], told: Told): Watched[] {
  const classes = watchable.map((one) => Object(one).constructor?.name as string);
  const watched: Watched[] = [];
  try {
    for (const [index, one] of watchable.entries()) {
      const name = classes[index]!;
      const before = classes.slice(0, index).filter((other) => other === name).length;
      const is_alone = classes.filter((other) => other === name).length === 1;
      watched.push(watch(one, is_alone ? name : `${name} ${before + 1}`, told));
    }
  } catch (error) {
    for (const one of watched) one.leave();
    throw error;
  }
  return watched;
}

function watch(one: Watchable, name: string, told: Told): Watched {
  if (one instanceof BaseServer) return new WatchedServer(one, name, told);
  if (one instanceof Executor) return new WatchedExecutor(one, name, told);
  if (one instanceof BaseQueue) return new WatchedQueue(one, name);
  throw new TypeError(
    `Cannot watch ${Deno.inspect(one, { depth: 0 })}: it must be a server, an executor or a queue`,
  );
}
