import { assert, assertEquals } from "@std/assert";
import { commands_of, is_there, Task } from "../fixtures/programs/programs.ts";

const [RUN, RUN_ELSEWHERE] = commands_of("forking_server.ts");

Deno.test({
  name: "forking_server.ts: two child processes answer three clients, and it ends",
  // Elsewhere child processes do not learn of `--allow-read=.`.
  ignore: Deno.build.os !== "linux" || !is_there("deno"),
  fn: () => expect_three_answers(RUN!),
});

Deno.test({
  name: "forking_server.ts: its command for other systems does the same",
  ignore: !is_there("deno"),
  fn: () => expect_three_answers(RUN_ELSEWHERE!),
});

async function expect_three_answers(command: string): Promise<void> {
  await using task = new Task("--eval", command);
  const lines = [await task.line(), await task.line(), await task.line()];
  const answers = lines.map((line) => /^Received: process (\d+): (.*)$/.exec(line)!);
  assertEquals(answers.map(([, , message]) => message).sort(), [
    "Hello World 1",
    "Hello World 2",
    "Hello World 3",
  ]);
  const processes = new Set(answers.map(([, process]) => Number(process)));
  assert(processes.size <= 2, `${processes.size} processes`);
  await task.ends_well();
}
