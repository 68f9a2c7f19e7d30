/** What an `RLock` promises, in the same thread, in workers and in child processes. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import * as threading from "../../../concurrency/threading/mod.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { as_task, NESTED_CASES, new_nested } from "../../fixtures/handlers/rlock_cases.ts";
import { TAKING } from "../../fixtures/handlers/rlock_handlers.ts";
import { ALL_WAYS, FORKING, test_ways_at_once } from "../../fixtures/servers/all_ways.ts";
import { type NestingServer, serve_nesting } from "../../fixtures/servers/nesting.ts";
import { ready } from "../../fixtures/servers/ready.ts";
import type { Way } from "../../fixtures/servers/tcp_servers.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

const THREADING = ALL_WAYS.find(({ name }) => name === "ThreadingTCPServer")!;
const TWO = { max_workers: 2, max_children: 2 };
const is_concurrent = ({ concurrent, relay }: Way) => concurrent && !relay;
const has_workers = ({ workers, relay }: Way) => workers && !relay;

/** So many clients whose handlers run. */
async function clients(
  server: NestingServer,
  count: number,
): Promise<LineClient[] & AsyncDisposable> {
  const all: LineClient[] = [];
  for (let number = 0; number < count; number++) {
    all.push(await LineClient.connect(server.server_address));
    await all[number]!.ask("pid");
  }
  return Object.assign(all, {
    [Symbol.asyncDispose]() {
      for (const client of all) client[Symbol.dispose]();
      return Promise.resolve();
    },
  });
}

for (const [name, run] of Object.entries(NESTED_CASES)) {
  Deno.test(`this thread: ${name}`, () => soon(as_task(() => run(new_nested()))));
}

test_ways_at_once("the same promises of an RLock and a Condition", () => true, async (way) => {
  await using server = serve_nesting(way);
  using client = await LineClient.connect(server.server_address);
  for (const name of Object.keys(NESTED_CASES)) {
    assertEquals(`${name}: ${await client.ask(`case ${name}`)}`, `${name}: ok`);
  }
  assertEquals(server.log.errors, []);
});

Deno.test("RLock: outside of any task nobody can tell who would take it again", async () => {
  const rlock = new threading.RLock();
  assertEquals(await rlock.acquire(), true);
  for (const again of [() => rlock.acquire(), () => rlock.acquire(false), () => rlock.hold()]) {
    const error = await assertRejects(again, TypeError, "lock.run()");
    assertStringIncludes(error.message, "AsyncThread");
  }
  const next = as_task(() => rlock.acquire());
  rlock.release();
  assertEquals(await soon(next), true);
  // Its task has ended.
  rlock.release();
  await rlock.run(() => rlock.run(() => rlock.acquire()).then(() => rlock.release()));
  using _hold = await rlock.hold();
});

Deno.test("Condition: outside of any task it may be waited for, with the lock", async () => {
  const rlock = new threading.RLock();
  const condition = new threading.Condition(rlock);
  await rlock.acquire();
  const waiting = condition.wait();
  await as_task(() => condition.run(() => condition.notify()));
  assertEquals(await soon(waiting), true);
  rlock.release();
  await assertRejects(() => condition.wait(), TypeError);
});

test_ways_at_once(
  "methods of the server take the lock of a handler again",
  () => true,
  async (way) => {
    await using server = serve_nesting(way);
    using client = await LineClient.connect(server.server_address);
    let count = 0;
    for (const outer of Object.keys(TAKING)) {
      for (const inner of Object.keys(TAKING)) {
        for (const innermost of ["", ...Object.keys(TAKING)]) {
          const line = `add ${outer}, ${inner} ${innermost} ${innermost}`;
          assertEquals(`${line}: ${await client.ask(line)}`, `${line}: ${++count}`);
          await soon(server.rlock.run(() => {}));
        }
      }
    }
    assertEquals(server.log.errors, []);
  },
);

test_ways_at_once("methods called by many keep each other out", is_concurrent, async (way) => {
  await using server = serve_nesting(way, TWO);
  await using both = await clients(server, 2);
  const ways = Object.keys(TAKING);
  for (const inner of ways) {
    // Those of the handler's task are one holder here, where they run in it.
    if (way.workers || inner === "run") {
      await Promise.all(both.map((client) => client.ask(`add-often ${inner}`)));
    }
  }
  assertEquals(await server.add(""), (way.workers ? 60 : 20) + 1);
  assertEquals([server.failures, server.reports], [[], []]);
});

test_ways_at_once("two handlers keep each other out", is_concurrent, async (way) => {
  await using server = serve_nesting(way, { max_children: 2 });
  await using both = await clients(server, 2);
  const [one, other] = both as unknown as [LineClient, LineClient];
  assertEquals([await one.ask("acquire"), await one.ask("acquire")], ["true", "true"]);
  assertEquals(await other.ask("try"), "false");
  assertStringIncludes((await other.ask("release"))!, "TypeError: Cannot release a lock");
  const waiting = other.ask("acquire");
  await one.ask("release");
  assertEquals([await one.ask("try"), await server.rlock.acquire(false)], ["true", false]);
  await one.ask("release");
  await one.ask("release");
  assertEquals(await soon(waiting), "true");
  assertEquals(await one.ask("try"), "false");
  await other.ask("release");
  assertEquals(server.log.errors, []);
});

