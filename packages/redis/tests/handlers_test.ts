/** Handlers use a queue in Redis in all ways of running them: where they are, each worker has an object of its own. */
import { assertEquals } from "@std/assert";
import { LineClient } from "../../../tests/fixtures/clients/clients.ts";
import { ALL_WAYS } from "../../../tests/fixtures/servers/all_ways.ts";
import { serving } from "../../../tests/fixtures/servers/serving.ts";
import { make } from "../../../tests/fixtures/servers/tcp_servers.ts";
import { QueueingHandler } from "./fixtures/queueing_handler.ts";
import { redis_test } from "./fixtures/with_redis.ts";

for (const way of ALL_WAYS) {
  redis_test(`${way.name}: a handler puts lines into a queue`, async (bench) => {
    const jobs = bench.queue<string>({}, "lines");
    await using server = serving(make(way, QueueingHandler));
    using client = await LineClient.connect(server.server_address);
    await client.send(`${bench.redis.url}\none\ntwo`);
    // A worker may take its time to check the types of the client.
    assertEquals([await jobs.get(), await jobs.get()], ["one", "two"]);
    for (const _ of [1, 2, 3]) assertEquals(await client.line(), "ok");
    await QueueingHandler.close();
  });
}
