/** The test file of docs/testing.md, and the module that it tests: `deno test` runs them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon } from "../fixtures/tools/waiting.ts";
import { blocks_of, CONFIG, name_of } from "./blocks.ts";

const BLOCKS = blocks_of("docs/testing.md");
/** The command of the page, without its first words. */
const FLAGS = BLOCKS.find(({ info }) => info === "sh")!.code.trim().split(" ").slice(2);

/** Runs the test file of the page, with changes; gives its exit code and what it printed. */
async function run(change: (code: string) => string): Promise<[code: number, printed: string]> {
  await using folder = await TempFolder.make();
  for (const { info, code } of BLOCKS) {
    if (info !== "ts ignore") continue;
    await Deno.writeTextFile(folder.join(name_of(code)!), change(code));
  }
  const args = ["test", ...CONFIG.slice(1), "--no-check", ...FLAGS, folder.join("upper_test.ts")];
  const command = new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } });
  const { code, stdout } = await soon(command.output());
  return [code, new TextDecoder().decode(stdout)];
}

Deno.test("docs/testing.md: the tests of the page pass", async () => {
  const [code, printed] = await run((code) => code);
  assertMatch(printed, /ok \| 2 passed \| 0 failed/);
  assertEquals(code, 0);
});

Deno.test("docs/testing.md: the tests of the page fail where a client stays open", async () => {
  const [code, printed] = await run((code) => code.replaceAll("using client", "const client"));
  assert(printed.includes("Leaks detected"), printed);
  assertEquals(code, 1);
});
