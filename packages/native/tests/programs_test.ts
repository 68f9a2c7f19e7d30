/** Programs with native servers: what goes on beside them, and what they may. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Program } from "../../../tests/fixtures/programs/programs.ts";
import { HAS_NATIVE } from "../../../tests/fixtures/servers/named_servers.ts";

/** The path of a program beside this file. */
function path_of(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

const FLAGS = ["-A", "--no-check", "--unstable-net"];

Deno.test({
  name: "timers, files and fetches go on while datagrams come without an end",
  ignore: !HAS_NATIVE,
  async fn() {
    await using program = new Program("run", ...FLAGS, path_of("flooded_server.ts"));
    for (const line of ["a timer", "a file", "a fetch", "closed"]) {
      assertEquals(await program.line(), line);
    }
    await program.ends_well();
  },
});

Deno.test({
  name: "a thread can be ended while it serves, and the program goes on",
  ignore: !HAS_NATIVE,
  async fn() {
    await using program = new Program("run", ...FLAGS, path_of("ended_thread.ts"));
    assertEquals(await program.line(), "closed");
    await program.ends_well();
  },
});
