/** The examples of pools in `examples/multiprocessing/`, which run to their ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { commands_of, ending_of } from "../fixtures/programs/programs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What an example prints, by the command of its head comment. */
async function lines_of(example: string): Promise<string[]> {
  const [run] = commands_of(`multiprocessing/${example}`);
  const args = ["task", "--quiet", "--eval", run!];
  const { code, output, errors } = await ending_of(Deno.execPath(), args, { cwd: ROOT });
  assertEquals({ code, errors }, { code: 0, errors: "" });
  return output.trimEnd().split("\n");
}

Deno.test("five_tasks.ts: five tasks in at most four processes", async () => {
  const lines = await lines_of("five_tasks.ts");
  assertMatch(lines[0]!, /^The program is process \d+$/);
  assertEquals(lines.at(-1), "All is done");
  const found = (words: RegExp) => lines.flatMap((line) => words.exec(line)?.[1] ?? []).toSorted();
  const names = ["Ann", "Bob", "Cid", "Dot", "Eve"];
  assertEquals(found(/^Task (\w+) runs in process \d+$/), names);
  assertEquals(found(/^Task (\w+) ran for \d+ ms$/), names);
  const places = new Set(found(/^Task \w+ runs in process (\d+)$/));
  assert(places.size <= 4 && !places.has(lines[0]!.split(" ").at(-1)!), `${[...places]}`);
});

Deno.test("callbacks.ts: what they are told", async () => {
  const lines = await lines_of("callbacks.ts");
  assertEquals(lines.at(-1), "Together 92");
  assertEquals(lines.slice(0, -1).toSorted(), [
    "100 gives 1",
    "13 gives 10",
    "44 gives 32",
    "7 gives 49",
    "RangeError: -1 is below zero",
  ]);
});

Deno.test("sleeping_threads.ts: all sleep, and how long", async () => {
  const lines = await lines_of("sleeping_threads.ts");
  const times = lines.slice(0, -1).map((line) => /^One has slept for (\d+) ms$/.exec(line)?.[1]);
  assertEquals(times.map(Number).toSorted((a, b) => b - a), [
    ...Array(10).keys().map((n) => 1000 - 50 * n),
  ]);
  assertMatch(lines.at(-1)!, /^7750 ms together, in \d+ ms$/);
});

Deno.test("processes_with_threads.ts: the primes of four thousand numbers", async () => {
  assertEquals(await lines_of("processes_with_threads.ts"), [
    "168 primes from 0",
    "135 primes from 1000",
    "127 primes from 2000",
    "120 primes from 3000",
  ]);
});
