/** Some seconds of the long fire, so that it stays whole: `deno task soak` burns longer. */
import { assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { is_there, output_of } from "../fixtures/programs/programs.ts";

const SOAK = fileURLToPath(new URL("./soak.ts", import.meta.url));
const SECONDS = 20;

Deno.test(`${SECONDS} s of fire: all holds`, {
  ignore: Deno.build.os !== "linux" || !is_there("ps") || !is_there("prlimit"),
}, async () => {
  const args = ["run", "-A", "--unstable-net", "--no-check", SOAK, "--minutes", `${SECONDS / 60}`];
  const output = await output_of(Deno.execPath(), args);
  assertMatch(output, /^seed \d+\n/);
  assertMatch(output, /\nAll held, with seed \d+\n$/);
});
