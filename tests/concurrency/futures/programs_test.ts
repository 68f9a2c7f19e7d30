/** Programs with pools: that they end when they should, and not before. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { all_ended, is_running } from "../../fixtures/programs/processes.ts";
import { GroupProgram, Program } from "../../fixtures/programs/programs.ts";

const PROGRAM = fileURLToPath(
  new URL("../../fixtures/programs/pool_program.ts", import.meta.url),
);
const RUN = ["run", "-A", "--no-check", PROGRAM];

/** How long, in ms, a program may take to end that is interrupted: on a machine with nothing else to do, a second. */
const ENDING = 5000;

Deno.test("without the permissions for workers each task fails with what to type", async () => {
  await using program = new Program("run", "--no-prompt", "--no-check", PROGRAM, "threads", "fail");
  for (let n = 0; n < 2; n++) assertMatch(await program.line(), /add --allow-read=/);
  await program.ends_well();
});

for (const kind of ["threads", "processes"]) {
  Deno.test(`${kind}: a program ends with an idle pool (F15)`, async () => {
    await using program = new Program(...RUN, kind, "idle");
    assertEquals(await program.line(), "8");
    await program.ends_well();
  });

  Deno.test(`${kind}: a program does not end before its tasks (F15)`, async () => {
    await using program = new Program(...RUN, kind, "pending");
    for (let n = 0; n < 3; n++) assertEquals(await program.line(), "done");
    await program.ends_well();
  });

  Deno.test(`${kind}: a failed future that nobody awaits does not end the program`, async () => {
    await using program = new Program(...RUN, kind, "failed");
    await program.ends_well();
  });

  Deno.test({
    name: `${kind}: Ctrl-C ends a program with a looping pool, and nothing is left`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using program = new GroupProgram(...RUN, kind, "loop");
      const pids: number[] = JSON.parse(await program.line());
      assertEquals(pids.length, kind === "threads" ? 1 : 3);
      assert(pids.every(is_running));
      const start = performance.now();
      program.kill_all("SIGINT");
      assertEquals((await program.status()).signal, "SIGINT");
      await all_ended(pids);
      assert(performance.now() - start < ENDING);
    },
  });
}
