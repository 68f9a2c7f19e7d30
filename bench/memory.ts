import { delay } from "@std/async/delay";
import type { Load, LoadGenerator } from "./load_generator.ts";
import { output_of } from "./output_of.ts";
import type { Sample } from "./results.ts";
import type { ServerProcess } from "./server_process.ts";

/** Clients that come and go first, for this many seconds: what a server needs once is there then. */
const WARM_UP: Load = { mode: "request", connections: 100, size: 64 };
const WARM_UP_SECONDS = 1;
/** How long a server is left alone before its memory is looked at, in ms. */
const REST = 1000;
/** How long its memory must stay the same, in ms. */
const STABLE = 300;
/** How often it is looked at, at the most: it may never stay the same. */
const LOOKS = 20;

/** Measures by how much each of the connections of a load makes a server grow. */
export async function measure_memory(
  generator: LoadGenerator,
  load: Load,
  server: ServerProcess,
): Promise<Sample> {
  const { pid, port } = server;
  await generator.run(WARM_UP, server, WARM_UP_SECONDS);
  const before = await settled_memory(pid);
  await using held = await generator.hold(load, port);
  const growth = await settled_memory(pid) - before;
  return { kib_per_connection: growth / load.connections!, errors: held.errors };
}

async function settled_memory(pid: number): Promise<number> {
  await delay(REST);
  let memory = await resident_memory(pid);
  for (let looks = 1; looks < LOOKS; looks++) {
    await delay(STABLE);
    const previous = memory;
    memory = await resident_memory(pid);
    if (memory === previous) break;
  }
  return memory;
}

/** What of a process is in memory, in KiB. Deno lets nobody read /proc who may not do everything. */
async function resident_memory(pid: number): Promise<number> {
  return Number(await output_of("ps", ["-o", "rss=", "-p", String(pid)]));
}
