import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "./blocks.ts";

Deno.test("README.md names each entry point, and docs/clone.md where it is in a clone", async () => {
  const { name, exports } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const clone = await Deno.readTextFile(`${ROOT}docs/clone.md`);
  const [block] = /\{\n *"imports": \{\n[^}]*\}\n *\}/.exec(clone)!;
  const paths = Object.entries<string>(exports).map(([entry, path]) => [
    name + entry.slice(1),
    `../socketserver/${path.slice(2)}`,
  ]);
  assertEquals(JSON.parse(block).imports, Object.fromEntries(paths));
  for (const [entry] of paths) assertStringIncludes(readme, `| \`${entry}\``);
});
