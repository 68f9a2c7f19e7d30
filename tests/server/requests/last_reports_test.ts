/** Reports are written without waiting for standard error, and get out all the same. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { BaseServer, StreamRequestHandler } from "../../../mod.ts";
import { ending_of } from "../../fixtures/programs/programs.ts";
import { at_once } from "../../fixtures/tools/at_once.ts";

const PROGRAM = fileURLToPath(
  new URL("../../fixtures/programs/last_reports.ts", import.meta.url),
);

/** How the program ends, and its exit code. */
const ENDS: [how: string, code: number][] = [
  ["by itself", 0],
  ["exit", 0],
  ["exit a bit later", 0],
  ["throw", 1],
  ["throw in a timer", 1],
  ["reject", 1],
];

Deno.test("the last reports of a program get out, in order, however it ends", async () => {
  await at_once(ENDS, ([how]) => how, async ([how, code]) => {
    const ending = await ending_of(Deno.execPath(), ["run", "-A", PROGRAM, how, "5"]);
    const reports = [...ending.errors.matchAll(/^Error: report (\d)$/gm)].map(([, number]) =>
      number
    );
    assertEquals([ending.code, reports], [code, ["1", "2", "3", "4", "5"]], ending.errors);
  });
});

for (let count = 1; count <= 3; count++) {
  Deno.test(`a report at the end of a test is no leak, ${count}`, async () => {
    await using server = new BaseServer(null, StreamRequestHandler);
    await server.handle_error(null, null, new Error("a report of this test"));
  });
}
