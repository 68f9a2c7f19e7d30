/**
 * What processes cost, beside CPython's: `deno task bench:processes`, with `--rounds 10`. Each figure is a median, in ms.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import * as multiprocessing from "../../concurrency/multiprocessing/mod.ts";
import * as threading from "../../concurrency/threading/mod.ts";
import { markdown_table } from "../markdown_table.ts";
import { median } from "../median.ts";
import { output_of } from "../output_of.ts";

type Times = multiprocessing.Queue<number>;

/** Says when it began. */
export async function begin(times: Times): Promise<void> {
  await times.put(now());
}

/** The time, in ms, the same in all processes. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Something that is measured: each call gives figures by their names. */
type Row = () => Promise<Record<string, number>>;

/** How long one takes to begin, and to have ended. */
function start_of(
  what: string,
  make: (times: Times) => Pick<threading.Thread, "start" | "join">,
): Row {
  return async () => {
    const times: Times = new multiprocessing.Queue();
    const one = make(times);
    const asked = now();
    await one.start();
    await one.join();
    const ended = now();
    return {
      [`${what}: start() to its first line`]: await times.get() - asked,
      [`${what}: start() to the end of join()`]: ended - asked,
    };
  };
}

const ROWS: Row[] = [
  start_of("process", (times) => new multiprocessing.Process({ target: begin, args: [times] })),
  start_of("thread", (times) => new threading.Thread({ target: begin, args: [times] })),
];

if (import.meta.main) {
  const { rounds } = parseArgs(Deno.args, { string: ["rounds"], default: { rounds: "10" } });
  const script = fileURLToPath(new URL("cpython.py", import.meta.url));
  const figures = new Map<string, number[]>();
  const note = (name: string, figure: number) => {
    figures.set(name, [...figures.get(name) ?? [], figure]);
  };
  // The first one also asks how children are to be started.
  const [first] = Object.values(await ROWS[0]!());
  note("the first process of a program: start() to its first line", first!);
  for (let round = 0; round < Number(rounds); round++) {
    for (const row of ROWS) {
      for (const [name, figure] of Object.entries(await row())) note(name, figure);
    }
    const python = JSON.parse(await output_of("python3", [script]) ?? "{}");
    for (const [name, figure] of Object.entries<number>(python)) note(`python ${name}`, figure);
  }
  const shown = (name: string) => figures.has(name) ? median(figures.get(name)!).toFixed(1) : "";
  const columns = ["what", "ms", "CPython's spawn, ms"];
  console.log(markdown_table(
    columns.map((heading) => ({ heading, numeric: heading !== "what" })),
    [...figures.keys()].filter((name) => !name.startsWith("python "))
      .map((name) => [name, shown(name), shown(`python ${name}`)]),
  ));
}
