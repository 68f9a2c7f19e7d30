/** What calls leave in memory while Redis is away, which may last. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { output_of } from "../../../tests/fixtures/programs/programs.ts";

const PROGRAM = fileURLToPath(new URL("./fixtures/outage_memory.ts", import.meta.url));
/** An object, or what notes one, is more, in bytes. */
const NOTHING = 60;

Deno.test("a call that waits for Redis in vain leaves nothing", async () => {
  const args = ["run", "-A", "--no-check", "--v8-flags=--expose-gc", PROGRAM];
  const output = await output_of(Deno.execPath(), args);
  const lines = output.trim().split("\n").map((line) => line.split(": "));
  assertEquals(lines.map(([name]) => name), ["get", "put"]);
  for (const [name, bytes] of lines) {
    assert(Number(bytes) < NOTHING, `${name}: ${bytes} bytes a call`);
  }
});
