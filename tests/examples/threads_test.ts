import { assert, assertEquals } from "@std/assert";
import { commands_of, output_of, Task } from "../fixtures/programs/programs.ts";

/** The lines that an example prints, until it ends well. */
async function lines_of(example: string, count: number): Promise<string[]> {
  const [command] = commands_of(`threading/${example}`);
  await using task = new Task("--eval", command!);
  const lines: string[] = [];
  while (lines.length < count) lines.push(await task.line());
  await task.ends_well();
  return lines;
}

Deno.test("names_and_daemons.ts: waits for its threads, but not for the daemon", async () => {
  const [command] = commands_of("threading/names_and_daemons.ts");
  const output = await output_of(Deno.execPath(), ["task", "--quiet", "--eval", command!]);
  // The daemon may be slow to print its line, and the last one is the main thread's.
  const lines = output.trimEnd().split("\n").filter((line) => line !== "daemon begins");
  assertEquals(lines.toSorted(), [
    "Thread-1 (work) begins",
    "Thread-1 (work) ends",
    "alive: MainThread, daemon",
    "divider failed: RangeError: Division by zero",
  ]);
});

Deno.test("thread_subclass.ts: four threads count the primes below a million", async () => {
  assertEquals(await lines_of("thread_subclass.ts", 5), [
    "primes from 0: 22044",
    "primes from 250000: 19494",
    "primes from 500000: 18700",
    "primes from 750000: 18260",
    "below a million: 78498",
  ]);
});

Deno.test("waiting_for_redis.ts: both clients wait until the server is there", async () => {
  const [command] = commands_of("threading/waiting_for_redis.ts");
  await using task = new Task("--eval", command!);
  const lines: string[] = [];
  while (!lines.includes("redis: ready to accept connections")) lines.push(await task.line());
  assert(!lines.some((line) => line.endsWith("connected")), lines.join("\n"));
  const connected = (line: string) => /^client [12]: connected$/.test(line);
  while (lines.filter(connected).length < 2) lines.push(await task.line());
  await task.ends_well();
});

Deno.test("students.ts: each thread has its own student", async () => {
  assertEquals(await lines_of("students.ts", 3), [
    "Hello, Alice (in Thread-A)",
    "Hello, Bob (in Thread-B)",
    "The main thread has nobody",
  ]);
});
