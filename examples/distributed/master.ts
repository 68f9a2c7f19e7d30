/**
 * The master: it has tasks, and workers on this machine and on others do them. A worker may come late, and one may be
 * killed: what it had taken goes to another one.
 *
 * ```sh
 * AUTHKEY=secret deno run --allow-net --allow-env=AUTHKEY examples/distributed/master.ts --port 5000 --tasks 20
 * AUTHKEY=secret deno run --allow-net --allow-env=AUTHKEY examples/distributed/worker.ts --port 5000
 * ```
 *
 * `--hostname 0.0.0.0` lets other machines in. What they say to each other is not encrypted: see docs/distributed.md.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import type { ManagerServer } from "../../concurrency/multiprocessing/mod.ts";
import { refuse_unknown, run, whole_number } from "../command_line.ts";
import { authkey, QueueManager, type Result, results, tasks } from "./queues.ts";

/** How long workers have to leave, in ms. */
const GOODBYE = 5000;

const USAGE = "Usage: master.ts [--hostname NAME] [--port PORT] [--tasks COUNT]";

/** Waits until all tasks are done, and tells how far that is; gives how many came more than once. */
async function collect(count: number): Promise<number> {
  const found = new Map<number, Result>();
  while (found.size < count) {
    const result = await results.get();
    await results.task_done();
    // A worker that was lost may have sent it, and not yet said that its task is done.
    if (found.has(result.number)) continue;
    found.set(result.number, result);
    const { number, square, pid } = result;
    console.log(`${found.size} of ${count}: ${number} * ${number} = ${square}, by ${pid}`);
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

async function main(): Promise<void> {
  const unknown: string[] = [];
  const { hostname, port, tasks: count } = parseArgs(Deno.args, {
    string: ["hostname", "port", "tasks"],
    default: { hostname: "127.0.0.1", port: "5000", tasks: "20" },
    unknown: (word) => unknown.push(word) < 0,
  });
  refuse_unknown(unknown);
  const number = whole_number("--tasks", count, 1);
  const address = { hostname, port: whole_number("--port", port, 0, 65_535) };

  await using server = new QueueManager({ address, authkey: authkey() }).get_server();
  const serving = server.serve_forever();
  const { port: bound } = server.server_address as Deno.NetAddr;
  console.log(`The master listens on ${hostname}:${bound}`);
  for (let at = 1; at <= number; at++) await tasks.put({ number: at });

  const again = await collect(number);
  await tasks.join();
  console.log(`All are done; ${again} of them were delivered more than once`);
  await tasks.shutdown();
  await goodbye(server);
  await server.shutdown();
  await serving;
}

if (import.meta.main) await run(USAGE, main);
