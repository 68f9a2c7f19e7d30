/**
 * A worker of the master: start as many as you like, on any machine. The first command is for a master with queues of its
 * own, the second for queues in Redis:
 *
 * ```sh
 * AUTHKEY=secret deno run --allow-net --allow-env=AUTHKEY examples/distributed/worker.ts --port 5000 --lanes 2
 * deno run --allow-net examples/distributed/worker.ts --redis redis://127.0.0.1:6379 --lanes 2
 * ```
 *
 * It prints each task that it begins. `--lanes` says how many it does at once, `--pause` how long each takes, in ms. When
 * the master has no more tasks it says so and ends. When the master is gone it looks for it for a minute; when Redis is, it
 * waits until that is there again.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { ShutDown } from "../../concurrency/multiprocessing/mod.ts";
import { refuse_unknown, run, whole_number } from "../command_line.ts";
import { authkey, QueueManager, type Queues } from "./queues.ts";

const USAGE = "Usage: worker.ts [--hostname NAME] [--port PORT] [--lanes COUNT] [--pause MS] " +
  "[--redis URL] [--visibility MS]";

/** How a worker does its tasks. */
interface Manner {
  lanes: number;
  pause: number;
}

/** Does one task after the other, until there are no more. */
async function work({ tasks, results }: Queues, pause: number): Promise<void> {
  for (;;) {
    // Until it is done, it goes back to the queue if this program ends.
    using job = await tasks.take();
    const { item: { number }, deliveries } = job;
    console.log(`Task ${number}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
    await results.put({ number, square: number * number, pid: Deno.pid, deliveries });
    await job.done();
  }
}

/** The same, and begins again when the master was lost. */
async function work_on(find: () => Promise<Queues>, pause: number): Promise<void> {
  for (;;) {
    try {
      await work(await find(), pause);
    } catch (error) {
      if (error instanceof ShutDown) return;
      if (!(error instanceof Deno.errors.BadResource)) throw error;
      console.log("The master is gone: looking for it");
    }
  }
}

/** Works in all lanes. */
async function work_in_lanes(find: () => Promise<Queues>, { lanes, pause }: Manner): Promise<void> {
  await Promise.all(Array.from({ length: lanes }, () => work_on(find, pause)));
  console.log("There are no more tasks");
}

/** The queues are the master's. */
async function with_manager(address: Deno.NetAddr, manner: Manner): Promise<void> {
  await using manager = new QueueManager({
    address,
    authkey: authkey(),
    reconnect_timeout: 60_000,
  });
  await manager.connect();
  const find = async () => ({
    tasks: await manager.get_task_queue(),
    results: await manager.get_result_queue(),
  });
  await work_in_lanes(find, manner);
}

/** The queues are in Redis. */
async function with_redis(url: string, visibility: number, manner: Manner): Promise<void> {
  const { RedisQueues } = await import("./redis_queues.ts");
  await using queues = new RedisQueues(url, visibility);
  await work_in_lanes(() => Promise.resolve(queues), manner);
}

async function main(): Promise<void> {
  const unknown: string[] = [];
  const { hostname, port, lanes, pause, redis, visibility } = parseArgs(Deno.args, {
    string: ["hostname", "port", "lanes", "pause", "redis", "visibility"],
    default: {
      hostname: "127.0.0.1",
      port: "5000",
      lanes: "1",
      pause: "100",
      visibility: "30000",
    },
    unknown: (word) => unknown.push(word) < 0,
  });
  refuse_unknown(unknown);
  const manner = {
    lanes: whole_number("--lanes", lanes, 1),
    pause: whole_number("--pause", pause, 0),
  };
  const silence = whole_number("--visibility", visibility, 1);
  if (redis !== undefined) return await with_redis(redis, silence, manner);
  const address = { hostname, port: whole_number("--port", port, 1, 65_535) };
  await with_manager({ ...address, transport: "tcp" }, manner);
}

if (import.meta.main) await run(USAGE, main);
