/**
 * The program `serve` as those have it who run it from JSR: with the permissions that docs/serve.md names,
 * and no more.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { ask } from "../fixtures/clients/clients.ts";
import type { Task } from "../fixtures/programs/programs.ts";
import { address_in } from "../fixtures/programs/served.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { ConsumerProject } from "./consumer_project.ts";

const NET = "--allow-net=127.0.0.1:0";

/** How a handler is served, with what permissions, and whether that is in a worker. */
const WAYS: [words: string, permissions: string, is_worker: boolean][] = [
  ["handlers/served.ts --async", `${NET} --allow-read=handlers,lib`, false],
  ["handlers/served.ts --threading", `${NET} --allow-read=handlers,lib`, true],
  ["handlers/named.ts GreetingHandler --threading", `${NET} --allow-read=handlers,lib`, true],
  ["jsr:@example/handler --async", NET, false],
  ["jsr:@example/handler --monitor 0 --log json --async", NET, false],
  ["jsr:@example/handler@1 PackagedHandler --threading", NET, true],
];

/** Elsewhere child processes do not learn of permissions that are lists. */
if (Deno.build.os === "linux") {
  WAYS.push(
    ["handlers/served.ts --forking", `${NET} --allow-read=. --allow-run=deno`, false],
    ["jsr:@example/handler --forking", `${NET} --allow-run=deno`, false],
  );
}

/** The next line with a text in it, behind those of a log. */
async function line_with(text: string, task: Task): Promise<string> {
  for (;;) {
    const line = await task.line();
    if (line.includes(text)) return line;
  }
}

Deno.test("From JSR: serve, with files and packages, in all ways", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using project = await ConsumerProject.make();
  const { serve } = project;
  await project.run(`deno cache --quiet ${serve} jsr:@example/handler handlers/served.ts`);
  await at_once(WAYS, ([words]) => words, async ([words, permissions, is_worker]) => {
    const command = `deno run --quiet --no-prompt ${permissions} ${serve} ${words} --port 0`;
    await using task = project.start(`sh -c 'exec ${command} 2>&1'`);
    const line = await line_with(" on 127.0.0.1:", task);
    const [, way] = /--(\w+)$/.exec(words)!;
    assertMatch(line, new RegExp(`^(Greeting|Packaged)Handler on 127.0.0.1:\\d+, ${way}\\b`));
    const answer = JSON.parse((await ask(address_in(line), "Ada"))!);
    assertEquals([answer.text, answer.worker], ["Hello, Ada", is_worker]);
  });
});
