/** Programs with pools that are not closed, or not joined: they end, and nothing is left. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { all_ended, is_running } from "../../fixtures/programs/processes.ts";
import { GroupProgram, Program } from "../../fixtures/programs/programs.ts";

const PROGRAM = fileURLToPath(
  new URL("../../fixtures/programs/unclosed_pool_program.ts", import.meta.url),
);
const RUN = ["run", "-A", "--no-check", PROGRAM];
const is_linux = Deno.build.os === "linux";

for (const kind of ["threads", "processes"]) {
  for (
    const [what, when] of [
      ["idle", "that has nothing more to do"],
      ["pending", "when its tasks are done"],
      ["closed", "when its tasks are done: close() without join()"],
      ["untaken", "whose results nobody takes"],
      ["exit", "that loops, by Deno.exit()"],
    ] as const
  ) {
    Deno.test({
      name: `${kind}: a program ends with a pool ${when}, and nothing is left`,
      ignore: !is_linux,
      async fn() {
        await using program = new Program(...RUN, kind, what);
        const pids: number[] = JSON.parse(await program.line());
        await program.ends_well();
        if (what !== "untaken") await all_ended(pids);
      },
    });
  }

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    Deno.test({
      name: `${kind}: ${signal} ends a program with a looping pool, and nothing is left`,
      ignore: !is_linux,
      async fn() {
        await using program = new GroupProgram(...RUN, kind, "loop");
        const pids: number[] = JSON.parse(await program.line());
        assert(pids.every(is_running));
        // Ctrl-C goes to the whole group.
        if (signal === "SIGINT") program.kill_all(signal);
        else program.child.kill(signal);
        assertEquals((await program.status()).signal, signal);
        await all_ended(pids);
      },
    });
  }
}
