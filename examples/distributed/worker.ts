/**
 * A worker of the master: start as many as you like, on any machine.
 *
 * ```sh
 * AUTHKEY=secret deno run --allow-net --allow-env=AUTHKEY examples/distributed/worker.ts --port 5000 --lanes 2
 * ```
 *
 * `--lanes` says how many tasks it does at once, `--pause` how long each takes, in ms. When the master has no more tasks
 * it ends. When the master is gone it looks for it for a minute.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { ShutDown } from "../../concurrency/multiprocessing/mod.ts";
import { refuse_unknown, run, whole_number } from "../command_line.ts";
import { authkey, QueueManager } from "./queues.ts";

const USAGE = "Usage: worker.ts [--hostname NAME] [--port PORT] [--lanes COUNT] [--pause MS]";

/** Does one task after the other, until there are no more. */
async function work(manager: QueueManager, pause: number): Promise<void> {
  const tasks = await manager.get_task_queue();
  const results = await manager.get_result_queue();
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
async function work_on(manager: QueueManager, pause: number): Promise<void> {
  for (;;) {
    try {
      await work(manager, pause);
    } catch (error) {
      if (error instanceof ShutDown) return;
      if (!(error instanceof Deno.errors.BadResource)) throw error;
      console.log("The master is gone: looking for it");
    }
  }
}

async function main(): Promise<void> {
  const unknown: string[] = [];
  const { hostname, port, lanes, pause } = parseArgs(Deno.args, {
    string: ["hostname", "port", "lanes", "pause"],
    default: { hostname: "127.0.0.1", port: "5000", lanes: "1", pause: "100" },
    unknown: (word) => unknown.push(word) < 0,
  });
  refuse_unknown(unknown);
  const address = { hostname, port: whole_number("--port", port, 1, 65_535) };
  const ms = whole_number("--pause", pause, 0);
  const count = whole_number("--lanes", lanes, 1);

  const reconnect_timeout = 60_000;
  await using manager = new QueueManager({ address, authkey: authkey(), reconnect_timeout });
  await manager.connect();
  await Promise.all(Array.from({ length: count }, () => work_on(manager, ms)));
  console.log("There are no more tasks");
}

if (import.meta.main) await run(USAGE, main);
