/**
 * What a queue of a manager costs, beside CPython's on the same machine.
 *
 * ```sh
 * deno task bench:manager
 * deno task bench:manager --rounds 5
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import { markdown_table } from "../markdown_table.ts";
import { median } from "../median.ts";
import { output_of } from "../output_of.ts";
import { QueueManager, used } from "./queue_manager.ts";

/** How often a second it is done, and the processor time of both processes for each, in us. */
type Figures = [rate: number, cost: number];

/** So often it is done before it is measured: until then, the program is still being compiled. */
const WARM_UP = 10_000;

/** Puts an item, gets it and says that it is done, from so many lanes at once. */
async function measure(manager: QueueManager, lanes: number, count: number): Promise<Figures> {
  const tasks = await manager.get_tasks();
  const work = async (count: number) => {
    for (let number = 0; number < count; number++) {
      await tasks.put(number);
      await tasks.get();
      await tasks.task_done();
    }
  };
  await work(WARM_UP);
  const before = used() + await manager.used();
  const begin = performance.now();
  await Promise.all(Array.from({ length: lanes }, () => work(count / lanes)));
  const ms = performance.now() - begin;
  const spent = used() + await manager.used() - before;
  return [count / ms * 1000, spent / count * 1000];
}

const { rounds } = parseArgs(Deno.args, { string: ["rounds"], default: { rounds: "3" } });
const script = fileURLToPath(new URL("cpython.py", import.meta.url));
const figures = new Map<string, Figures[]>();
const note = (name: string, figure: Figures) => {
  figures.set(name, [...figures.get(name) ?? [], figure]);
};
{
  await using manager = new QueueManager({ authkey: "abc" });
  await manager.start();
  for (let round = 0; round < Number(rounds); round++) {
    note("one by one", await measure(manager, 1, 6000));
    note("16 lanes", await measure(manager, 16, 48_000));
    const python = JSON.parse(await output_of("python3", [script]) ?? "{}");
    for (const [name, figure] of Object.entries<Figures>(python)) note(`python ${name}`, figure);
  }
}

const figure = (name: string, at: 0 | 1) => {
  const all = figures.get(name);
  return all ? Math.round(median(all.map((one) => one[at]))).toLocaleString("en") : "-";
};
const columns = ["put(), get(), task_done()", "a second", "CPython", "us of processor", "CPython"];
console.log(markdown_table(
  columns.map((heading, at) => ({ heading, numeric: at > 0 })),
  ["one by one", "16 lanes"].map((name) => [
    name,
    figure(name, 0),
    figure(`python ${name}`, 0),
    figure(name, 1),
    figure(`python ${name}`, 1),
  ]),
));
