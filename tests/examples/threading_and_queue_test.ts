/** The examples in `examples/threading/` and `examples/queue/`, which run to their ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { commands_of, ending_of } from "../fixtures/programs/programs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What an example prints, by the command of its head comment. */
async function lines_of(example: string): Promise<string[]> {
  const [run] = commands_of(example);
  const args = ["task", "--quiet", "--eval", run!];
  const { code, output, errors } = await ending_of(Deno.execPath(), args, { cwd: ROOT });
  assertEquals({ code, errors }, { code: 0, errors: "" });
  return output.trimEnd().split("\n");
}

Deno.test("toilets.ts: seven guests, and never more than three at once", async () => {
  const inside = new Set<string>();
  const been = new Set<string>();
  for (const line of await lines_of("threading/toilets.ts")) {
    const [, guest, way, taken] = /^(\w+) (goes in|comes out): (\d) taken$/.exec(line)!;
    if (way === "goes in") inside.add(guest!);
    else assert(inside.delete(guest!), line);
    assertEquals(Number(taken), inside.size);
    assert(inside.size <= 3, line);
    been.add(guest!);
  }
  assertEquals([been.size, inside.size], [7, 0]);
});

Deno.test("traffic_light.ts: six cars, which drive while the light is green", async () => {
  let light = "";
  const driven: string[] = [];
  for (const line of await lines_of("threading/traffic_light.ts")) {
    if (line.startsWith("The light is ")) light = line;
    else if (line.endsWith(" stops")) assertEquals(light, "The light is red");
    else {
      assertMatch(line, /^Car \d drives on$/);
      assertEquals(light, "The light is green");
      driven.push(line);
    }
  }
  assertEquals(new Set(driven).size, 6);
});

Deno.test("deadlock.ts: both wait in vain, and then eat", async () => {
  const lines = await lines_of("threading/deadlock.ts");
  assertEquals(lines.slice(0, 2), ["Ann has the knife", "Bob has the fork"]);
  assertEquals(lines.slice(2, 4).toSorted(), [
    "Ann waits for the fork in vain: a deadlock",
    "Bob waits for the knife in vain: a deadlock",
  ]);
  assertEquals(lines.slice(4), ["Ann eats", "Bob eats"]);
});

Deno.test("nested_locks.ts: three guests, one after the other, and the till is right", async () => {
  assertEquals(await lines_of("threading/nested_locks.ts"), [
    "10 in the till",
    "Ann gives 5 for 3",
    "15 in the till",
    "13 in the till",
    "Ann gets 2",
    "Bob gives 20 for 4",
    "33 in the till",
    "17 in the till",
    "Bob gets 16",
    "Cid gives 50 for 7",
    "67 in the till",
    "24 in the till",
    "Cid gets 43",
  ]);
});

Deno.test("three_producers.ts: fifteen buns, each eaten once", async () => {
  const lines = await lines_of("queue/three_producers.ts");
  const all = ["Xia", "Yan", "Zoe"].flatMap((baker) =>
    [1, 2, 3, 4, 5].map((number) => `${baker}'s bun ${number}`)
  );
  const found = (words: RegExp) => lines.flatMap((line) => words.exec(line)?.[1] ?? []).toSorted();
  assertEquals(found(/^There is (.*)$/), all);
  assertEquals(found(/^\w+ eats (.*)$/), all);
  assertEquals(lines.indexOf("All is eaten"), lines.length - 4);
  const eaten = found(/^\w+ has eaten (\d+) and goes home$/);
  assertEquals(eaten.reduce((sum, count) => sum + Number(count), 0), 15);
});

Deno.test("priorities.ts: the most urgent first, and of two the one who came first", async () => {
  assertEquals(await lines_of("queue/priorities.ts"), [
    "Eve: TypeError",
    "Cid with a heart attack",
    "Bob with a broken arm",
    "Dot with a broken leg",
    "Ann with a cold",
  ]);
});

Deno.test("fed_threads.ts: two threads answer four clients", async () => {
  const lines = await lines_of("queue/fed_threads.ts");
  const told = lines.map((line) => /^(\w+) \(server [12]\)$/.exec(line)![1]);
  assertEquals(told.toSorted(), ["FOUR", "ONE", "THREE", "TWO"]);
});
