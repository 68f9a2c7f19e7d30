/** The progress bar of `examples/futures/progress.ts`, to its end and to Ctrl-C. */
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  commands_of,
  ending_of,
  GroupProgram,
  is_there,
  Program,
} from "../fixtures/programs/programs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const FOR_LONG = [
  "run",
  "--allow-read",
  "--no-check",
  "examples/futures/progress.ts",
  "1000000000",
];

/** A program that has a terminal. */
class TerminalProgram extends Program {
  protected override command_line(args: string[]): [file: string, ...args: string[]] {
    const command = super.command_line(args).map((word) => `'${word}'`).join(" ");
    return ["script", "--quiet", "--return", "--command", command, "/dev/null"];
  }
}

Deno.test("progress.ts: all primes, and a bar to its end", async () => {
  const [run] = commands_of("futures/progress.ts");
  const command = run!.replace(/\d+$/, "50000");
  const args = ["task", "--quiet", "--eval", command];
  const { code, output, errors } = await ending_of(Deno.execPath(), args, { cwd: ROOT });
  assertEquals(code, 0, errors);
  assertEquals(output.trimEnd().split("\n").slice(1), ["5133 primes are below 50000"]);
  assertStringIncludes(errors, `[${"-".repeat(50)}] 0 of 3 tasks`);
  assertStringIncludes(errors, `[${"#".repeat(50)}] 3 of 3 tasks\n`);
});

Deno.test({
  name: "progress.ts: Ctrl-C in a terminal stops it, and a shell sees 130",
  ignore: Deno.build.os !== "linux" || !is_there("script"),
  async fn() {
    await using program = new TerminalProgram(...FOR_LONG);
    assertStringIncludes(await program.line(), "Ctrl-C stops it");
    await program.send("\x03");
    assertMatch(await program.line(), /\] \d+ of 50000 tasks\r$/);
    assertMatch(await program.line(), /^\d+ primes are below \d+\r$/);
    assertMatch(await program.line(), /^Stopped: \d+ of 50000 tasks are done\r$/);
    assertEquals((await program.status()).code, 130);
  },
});

Deno.test({
  name: "progress.ts: SIGINT stops it, and it ends as one that SIGINT has ended",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using program = new GroupProgram(...FOR_LONG);
    await program.line();
    program.kill_all("SIGINT");
    assertMatch(await program.line(), /^\d+ primes are below \d+$/);
    assertMatch(await program.line(), /^Stopped: \d+ of 50000 tasks are done$/);
    const { code, signal } = await program.status();
    assertEquals([code, signal], [130, "SIGINT"]);
    assertThrows(() => program.kill_all("SIGCONT"), Error, "No such process");
  },
});