test_ways_at_once("a method gives back only what it took itself", has_workers, async (way) => {
  await using server = serve_nesting(way);
  using client = await LineClient.connect(server.server_address);
  assertStringIncludes((await client.ask("release-there"))!, "TypeError: Cannot release a lock");
  assertStringIncludes((await client.ask("wait-there"))!, "the caller of this method holds");
  await soon(server.rlock.run(() => {}));
  // The wait that was refused is in line no longer.
  const waiting = as_task(() => server.full.run(() => server.full.wait()));
  await server.full.run(() => {});
  await client.ask("notify full");
  assertEquals(await soon(waiting), true);
});

test_ways_at_once(
  "what goes on after a method has not the caller's lock",
  has_workers,
  async (way) => {
    await using server = serve_nesting(way);
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask("go-on-there"), "go-on-there");
    await soon(server.log.until(({ entries }) => entries.includes("after the call: false")));
    await soon(server.rlock.run(() => {}));
  },
);

test_ways_at_once(
  "a lock that was withdrawn while it is held goes with no call",
  has_workers,
  async (way) => {
    await using server = serve_nesting(way);
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask("withdraw-and-add"), "1");
    assertStringIncludes((await client.ask("acquire"))!, "BadResource");
  },
);

test_ways_at_once(
  "a request that is given up loses the lock, however deep",
  is_concurrent,
  async (way) => {
    await using server = serve_nesting(way, { request_timeout: 1500 });
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask("deep"), "held");
    using hold = await soon(server.rlock.hold());
    assertEquals([hold.abandoned, server.reports.length], [true, 1]);
    assertStringIncludes(server.reports[0]!.message, "server.rlock was held by");
    hold[Symbol.dispose]();
    using next = await soon(server.rlock.hold());
    assertEquals(next.abandoned, false);
  },
);

test_ways_at_once(
  "a handler that loops with the lock is killed: the next one is told",
  has_workers,
  async (way) => {
    await using server = serve_nesting(way, { ...TWO, max_requests_per_worker: 1 });
    server.request_timeout = 1500;
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask("deep-and-loop"), "held");
    server.request_timeout = null;
    using next = await LineClient.connect(server.server_address);
    assertEquals(await next.ask("hold"), "true");
    assertEquals(server.reports.length, 1);
  },
);

Deno.test("ForkingTCPServer: a child that is killed has the lock three times, and waits elsewhere: nothing is lost", async () => {
  await using server = serve_nesting(FORKING, { max_children: 4 });
  await ready(server);
  await using all = await clients(server, 4);
  const [victim, second, third, holder] = all as unknown as [
    LineClient,
    LineClient,
    LineClient,
    LineClient,
  ];
  const victim_pid = Number(await victim.ask("pid"));
  const holder_pid = Number(await holder.ask("pid"));
  // Three wait, the victim first.
  const answers: Promise<string | null>[] = [];
  for (const [at, client] of [victim, second, third].entries()) {
    answers.push(client.ask("wait full"));
    await soon(until(() => server.log.entries.filter((note) => note === "waits").length > at));
  }
  answers[0]!.catch(() => {});
  assertEquals(await holder.ask("deep"), "held");
  Deno.kill(holder_pid, "SIGKILL");
  Deno.kill(victim_pid, "SIGKILL");
  using hold = await soon(server.rlock.hold());
  assertEquals(hold.abandoned, true);
  hold[Symbol.dispose]();
  await soon(until(() => server.failures.length === 2));
  // The victim is in line no longer.
  await server.full.run(() => server.full.notify());
  assertEquals(await soon(answers[1]!), "true");
  await server.full.run(() => server.full.notify());
  assertEquals(await soon(answers[2]!), "true");
  assertEquals(server.reports.length, 1);
  assertStringIncludes(
    server.reports[0]!.message,
    `server.rlock was held by Child process ${holder_pid}`,
  );
});

for (const way of [THREADING, FORKING]) {
  Deno.test(`${way.name}: who waits for a condition learns that the last holder was lost`, async () => {
    await using server = serve_nesting(way, { ...TWO, max_requests_per_worker: 1 });
    await using both = await clients(server, 2);
    const [waiter, holder] = both as unknown as [LineClient, LineClient];
    const answer = waiter.ask("wait-abandoned");
    await soon(server.log.until(({ entries }) => entries.includes("waits")));
    await holder.send("notify-and-end");
    assertEquals(await soon(answer), "true true");
    assertEquals(server.reports.length, 1);
  });
}
