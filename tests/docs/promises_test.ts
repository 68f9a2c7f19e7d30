/** RELIABILITY.md names a test for each promise: its file is there. */
import { assertEquals } from "@std/assert";
import { ROOT } from "./blocks.ts";

/** The tests of a folder, by their paths without the ending. */
function tests_in(folder: string): string[] {
  return [...Deno.readDirSync(ROOT + folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return tests_in(`${folder}${name}/`);
    return name.endsWith("_test.ts") ? [folder + name.slice(0, -3)] : [];
  });
}

/** The rows of a page's tables, by their cells. */
function rows_of(page: string): string[][] {
  const lines = page.match(/^\| .*\|$/gm)!.filter((line) => !line.startsWith("| --"));
  return lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

Deno.test("RELIABILITY.md: each test file that it names is there, and each promise has a test", () => {
  const page = Deno.readTextFileSync(`${ROOT}RELIABILITY.md`);
  const tests = tests_in("tests/");
  const named = [...page.matchAll(/`([\w/]+_test)`/g)].map(([, name]) => name!);
  const missing = named.filter((name) => !tests.some((test) => `/${test}`.endsWith(`/${name}`)));
  assertEquals(missing, []);
  assertEquals(rows_of(page).filter(([, test]) => test === ""), []);
});
