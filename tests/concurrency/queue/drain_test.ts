/** What becomes of those who wait for a queue when their server closes, or their request must end. */
import { assertEquals } from "@std/assert";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import { test_each_way } from "../../fixtures/servers/all_ways.ts";
import { type QueueingServer, serve_queues } from "../../fixtures/servers/queueing.ts";
import { ready } from "../../fixtures/servers/ready.ts";
import { is_pending, soon, until } from "../../fixtures/tools/waiting.ts";

const WAITS = ["get", "take", "put", "join"];
const ENDED = WAITS.map((method) => `${method}: the signal's reason`);

/** Clients whose handlers wait, one in each way. */
async function waiting_clients(server: QueueingServer): Promise<LineClient[]> {
  const clients = [];
  for (const method of WAITS) {
    const client = await LineClient.connect(server.server_address);
    await client.send(`wait ${method}`);
    assertEquals(await client.line(), "waiting");
    clients.push(client);
  }
  return clients;
}

function notes_of({ log }: QueueingServer): string[] {
  return log.entries.filter((entry) => entry.includes(": ")).sort();
}

test_each_way(
  "at the drain waits for a queue reject with the signal's reason, and items stay",
  ({ concurrent }) => concurrent,
  async (way) => {
    await using server = serve_queues(way);
    await soon(ready(server));
    await server.narrow.put("kept");
    const clients = await waiting_clients(server);
    // The program's own goes on.
    const own = server.jobs.get();
    const own_put = server.narrow.put("later");
    const closing = server.server_close({ grace: 10_000 });
    await soon(server.log.until(() => notes_of(server).length === WAITS.length));
    assertEquals(notes_of(server), ENDED.toSorted());
    for (const client of clients) client[Symbol.dispose]();
    assertEquals(await soon(closing), { drained: WAITS.length, aborted: 0 });
    assertEquals(await is_pending(Promise.race([own, own_put]), 20), true);
    assertEquals(await server.narrow.get(), "kept");
    await soon(own_put);
    assertEquals(await server.narrow.get(), "later");
    await server.jobs.put("for the program");
    assertEquals(await soon(own), "for the program");
    assertEquals([server.reports, server.failures], [[], []]);
  },
);

test_each_way(
  "past request_timeout waits for a queue reject with the signal's reason",
  ({ concurrent, relay }) => concurrent && !relay,
  async (way) => {
    await using server = serve_queues(way, { request_timeout: 2000 });
    await soon(ready(server));
    await server.narrow.put("kept");
    const clients = await waiting_clients(server);
    for (const client of clients) assertEquals(await line_or_end(client), null);
    await soon(server.log.until(() => notes_of(server).length === WAITS.length));
    assertEquals(notes_of(server), ENDED.toSorted());
    await soon(until(() => server.info().active === 0));
    assertEquals(server.info().timed_out, WAITS.length);
    // Nobody waits any more.
    await server.jobs.put("item");
    assertEquals(await server.jobs.get(false), "item");
    assertEquals([await server.narrow.qsize(), server.reports], [1, []]);
    for (const client of clients) client[Symbol.dispose]();
  },
);
