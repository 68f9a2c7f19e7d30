/** What becomes of waits for conditions when their request must end, and of conditions that travel. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import * as threading from "../../../concurrency/threading/mod.ts";
import { hub } from "../../../internal/shared/hub.ts";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import { as_task } from "../../fixtures/handlers/rlock_cases.ts";
import { ALL_WAYS, test_ways_at_once } from "../../fixtures/servers/all_ways.ts";
import { type NestingServer, serve_nesting } from "../../fixtures/servers/nesting.ts";
import { ready } from "../../fixtures/servers/ready.ts";
import type { Way } from "../../fixtures/servers/tcp_servers.ts";
import { is_pending, soon, until } from "../../fixtures/tools/waiting.ts";

const TWO = { max_workers: 2, max_children: 2 };
const is_concurrent = ({ concurrent, relay }: Way) => concurrent && !relay;
const WORKERS = ALL_WAYS.filter(({ workers, relay }) => workers && !relay);
const NAMES = ["changed", "full"] as const;

/** Resolves when handlers have noted something so often. */
function noted(server: NestingServer, note: string, count = 1): Promise<void> {
  return soon(server.log.until(({ entries }) => {
    return entries.filter((entry) => entry === note).length >= count;
  }));
}

/** A client whose handler waits for a condition. */
async function waiting(server: NestingServer, line: string): Promise<LineClient> {
  const client = await LineClient.connect(server.server_address);
  const count = server.log.entries.filter((entry) => entry === "waits").length;
  await client.send(line);
  await noted(server, "waits", count + 1);
  return client;
}

test_ways_at_once(
  "at server_close() a wait for a condition rejects, with the lock",
  is_concurrent,
  async (way) => {
    for (const name of NAMES) {
      await using server = serve_nesting(way);
      const condition = server[name];
      using client = await waiting(server, `wait ${name}`);
      const hold = await condition.hold();
      const closing = server.server_close({ grace: 20_000 });
      // It needs the lock, also for its end.
      assertEquals(await is_pending(closing, 50), true);
      hold[Symbol.dispose]();
      assertEquals(await line_or_end(client), "the signal's reason");
      assertEquals(await soon(closing), { drained: 1, aborted: 0 });
      assertEquals(await condition.acquire(false), true);
      condition.release();
      assertEquals([server.reports, server.failures], [[], []]);
    }
  },
);

test_ways_at_once(
  "a request whose time is over takes the lock of its condition again",
  is_concurrent,
  async (way) => {
    for (const name of NAMES) {
      await using server = serve_nesting(way, { ...TWO, request_timeout: 1500 });
      const condition = server[name];
      using client = await waiting(server, `wait ${name}`);
      const hold = await condition.hold();
      await soon(until(() => server.failures.length === 1));
      assertEquals(server.log.entries.includes("the signal's reason"), false);
      hold[Symbol.dispose]();
      await noted(server, "the signal's reason");
      assertEquals(await line_or_end(client), null);
      using next = await soon(condition.hold());
      assertEquals([next.abandoned, server.reports], [false, []]);
    }
  },
);

test_ways_at_once(
  "a request that is given up while it waits for the lock again had nothing",
  is_concurrent,
  async (way) => {
    await using server = serve_nesting(way, { ...TWO, request_timeout: 1500 });
    for (const name of NAMES) {
      const condition = server[name];
      using client = await waiting(server, `wait ${name}`);
      await condition.run(async () => {
        await condition.notify();
        // The place is free when it is given up.
        await soon(until(() => server.info().active === 0));
      });
      assertEquals(await line_or_end(client), null);
      using next = await soon(condition.hold());
      assertEquals(next.abandoned, false);
    }
    assertEquals(server.reports, []);
  },
);

