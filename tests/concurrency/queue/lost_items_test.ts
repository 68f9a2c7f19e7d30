/** What becomes of items whose worker, child or request ends before it is done with them. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { TimeoutError } from "../../../concurrency/threading/mod.ts";
import { core_of } from "../../../internal/shared/shared_object.ts";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import { ALL_WAYS, FORKING, test_each_way } from "../../fixtures/servers/all_ways.ts";
import { type QueueingServer, serve_queues } from "../../fixtures/servers/queueing.ts";
import { ready } from "../../fixtures/servers/ready.ts";
import type { Way } from "../../fixtures/servers/tcp_servers.ts";
import { LONG, soon, until } from "../../fixtures/tools/waiting.ts";

const in_workers = (way: Way) => way.workers && !way.relay;
const ONE = { max_workers: 1, max_children: 1 };

/** The items that are left, in their order. */
async function items_of(queue: Queue<unknown>): Promise<unknown[]> {
  const items = [];
  while (!await queue.empty()) items.push(await queue.get());
  return items;
}

/** Ends the worker or child of a handler that loops: by its clock, as nothing else can. */
async function ends(client: LineClient): Promise<void> {
  assertEquals(await line_or_end(client), null);
}

/** A client whose handler loops after it has asked for items by these methods. */
async function deaf_client(server: QueueingServer, ...methods: string[]): Promise<LineClient> {
  const client = await LineClient.connect(server.server_address);
  await client.send(`ask-and-loop ${methods.join(" ")}`);
  await soon(server.log.until(({ entries }) => entries.includes("looping")));
  return client;
}

test_each_way(
  "what came when its worker did not listen any more is the first again, in its order",
  in_workers,
  async (way) => {
    await using server = serve_queues(way, { ...ONE, request_timeout: 1500 });
    await soon(ready(server));
    using client = await deaf_client(server, "get", "take", "get");
    for (let item = 1; item <= 5; item++) await server.jobs.put(item);
    assertEquals(await server.jobs.qsize(), 2);
    await ends(client);
    await soon(until(async () => await server.jobs.qsize() === 5));
    const first = await server.jobs.take();
    assertEquals([first.item, first.deliveries], [1, 1]);
    assertEquals(await items_of(server.jobs), [2, 3, 4, 5]);
    await first.done();
    for (let count = 0; count < 4; count++) await server.jobs.task_done();
    await soon(server.jobs.join());
    assertEquals(server.reports, []);
  },
);

test_each_way("the same, to those who wait", in_workers, async (way) => {
  await using server = serve_queues(way, { ...ONE, request_timeout: 1500 });
  await soon(ready(server));
  using client = await deaf_client(server, "get", "get", "get");
  for (let item = 1; item <= 3; item++) await server.jobs.put(item);
  const others = [server.jobs.get(), server.jobs.get(), server.jobs.get()];
  await ends(client);
  assertEquals(await soon(Promise.all(others)), [1, 2, 3]);
});

test_each_way(
  "an item that was got and received counts as done when its worker ends, and is reported",
  in_workers,
  async (way) => {
    await using server = serve_queues(way, { ...ONE, request_timeout: 1500 });
    await soon(ready(server));
    using client = await LineClient.connect(server.server_address);
    await server.jobs.put("first");
    assertEquals(await client.ask("get-and-do"), "first");
    await client.send("get-and-loop");
    await server.jobs.put("lost");
    await server.jobs.put("next");
    await ends(client);
    await soon(until(() => server.reports.length === 1));
    assertStringIncludes(server.reports[0]!.message, "1 item of server.jobs were lost");
    assertEquals(await soon(server.jobs.get()), "next");
    await server.jobs.task_done();
    await soon(server.jobs.join());
  },
);

