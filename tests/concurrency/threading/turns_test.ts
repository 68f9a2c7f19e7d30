/** Turns at a lock that many want: first come, first served, and nobody starves. */
import { assert, assertEquals } from "@std/assert";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { ALL_WAYS } from "../../fixtures/servers/all_ways.ts";
import { ready } from "../../fixtures/servers/ready.ts";
import { serve } from "../../fixtures/servers/sharing.ts";
import { LONG, soon, turn } from "../../fixtures/tools/waiting.ts";

/** How often each has its turn. */
const TURNS = 50;

for (const way of ALL_WAYS.filter(({ workers, relay }) => workers && !relay)) {
  Deno.test(`${way.name}: two workers with 10 tasks each and this thread all have their turns`, async () => {
    await using server = serve(way, { max_workers: 2, max_children: 2 });
    await ready(server);
    using one = await LineClient.connect(server.server_address);
    using other = await LineClient.connect(server.server_address);
    for (const client of [one, other]) await client.send(`turns ${TURNS}`);
    const there = (entry: string) => entry === "there";
    await soon(server.log.until(({ entries }) => entries.filter(there).length === 2));
    await server.event.set();
    await soon(server.log.until(({ entries }) => entries.includes("turn")));
    // As long as the workers want it all the time, this thread has it between them.
    let turns = 0;
    let is_over = false;
    const workers = Promise.all([one.line(), other.line()]).finally(() => is_over = true);
    const here = (async () => {
      while (!is_over && turns < TURNS) {
        using _hold = await server.lock.hold();
        await turn();
        turns++;
      }
    })();
    const answers = (await soon(workers, LONG)).map((answer) => JSON.parse(answer!) as number[]);
    await soon(here, LONG);
    assert(turns > TURNS / 10, `${turns} turns in this thread`);
    for (const finished of answers) {
      assertEquals(finished.length, 10);
      // None of an agent's tasks is much behind the others: they are served in turn.
      assert(Math.max(...finished) - Math.min(...finished) <= 10, `${finished}`);
    }
    // When the first has had all its turns, the other has had many of its own.
    const notes = server.log.entries;
    const at = notes.indexOf("turns over");
    assert(at > 0.6 * notes.length, `at turn ${at} of ${notes.length}`);
  });
}
