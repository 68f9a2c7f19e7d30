/** Programs that use locks: what they are warned of, and that they end. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Program } from "../../fixtures/programs/programs.ts";

const PROGRAM = fileURLToPath(
  new URL("../../fixtures/programs/locking_program.ts", import.meta.url),
);

for (const name of ["AsyncTCPServer", "ThreadingTCPServer", "ForkingTCPServer"]) {
  Deno.test(`${name}: a program ends by itself while locks are held and waited for`, async () => {
    await using program = new Program("run", "-A", "--no-check", PROGRAM, name);
    for (const word of ["hold", "acquire", "wait", "stay", "closed"]) {
      assertEquals(await program.line(), word);
    }
    assertEquals((await program.status()).code, 0);
  });
}

Deno.test("a lock that each worker makes again is warned of once, with the way out", async () => {
  await using program = new Program("run", "-A", "--no-check", PROGRAM, "ThreadingTCPServer");
  assertEquals((await program.status()).code, 0);
  const warnings = (await program.errors()).split("\n").filter((line) => line.includes("is made"));
  assertEquals(warnings.length, 2);
  assertStringIncludes(warnings[0]!, "A Lock is made while a worker loads a module");
  assertStringIncludes(warnings[0]!, "field of the server");
  assertStringIncludes(warnings[0]!, "Lock.named()");
  assertStringIncludes(warnings[1]!, "A Semaphore is made");
});