test_ways_at_once(
  "a request that waits and is given up is in line no longer",
  is_concurrent,
  async (way) => {
    await using server = serve_nesting(way, TWO);
    for (const name of NAMES) {
      server.request_timeout = 1500;
      using _first = await waiting(server, `wait ${name}`);
      server.request_timeout = null;
      using second = await waiting(server, `wait ${name}`);
      await soon(until(() => server.info().active === 1));
      await server[name].run(() => server[name].notify());
      assertEquals(await second.line(), "true");
    }
    assertEquals(server.reports, []);
  },
);

test_ways_at_once(
  "a condition's own lock is reported as the condition",
  is_concurrent,
  async (way) => {
    await using server = serve_nesting(way, { request_timeout: 1500 });
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask("condition-hold"), "held");
    using hold = await soon(server.changed.hold());
    assertEquals([hold.abandoned, server.reports.length], [true, 1]);
    assertStringIncludes(server.reports[0]!.message, "server.changed was held by");
  },
);

Deno.test("Condition: one that is withdrawn ends all waits, with the lock", async () => {
  const before = hub.size;
  for (const rlock of [new threading.RLock(), undefined]) {
    const condition = new threading.Condition(rlock);
    const waits = [0, 1].map(() => as_task(() => condition.run(() => condition.wait())));
    await condition.run(() => condition[Symbol.dispose]());
    for (const wait of waits) await assertRejects(() => soon(wait), Deno.errors.BadResource);
    if (rlock) {
      await assertRejects(() => rlock.run(() => condition.wait()), Deno.errors.BadResource);
    } else {
      await assertRejects(() => condition.acquire(), Deno.errors.BadResource);
    }
  }
  assertEquals(hub.size, before);
});

Deno.test("Condition: one whose lock is withdrawn meanwhile ends its waits when they are notified", async () => {
  const rlock = new threading.RLock();
  const condition = new threading.Condition(rlock);
  const wait = as_task(() => rlock.run(() => condition.wait()));
  await rlock.run(async () => {
    await condition.notify();
    rlock[Symbol.dispose]();
  });
  await assertRejects(() => soon(wait), Deno.errors.BadResource);
});

for (const way of WORKERS) {
  Deno.test(`${way.name}: a condition that a worker made, with its lock, wherever it goes`, async () => {
    await using server = serve_nesting(way, { ...TWO, max_requests_per_worker: 1 });
    await ready(server);
    for (const kind of ["RLock", "Lock"]) {
      using maker = await LineClient.connect(server.server_address);
      await maker.ask(`make ${kind}`);
      using other = await LineClient.connect(server.server_address);
      await other.ask("collect");
      assertEquals([await maker.ask("same"), await other.ask("same")], ["true", "true"]);
      const condition = server.condition();
      const waits = () => server.log.entries.filter((entry) => entry === "waits").length;
      for (const [waiter, notifier] of [[maker, other], [other, maker]] as const) {
        const before = waits();
        const answer = waiter.ask("wait-made");
        await noted(server, "waits", before + 1);
        const own = as_task(() => condition.run(() => condition.wait()));
        await condition.run(() => {});
        // The first first.
        assertEquals(await notifier.ask("notify-made"), "notify-made");
        assertEquals(await answer, "true");
        await notifier.ask("notify-made");
        assertEquals(await soon(own), true);
      }
      const before = waits();
      const answer = other.ask("wait-made");
      await noted(server, "waits", before + 1);
      await maker.ask("dispose-made");
      assertStringIncludes((await answer)!, "BadResource");
      await assertRejects(() => condition.run(() => condition.wait()), Deno.errors.BadResource);
    }
    assertEquals(server.reports, []);
  });

  Deno.test(`${way.name}: a condition that a method of the server gives`, async () => {
    await using server = serve_nesting(way, TWO);
    using client = await LineClient.connect(server.server_address);
    await client.ask("collect");
    assertEquals(await client.ask("same"), "true");
    const answer = client.ask("wait-made");
    await noted(server, "waits");
    const condition = server.condition();
    await condition.run(() => condition.notify_all());
    assertEquals(await answer, "true");
    assert(condition instanceof threading.Condition);
  });
}
