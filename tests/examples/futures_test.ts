/** The examples in `examples/futures/`, which run to their ends. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { commands_of, ending_of } from "../fixtures/programs/programs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What an example prints, by the command of its head comment. */
async function lines_of(example: string): Promise<string[]> {
  const [run] = commands_of(`futures/${example}`);
  const args = ["task", "--quiet", "--eval", run!];
  const { code, output, errors } = await ending_of(Deno.execPath(), args, { cwd: ROOT });
  assertEquals({ code, errors }, { code: 0, errors: "" });
  return output.trimEnd().split("\n");
}

Deno.test("two_pages.ts: the sizes of two pages", async () => {
  assertEquals(await lines_of("two_pages.ts"), [
    "The short page has 100 letters, the long one 20000",
  ]);
});

Deno.test("sleepers.ts: all sleep at once", async () => {
  const [first, last] = await lines_of("sleepers.ts");
  assertEquals(/^After 100 ms (\d+) are awake, and \d+ sleep$/.test(first!), true);
  assertEquals(last, "All are awake: they slept at once");
});

Deno.test("results.ts: what is there first comes first, what never ends is ended", async () => {
  const lines = await lines_of("results.ts");
  assertEquals(lines.toSorted(), [
    "0.5: RangeError: 0.5 is no whole number",
    "0: TimeoutError: The task steps_to_one() took longer than 500 ms",
    "27: 111",
    "871: 178",
    "97: 118",
  ]);
  assertEquals(lines.at(-1)!.startsWith("0: "), true);
});

Deno.test("own_pool.ts: results, an error, and one that was cancelled", async () => {
  assertEquals(await lines_of("own_pool.ts"), [
    "0 1 4 9 16 25 36 49 64 81 100 121",
    "RangeError: no square",
    "The last one was cancelled",
  ]);
});
