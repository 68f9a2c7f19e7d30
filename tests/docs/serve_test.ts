/** The handlers of README.md and docs/serve.md, served by the commands that stand below them. */
import { assertEquals } from "@std/assert";
import { ask } from "../fixtures/clients/clients.ts";
import { address_in, SERVE, Told } from "../fixtures/programs/served.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { blocks_of, CONFIG, name_of, ROOT } from "./blocks.ts";

const ADDRESS = "jsr:@socketserver/socketserver/serve";

/** A page, the block that is served, what the command has in it, and what a client hears. */
const CASES: [page: string, file: string, words: string, hears: string][] = [
  ["README.md", "handler.ts", "-A", "HELLO"],
  ["docs/serve.md", "upper.ts", "-A", "HELLO"],
  ["docs/serve.md", "upper.ts", "--no-prompt", "HELLO"],
  ["docs/serve.md", "counter.ts", "", "You are number 1"],
];

/** What follows `deno run` in a command of a page. */
function command_of(page: string, words: string, file: string): string[] {
  const commands = blocks_of(page).filter(({ info }) => info === "sh").map(({ code }) => code);
  const command = commands.find((text) => text.includes(ADDRESS) && text.includes(words))!;
  return command.replaceAll("\\\n", "").replace(/\w+\.ts/g, file).trim().split(/ +/).slice(2);
}

Deno.test("README.md and docs/serve.md: their handlers are served by their commands", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await at_once(CASES, ([page, file]) => `${page}: ${file}`, async ([page, file, words, hears]) => {
    await using folder = await TempFolder.make();
    const { code } = blocks_of(page).find(({ code }) => name_of(code) === file)!;
    const path = folder.join(file);
    await Deno.writeTextFile(path, code);
    const args = command_of(page, words, path).map((word) => {
      // The library is here, and its workers read it.
      if (word.startsWith("--allow-read=")) return `${word},${ROOT}`;
      if (word === "--monitor") return "--monitor=0";
      return word === ADDRESS ? SERVE : word.replace(/\b8000$/, "0");
    });
    await using served = new Told("run", ...CONFIG, ...args, "--port", "0");
    const address = address_in(await served.line());
    assertEquals(await ask(address, "hello"), hears);
  });
});
