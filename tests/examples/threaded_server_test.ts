import { assertMatch } from "@std/assert";
import { commands_of, Task } from "../fixtures/programs/programs.ts";

const [RUN] = commands_of("threaded_server.ts");

Deno.test("threaded_server.ts: its workers answer three clients, and it ends", async () => {
  await using task = new Task("--eval", RUN!);
  assertMatch(await task.line(), /^Received: worker \d+: Hello World 1$/);
  assertMatch(await task.line(), /^Received: worker \d+: Hello World 2$/);
  assertMatch(await task.line(), /^Received: worker \d+: Hello World 3$/);
  await task.ends_well();
});
