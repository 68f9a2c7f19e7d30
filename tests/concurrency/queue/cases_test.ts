/** What queues promise, in the same thread, in workers and in child processes. */
import { assertEquals } from "@std/assert";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { CASES, HERE } from "../../fixtures/handlers/queue_cases.ts";
import { ALL_WAYS } from "../../fixtures/servers/all_ways.ts";
import { serve_queues } from "../../fixtures/servers/queueing.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

for (const [name, run] of Object.entries(CASES)) {
  Deno.test(`this thread: ${name}`, () => soon(run(HERE)));
}

for (const way of ALL_WAYS) {
  Deno.test(`${way.name}: all cases`, async (test) => {
    await using server = serve_queues(way);
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
