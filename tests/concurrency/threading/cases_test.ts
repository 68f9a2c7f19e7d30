/** What locks, semaphores and events promise, in the same thread, in workers and in child processes. */
import { assertEquals } from "@std/assert";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { CASES, new_objects } from "../../fixtures/handlers/threading_cases.ts";
import { serve } from "../../fixtures/servers/sharing.ts";
import { ALL_WAYS } from "../../fixtures/servers/all_ways.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

for (const [name, run] of Object.entries(CASES)) {
  Deno.test(`this thread: ${name}`, () => soon(run(new_objects())));
}

for (const way of ALL_WAYS) {
  Deno.test(`${way.name}: all cases`, async (test) => {
    await using server = serve(way);
    using client = await LineClient.connect(server.server_address);
    for (const name of Object.keys(CASES)) {
      await test.step(name, async () => {
        const answer = await client.ask(`case ${name}`);
        assertEquals(answer === "ok" ? answer : JSON.parse(answer!), "ok");
      });
    }
    assertEquals([server.reports, server.failures], [[], []]);
  });
}
