/** Some seconds of the long fire, so that it stays whole: `deno task soak` burns longer. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { is_there } from "../fixtures/programs/programs.ts";
import { text_of } from "../fixtures/tools/bytes.ts";
import { soon } from "../fixtures/tools/waiting.ts";
import { edited, FAULTS } from "./planted_faults.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SOAK = fileURLToPath(new URL("./soak.ts", import.meta.url));
const SECONDS = 20;
/** How long it may take in all, in ms: on a machine that is busy, its programs take long to start. */
const LONGEST = 400_000;

Deno.test(`${SECONDS} s of fire: all holds`, {
  ignore: Deno.build.os !== "linux" || !is_there("ps") || !is_there("prlimit"),
}, async () => {
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-net", "--no-check", SOAK, "--minutes", `${SECONDS / 60}`],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { code, stdout, stderr } = await soon(child.output(), LONGEST);
  assertEquals({ code, errors: text_of(stderr) }, { code: 0, errors: "" }, text_of(stdout));
  assertMatch(text_of(stdout), /^seed \d+\n/);
  assertMatch(text_of(stdout), /\nAll held, with seed \d+\n$/);
});

Deno.test("the faults to plant fit the library as it is", async () => {
  const edits = Object.values(FAULTS).flatMap(({ edits }) => edits);
  for (const edit of edits) assertStringIncludes(await edited(ROOT, edit), edit.by);
});
