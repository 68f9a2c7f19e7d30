/** What `handle_error()` hears when both `handle()` and `finish()` throw. */
import { assertEquals } from "@std/assert";
import { line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { SECOND, TwiceFailingHandler } from "../fixtures/handlers/twice_failing.ts";
import { make_counting, test_each_way } from "../fixtures/servers/all_ways.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { soon } from "../fixtures/tools/waiting.ts";

const FIRST = "SyntaxError: first";
const BOTH = "Error: finish() threw after handle() had: Error: ";

/** What is heard, from the outermost error to the last of its causes. */
const HEARD: Record<string, string[]> = {
  error: ["RangeError: second", FIRST],
  same: [FIRST],
  caused: ["RangeError: second", "TypeError: its own cause", FIRST],
  chained: ["RangeError: second", FIRST],
  frozen: ["Error: finish() threw after handle() had: RangeError: second", FIRST],
  primitive: [`${BOTH}second`, FIRST],
  object: [`${BOTH}{ second: 2 }`, FIRST],
  nothing: [`${BOTH}undefined`, FIRST],
  revoked: [`${BOTH}An error that cannot be read`, FIRST],
  gone: ["BrokenPipe: second", FIRST],
};

function chain_of(error: unknown): string[] {
  const chain: string[] = [];
  for (let at = error as Error | undefined; at !== undefined; at = at.cause as Error | undefined) {
    chain.push(`${at.name}: ${at.message}`);
  }
  return chain;
}

test_each_way("handle_error() hears of both handle() and finish()", () => true, async (way) => {
  await using server = serving(make_counting(way, TwiceFailingHandler));
  const heard: Record<string, string[]> = {};
  for (const second of SECOND) {
    using client = await LineClient.connect(server.server_address);
    await client.send(second);
    assertEquals(await line_or_end(client), null);
    await soon(server.log.until(({ errors }) => errors.length > Object.keys(heard).length));
    heard[second] = chain_of(server.log.errors.at(-1));
  }
  assertEquals(heard, HEARD);
});
