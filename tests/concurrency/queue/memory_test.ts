/** What tasks leave in memory that use a queue. */
import { assert, assertEquals } from "@std/assert";
import { output_of } from "../../fixtures/programs/programs.ts";

/** An object, or what notes one, is more, in bytes. */
const NOTHING = 60;

Deno.test("a task that puts and gets, and never says task_done(), leaves nothing", async () => {
  const program = "tests/fixtures/programs/queue_memory.ts";
  const output = await output_of(Deno.execPath(), ["run", "-A", "--v8-flags=--expose-gc", program]);
  const lines = output.trim().split("\n").map((line) => line.split(": "));
  assertEquals(lines.map(([name]) => name), ["here", "there", "own"]);
  for (const [name, bytes] of lines) {
    assert(Number(bytes) < NOTHING, `${name}: ${bytes} bytes a task`);
  }
});
