import { assert, assertEquals } from "@std/assert";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { commands_of, Task } from "../fixtures/programs/programs.ts";
import { soon } from "../fixtures/tools/waiting.ts";

const [RUN] = commands_of("udp_client.ts");

Deno.test("udp_client.ts gives up after two seconds without an answer, and says so", async () => {
  await using silent = createSocket("udp4");
  silent.bind(0, "127.0.0.1");
  await soon(once(silent, "listening"));
  const { port } = silent.address();
  const asked = performance.now();
  await using task = new Task("--eval", `${RUN} --port ${port}`);
  const { code } = await task.status();
  const took = performance.now() - asked;
  assertEquals(code, 1);
  assertEquals(await task.errors(), `No answer came from 127.0.0.1:${port} within 2 seconds\n`);
  assert(took >= 2000, `It took ${took} ms`);
});