test_each_way(
  "a job that was taken and received is delivered again when its worker ends",
  in_workers,
  async (way) => {
    await using server = serve_queues(way, { ...ONE, request_timeout: 1500 });
    for (const how of ["take-and-loop", "take-and-exit"]) {
      // The clock of a request runs while its worker starts.
      await soon(ready(server));
      using client = await LineClient.connect(server.server_address);
      await server.jobs.put("lost");
      await server.jobs.put("next");
      await client.send(how);
      await ends(client);
      await soon(until(async () => await server.jobs.qsize() === 2));
      using job = await soon(server.jobs.take());
      assertEquals([job.item, job.deliveries], ["lost", 2], how);
      await job.done();
      using next = await soon(server.jobs.take());
      assertEquals([next.item, next.deliveries], ["next", 1]);
      await next.done();
      await soon(server.jobs.join());
    }
    assertEquals(server.reports, []);
  },
);

test_each_way(
  "poison that ends each worker is dropped after five, and reported",
  in_workers,
  async (way) => {
    const options = { ...ONE, request_timeout: 700 };
    await using server = serve_queues(way, options);
    await server.jobs.put("good");
    await server.jobs.put("poison");
    await server.jobs.put("also good");
    const joined = server.jobs.join();
    const done: string[] = [];
    while (await server.jobs.qsize() > 0) {
      await soon(ready(server), LONG);
      using client = await LineClient.connect(server.server_address);
      await client.send("die-of-poison");
      for (let line; (line = await line_or_end(client)) !== null;) done.push(line);
    }
    await soon(joined);
    assertEquals(done, ["good", "also good"]);
    assertEquals(server.reports.length, 1);
    assertStringIncludes(server.reports[0]!.message, "server.jobs was taken 5 times");
  },
);

Deno.test("this thread: poison is dropped after max_deliveries, and reported", async () => {
  for (const [options, most] of [[{}, 5], [{ max_deliveries: 2 }, 2]] as const) {
    const jobs = new Queue<number>(0, options);
    const reports: Error[] = [];
    core_of(jobs).adopt("the jobs", (error) => reports.push(error));
    await jobs.put(1);
    await jobs.put(2);
    for (let deliveries = 1; deliveries <= most; deliveries++) {
      assertEquals(reports, []);
      using job = await jobs.take(false);
      assertEquals([job.item, job.deliveries], [1, deliveries]);
    }
    assertEquals(reports.length, 1);
    assertStringIncludes(reports[0]!.message, `the jobs was taken ${most} times`);
    using job = await jobs.take();
    assertEquals(job.item, 2);
    await job.done();
    await jobs.join(0);
  }
});

test_each_way(
  "three consumers, one of which is killed: each item is done, and the queue joined",
  in_workers,
  async (way) => {
    const COUNT = 300;
    await using server = serve_queues(way, { max_workers: 3, max_children: 3 });
    await soon(ready(server));
    const clients = [];
    for (let at = 0; at < 3; at++) {
      clients.push(await LineClient.connect(server.server_address));
      assert(Number(await clients[at]!.ask("pid")) > 0);
    }
    for (const client of clients) await client.send("consume");
    const produced = (async () => {
      for (let item = 0; item < COUNT; item++) await server.jobs.put(item);
    })();
    await soon(until(async () => await server.results.qsize() > 20));
    const victim = server.info().workers!.find(({ active }) => active === 1)!;
    if (way === FORKING) Deno.kill(victim.pid!, "SIGKILL");
    else {
      // A thread is killed by what nobody catches.
      using killer = await LineClient.connect(server.server_address);
      await killer.send("stray");
      await line_or_end(killer);
    }
    await soon(produced);
    await soon(server.jobs.join(), LONG);
    await server.jobs.shutdown();
    const answers = await Promise.all(clients.map(line_or_end));
    assert(answers.filter((answer) => answer === null).length >= 1);
    assert(answers.filter((answer) => answer !== null).length >= 1);
    const results = await items_of(server.results) as number[];
    assertEquals(
      [...new Set(results)].sort((a, b) => a - b),
      Array.from({ length: COUNT }, (_, at) => at),
    );
    // What was done twice was on its way when its consumer was killed.
    assert(results.length <= COUNT + 2, `${results.length} results`);
    for (const client of clients) client[Symbol.dispose]();
  },
);

