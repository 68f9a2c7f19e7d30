/**
 * The master: it has tasks, and workers on this machine and on others do them. A worker may come late, and one may be
 * killed: what it had taken goes to another one. The queues are the master's own:
 *
 * ```sh
 * AUTHKEY=secret deno run --allow-net --allow-env=AUTHKEY examples/distributed/master.ts --port 5000 --tasks 20
 * AUTHKEY=secret deno run --allow-net --allow-env=AUTHKEY examples/distributed/worker.ts --port 5000
 * ```
 *
 * Or they are in Redis, where tasks and results outlive the master, too:
 *
 * ```sh
 * deno run --allow-net examples/distributed/master.ts --redis redis://127.0.0.1:6379 --tasks 20
 * deno run --allow-net examples/distributed/worker.ts --redis redis://127.0.0.1:6379
 * ```
 *
 * It prints each result as it comes, and at the end how many tasks came to more than one worker:
 *
 * ```text
 * 1 of 20: 1 * 1 = 1, by 4711
 * 2 of 20: 3 * 3 = 9, by 4712, delivered 2 times
 * ...
 * All are done; 1 of them were delivered more than once
 * ```
 *
 * `--hostname 0.0.0.0` lets other machines in. What they say to each other is not encrypted: see docs/distributed.md.
 * `--visibility MS` says how long a worker of Redis may be silent until it counts as lost: 30000 unless told, and the
 * same for the workers.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import type { ManagerServer } from "../../concurrency/multiprocessing/mod.ts";
import { refuse_unknown, run, whole_number } from "../command_line.ts";
import { authkey, own, QueueManager, type Queues, type Result } from "./queues.ts";

/** How long workers have to leave, in ms. */
const GOODBYE = 5000;

const USAGE = "Usage: master.ts [--hostname NAME] [--port PORT] [--tasks COUNT] " +
  "[--redis URL] [--visibility MS]";

/** Has all tasks done, and tells how far that is. */
async function distribute({ tasks, results }: Queues, count: number): Promise<void> {
  for (let number = 1; number <= count; number++) await tasks.put({ number });
  const again = await collect(results, count);
  await tasks.join();
  console.log(`All are done; ${again} of them were delivered more than once`);
  await tasks.shutdown();
}

/** Waits for all results; gives how many tasks were delivered more than once. */
async function collect(results: Queues["results"], count: number): Promise<number> {
  const found = new Map<number, Result>();
  while (found.size < count) {
    using job = await results.take();
    const { item: result } = job;
    const { number, square, pid, deliveries } = result;
    // A worker that was lost may have sent it, and not yet said that its task is done; and in Redis may be more than
    // this master has asked for.
    const is_new = number <= count && !found.has(number);
    if (is_new) {
      found.set(number, result);
      const times = deliveries > 1 ? `, delivered ${deliveries} times` : "";
      console.log(
        `${found.size} of ${count}: ${number} * ${number} = ${square}, by ${pid}${times}`,
      );
    }
    await job.done();
  }
  return [...found.values()].filter(({ deliveries }) => deliveries > 1).length;
}

/** Waits until all workers have heard that there is no more to do, and have left; not for ever. */
async function goodbye(server: ManagerServer): Promise<void> {
  const end = performance.now() + GOODBYE;
  while (server.info().active > 0 && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The queues are at home here. */
async function with_manager(hostname: string, port: number, count: number): Promise<void> {
  const address = { hostname, port };
  await using server = new QueueManager({ address, authkey: authkey() }).get_server();
  const serving = server.serve_forever();
  const { port: bound } = server.server_address as Deno.NetAddr;
  console.log(`The master listens on ${hostname}:${bound}`);
  await distribute(own, count);
  await goodbye(server);
  await server.shutdown();
  await serving;
}

/** The queues are in Redis. */
async function with_redis(url: string, visibility: number, count: number): Promise<void> {
  const { RedisQueues } = await import("./redis_queues.ts");
  await using queues = new RedisQueues(url, visibility);
  // An earlier master has shut them down.
  await queues.tasks.reopen();
  console.log(`The master uses ${url}`);
  await distribute(queues, count);
}

async function main(): Promise<void> {
  const unknown: string[] = [];
  const { hostname, port, tasks, redis, visibility } = parseArgs(Deno.args, {
    string: ["hostname", "port", "tasks", "redis", "visibility"],
    default: { hostname: "127.0.0.1", port: "5000", tasks: "20", visibility: "30000" },
    unknown: (word) => unknown.push(word) < 0,
  });
  refuse_unknown(unknown);
  const count = whole_number("--tasks", tasks, 1);
  const silence = whole_number("--visibility", visibility, 1);
  if (redis !== undefined) await with_redis(redis, silence, count);
  else await with_manager(hostname, whole_number("--port", port, 0, 65_535), count);
}

if (import.meta.main) await run(USAGE, main);
