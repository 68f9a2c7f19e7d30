/** What a server tells its observer, in each of the ways to run handlers. */
import { assert, assertEquals } from "@std/assert";
import { ask } from "../fixtures/clients/clients.ts";
import { FaultHandler } from "../fixtures/handlers/fault_handlers.ts";
import { ALL_WAYS } from "../fixtures/servers/all_ways.ts";
import { make } from "../fixtures/servers/tcp_servers.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { Told } from "../fixtures/servers/told.ts";
import { until } from "../fixtures/tools/waiting.ts";

for (const way of ALL_WAYS) {
  Deno.test(`${way.name}: an observer is told of the server, its workers and a request`, async () => {
    const told = new Told();
    const before = Date.now();
    const server = make(way, FaultHandler, { observer: told.observer, max_children: 1 });
    const address = server.server_address;
    {
      await using _ = serving(server);
      assertEquals(await ask(address, "hello"), "HELLO");
      await until(() => server.info().completed === 1);
      const { since, workers = [] } = server.info();
      assert(since >= before && since <= Date.now());
      for (const worker of workers) assert(worker.since >= since && worker.since <= Date.now());
    }
    for (const { time, server: name } of told.events) {
      assert(time >= before && time <= Date.now());
      assertEquals(name, server.constructor.name);
    }
    const types = told.events.map(({ type }) => type);
    assertEquals([types[0], types.at(-1)], ["server.start", "server.stop"]);
    assertEquals(told.of("server.start")[0]!.address, address);
    const [stop] = told.stops();
    const { outcome, bytes_in, bytes_out, worker, client } = stop!;
    assertEquals([outcome, bytes_in, bytes_out], ["completed", 6, 6]);
    assertEquals(client, told.of("request.start")[0]!.client);
    assertEquals(worker === undefined, !way.workers);
    assert(!way.workers || told.of("worker.start").some((start) => start.worker === worker));
    assertEquals(
      new Set(told.of("worker.stop").map(({ reason }) => reason)).size,
      way.workers ? 1 : 0,
    );
    const { duration, drained, aborted } = told.of("server.stop")[0]!;
    assert(duration >= stop!.duration);
    assertEquals([drained, aborted], [0, 0]);
  });
}