test_each_way(
  "a request that is given up returns what it took, while its worker goes on",
  (way) => way.concurrent && !way.relay,
  async (way) => {
    await using server = serve_queues(way, { ...ONE, request_timeout: 1000 });
    await soon(ready(server));
    for (let item = 1; item <= 3; item++) await server.jobs.put(item);
    using client = await LineClient.connect(server.server_address);
    assertEquals(
      await (async () => {
        await client.send("hold-for-ever");
        return await client.line();
      })(),
      "1 2",
    );
    assertEquals(await server.jobs.qsize(), 1);
    await ends(client);
    await soon(until(async () => await server.jobs.qsize() === 3));
    for (const [item, deliveries] of [[1, 2], [2, 2], [3, 1]]) {
      using job = await server.jobs.take();
      assertEquals([job.item, job.deliveries], [item, deliveries]);
      await job.done();
    }
    await soon(server.jobs.join());
    // Of one that ended by itself nothing would be known.
    assertEquals([server.info().timed_out, server.reports.length], [1, 0]);
  },
);

for (const way of ALL_WAYS) {
  Deno.test(`${way.name}: a handler that ends without done() returns what it took`, async () => {
    await using server = serve_queues(way, ONE);
    await server.jobs.put("first");
    await server.jobs.put("second");
    for (let deliveries = 1; deliveries <= 3; deliveries++) {
      const client = await LineClient.connect(server.server_address);
      assertEquals(await client.ask("take"), `first ${deliveries}`);
      assertEquals(await client.ask("take"), `second ${deliveries}`);
      client[Symbol.dispose]();
      await soon(until(async () => await server.jobs.qsize() === 2));
    }
    assertEquals(server.reports, []);
  });
}

test_each_way(
  "an item that was got is its worker's when its handler has ended",
  in_workers,
  async (way) => {
    await using server = serve_queues(way, ONE);
    await soon(ready(server));
    await server.jobs.put("first");
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask("get"), '"first"');
    client[Symbol.dispose]();
    await soon(until(() => server.info().active === 0));
    // Another handler says that it is done.
    await server.jobs.put("second");
    using next = await LineClient.connect(server.server_address);
    assertEquals(await next.ask("get-and-do"), "second");
    await next.send("stray");
    await ends(next);
    // One was not done, and counts as done when the worker is gone.
    await soon(server.jobs.join());
    await soon(until(() => server.reports.length === 1));
    assertStringIncludes(server.reports[0]!.message, "1 item of server.jobs were lost");
  },
);

for (const way of ALL_WAYS.filter(({ concurrent }) => concurrent)) {
  Deno.test(`${way.name}: many producers and consumers lose and double nothing`, async () => {
    const EACH = 100;
    await using server = serve_queues(way, { max_workers: 3, max_children: 6 });
    const clients = [];
    for (let at = 0; at < 6; at++) {
      clients.push(await LineClient.connect(server.server_address));
    }
    const [producers, consumers] = [clients.slice(0, 3), clients.slice(3)];
    for (const consumer of consumers) await consumer.send("collect");
    for (const [at, producer] of producers.entries()) {
      await producer.send(`produce ${at * EACH} ${(at + 1) * EACH}`);
    }
    for (const producer of producers) assertEquals(await producer.line(), "produce");
    await soon(server.narrow.join());
    await server.narrow.shutdown();
    const collected = await Promise.all(
      consumers.map(async (consumer) => JSON.parse((await consumer.line())!) as number[]),
    );
    const items = collected.flat().sort((one, other) => one - other);
    assertEquals(items, Array.from({ length: 3 * EACH }, (_, at) => at));
    // The items of each producer come in their order.
    for (const list of collected) {
      for (let at = 0; at < 3; at++) {
        const own = list.filter((item) => Math.floor(item / EACH) === at);
        assertEquals(own, own.toSorted((one, other) => one - other));
      }
    }
    for (const client of clients) client[Symbol.dispose]();
    assertEquals(server.reports, []);
  });
}

Deno.test("an item counts as done twice: join() does not wait for ever afterwards", async () => {
  const queue = new Queue<string>();
  await queue.put("a");
  await queue.task_done();
  await (await queue.take()).done();
  await queue.put("b");
  await assertRejects(() => queue.join(0), TimeoutError);
  await (await queue.take()).done();
  await queue.join(0);
});
