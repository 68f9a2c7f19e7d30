/** What an executor leaves in memory. */
import { assert } from "@std/assert";
import { ending_of } from "../../fixtures/programs/programs.ts";

/** A report as text, in bytes: Deno keeps what it has printed last. */
const REPORT = 5000;

Deno.test("an error that is reported is not kept, but its text", async () => {
  const program = "tests/fixtures/programs/report_memory.ts";
  const args = ["run", "-A", "--no-check", "--v8-flags=--expose-gc", program];
  const { code, output, errors } = await ending_of(Deno.execPath(), args);
  assert(code === 0 && errors.includes("Error: left"), errors);
  assert(Number(output) < REPORT, `${output.trim()} bytes a report`);
});
