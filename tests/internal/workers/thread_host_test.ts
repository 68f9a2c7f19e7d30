import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ThreadHost } from "../../../internal/workers/thread_host.ts";
import { output_of } from "../../fixtures/programs/programs.ts";
import { unread_by_worker } from "../../fixtures/servers/unread.ts";

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

Deno.test("ThreadHost: a thread that cannot read a message says so", async () => {
  assertEquals(
    await unread_by_worker((events) => new ThreadHost(1, events)),
    "A message cannot be read",
  );
});
