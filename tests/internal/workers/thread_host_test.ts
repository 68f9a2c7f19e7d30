import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { output_of } from "../../fixtures/programs/programs.ts";

const PROGRAM = fileURLToPath(new URL("../../fixtures/programs/kill_workers.ts", import.meta.url));

Deno.test({
  name: "ThreadHost: 40 threads that are killed a moment before they loop for ever all end",
  ignore: Deno.build.os !== "linux",
  async fn() {
    assertEquals(await output_of(Deno.execPath(), ["run", "-A", PROGRAM, "40"], ""), "0\n");
  },
});
