/** Programs with native servers: what goes on beside them, and what they may. */
import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { output_of, Program } from "../../../tests/fixtures/programs/programs.ts";
import { HAS_NATIVE } from "../../../tests/fixtures/servers/named_servers.ts";

/** The path of a program beside this file. */
function path_of(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

const FLAGS = ["-A", "--no-check", "--unstable-net"];

/** What the server is told, and what it does then. */
const WHILE: [words: string, args: string[]][] = [
  ["a server waits for datagrams", []],
  ["more datagrams come than it can handle", ["flood"]],
];

for (const [words, args] of WHILE) {
  Deno.test({
    name: `timers, files and fetches go on while ${words}`,
    ignore: !HAS_NATIVE,
    async fn() {
      await using program = new Program("run", ...FLAGS, path_of("beside_server.ts"), ...args);
      for (const line of ["a timer", "a file", "a fetch", "closed"]) {
        assertEquals(await program.line(), line);
      }
      await program.ends_well();
    },
  });
}

Deno.test({
  name: "a thread can be ended while it serves, and the program goes on",
  ignore: !HAS_NATIVE,
  async fn() {
    await using program = new Program("run", ...FLAGS, path_of("ended_thread.ts"));
    assertEquals(await program.line(), "closed");
    await program.ends_well();
  },
});

Deno.test({
  name: "a server for which descriptors are too few is refused, and gives back those that it had",
  ignore: !HAS_NATIVE,
  async fn() {
    const command = `ulimit -n 64; exec "$0" run "$@"`;
    const program = path_of("without_descriptors.ts");
    const output = await output_of("sh", ["-c", command, Deno.execPath(), ...FLAGS, program]);
    const [full, ...lines] = output.trimEnd().split("\n");
    assertMatch(full!, /^Too many open files/);
    const waiting = "Cannot wait for datagrams: too many open files (os error 24): 127.0.0.1:0";
    // It takes one to wait, and gives it back.
    const binding = "Cannot bind: too many open files (os error 24): 127.0.0.1:0";
    assertEquals(lines, [waiting, waiting, binding, binding, "made"]);
  },
});
