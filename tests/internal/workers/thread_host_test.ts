import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { output_of } from "../../fixtures/programs/programs.ts";

const PROGRAM = fileURLToPath(new URL("../../fixtures/programs/kill_workers.ts", import.meta.url));

/** How long, in ms, a thread may take to listen: as it comes, and so short that force is the rule. */
for (const [patience, args] of Object.entries({ "as it comes": [], "1 ms": ["1"] })) {
  Deno.test({
    name: `ThreadHost: 40 threads that are killed a moment before they loop for ever all end ` +
      `(patience: ${patience})`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const command = ["run", "-A", PROGRAM, "40", ...args];
      assertEquals(await output_of(Deno.execPath(), command, ""), "0\n");
    },
  });
}
