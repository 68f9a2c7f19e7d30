import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Program } from "../../fixtures/programs/programs.ts";

const PROGRAM = fileURLToPath(
  new URL("../../fixtures/programs/main_module_functions.ts", import.meta.url),
);

Deno.test("Functions of the main module travel from workers and children, with nothing said of it", async () => {
  await using program = new Program("run", "--quiet", "-A", PROGRAM);
  assertEquals([await program.line(), await program.line()], ["42", "42"]);
  assertEquals((await program.status()).code, 0);
});
