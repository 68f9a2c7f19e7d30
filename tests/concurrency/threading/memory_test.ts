/** What locks leave in memory that nobody gives back. */
import { assert, assertEquals } from "@std/assert";
import { output_of } from "../../fixtures/programs/programs.ts";

/** An object, or what notes one, is more, in bytes. */
const NOTHING = 60;

Deno.test("a lock that is dropped, lost or withdrawn while it is held leaves nothing", async () => {
  const program = "tests/fixtures/programs/lock_memory.ts";
  // What is optimized would count, too.
  const flags = "--v8-flags=--expose-gc,--no-opt,--no-maglev,--no-sparkplug";
  const output = await output_of(Deno.execPath(), ["run", "-A", "--no-check", flags, program]);
  const lines = output.trim().split("\n").map((line) => line.split(": "));
  assertEquals(lines.map(([name]) => name), ["dropped", "lost", "withdrawn"]);
  for (const [name, bytes] of lines) {
    assert(Number(bytes) < NOTHING, `${name}: ${bytes} bytes a lock`);
  }
});
