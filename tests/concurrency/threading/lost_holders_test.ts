/** What becomes of locks and permits when who has them, or waits for them, is lost. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import { ALL_WAYS, FORKING } from "../../fixtures/servers/all_ways.ts";
import { serve, type SharingTCPServer } from "../../fixtures/servers/sharing.ts";
import { is_pending, soon, until } from "../../fixtures/tools/waiting.ts";

const THREADING = ALL_WAYS.find(({ name }) => name === "ThreadingTCPServer")!;
const ASYNC = ALL_WAYS.find(({ name }) => name === "AsyncTCPServer")!;
const NOT_HELD = "TypeError: Cannot release a lock that this thread or child does not hold";
const TWO = { max_workers: 2, max_children: 2 };

/** A client that has sent a line, when its handler has asked for the lock. */
async function asking(server: SharingTCPServer, line: string): Promise<LineClient> {
  const asked = () => server.log.entries.filter((entry) => entry === "asked").length;
  const before = asked();
  const client = await LineClient.connect(server.server_address);
  await client.send(line);
  await soon(until(() => asked() > before));
  return client;
}

/** Kills the child that a client's handler runs in. */
async function kill(client: LineClient): Promise<void> {
  Deno.kill(Number(await client.ask("pid")), "SIGKILL");
}

/** How many permits can be taken; they are given back. */
async function permits(semaphore: SharingTCPServer["places"]): Promise<number> {
  let count = 0;
  while (await semaphore.acquire(false)) count++;
  if (count > 0) await semaphore.release(count);
  return count;
}

for (const way of [THREADING, FORKING]) {
  Deno.test(`${way.name}: a handler that loops with a free lock is killed: the next one is told`, async () => {
    await using server = serve(way, { request_timeout: 1000 });
    using _client = await asking(server, "ask-and-loop");
    using hold = await soon(server.lock.hold());
    assertEquals(hold.abandoned, true);
    assertEquals(server.reports.length, 1);
    assertStringIncludes(server.reports[0]!.message, "server.lock was held by");
  });

  Deno.test(`${way.name}: a handler that loops with a lock that it was handed is killed: the next one is told`, async () => {
    await using server = serve(way, { request_timeout: 1000 });
    const first = await server.lock.hold();
    using _client = await asking(server, "ask-and-loop");
    first[Symbol.dispose]();
    using hold = await soon(server.lock.hold());
    assertEquals(hold.abandoned, true);
    assertEquals(server.reports.length, 1);
  });

  Deno.test(`${way.name}: a busy worker that is first in line: the others wait for it, or for its end`, async () => {
    // Each in a worker of its own: the busy one is killed.
    await using server = serve(way, { ...TWO, max_requests_per_worker: 1 });
    for (const [line, abandoned] of [["ask-and-compute 300", false], ["ask-and-loop", true]]) {
      server.request_timeout = 1000;
      const first = await server.lock.hold();
      using _client = await asking(server, `${line}`);
      server.request_timeout = null;
      using behind = await asking(server, "hold");
      first[Symbol.dispose]();
      assertEquals(await behind.line(), `${abandoned}`);
    }
    assertEquals(server.reports.length, 1);
  });

  Deno.test(`${way.name}: a handler that computes when it has released the lock keeps nobody waiting`, async () => {
    await using server = serve(way);
    using client = await asking(server, "release-and-compute 2000");
    const next = server.lock.hold();
    await server.signals.release();
    (await soon(next))[Symbol.dispose]();
    const answer = client.line();
    assertEquals(await is_pending(answer, 1), true);
    assertEquals(await answer, "release-and-compute");
  });

  Deno.test(`${way.name}: the permits of a handler that loops come back`, async () => {
    await using server = serve(way, { request_timeout: 1000 });
    using client = await LineClient.connect(server.server_address);
    await client.send("take-two-and-loop");
    await soon(until(async () => await permits(server.pair) === 0));
    assertEquals(await soon(server.pair.acquire()), true);
    await server.pair.release();
    await soon(until(() => server.reports.length === 1));
    assertStringIncludes(server.reports[0]!.message, "2 permits of server.pair came back");
    assertEquals(await permits(server.pair), 2);
  });

  Deno.test(`${way.name}: who waits and is killed leaves the line as it was`, async () => {
    await using server = serve(way, TWO);
    const first = await server.lock.hold();
    assertEquals([await server.pair.acquire(), await server.pair.acquire()], [true, true]);
    server.request_timeout = 1000;
    using _lost = await asking(server, "wait-and-loop");
    server.request_timeout = null;
    using behind = await asking(server, "hold");
    await soon(until(() => server.failures.length === 1));
    first[Symbol.dispose]();
    assertEquals(await behind.line(), "false");
    await server.pair.release(2);
    assertEquals(await permits(server.pair), 2);
    assertEquals(server.reports, []);
  });
}

for (const [taken, released] of [[1, 0], [2, 0], [2, 1], [1, 3], [0, 2]]) {
  Deno.test(`ForkingTCPServer: a child that took ${taken} permits and released ${released} is killed`, async () => {
    await using server = serve(FORKING);
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask(`permits ${taken} ${released}`), "permits");
    await kill(client);
    await soon(until(() => server.failures.length === 1));
    // What it signalled stays, what it had comes back.
    assertEquals(await permits(server.places), 7 + Math.max(0, released! - taken!));
    assertEquals(server.reports.length, taken! > released! ? 1 : 0);
  });
}

Deno.test("ForkingTCPServer: a child that is killed gives back its lock and its permits", async () => {
  await using server = serve(FORKING, TWO);
  using client = await LineClient.connect(server.server_address);
  const pid = Number(await client.ask("pid"));
  assertEquals(await client.ask("hold-and-stay"), "held");
  using behind = await asking(server, "hold");
  Deno.kill(pid, "SIGKILL");
  assertEquals(await behind.line(), "true");
  await soon(until(async () => await permits(server.places) === 7));
  const messages = server.reports.map(({ message }) => message).sort();
  assertEquals(messages.length, 2);
  assertStringIncludes(messages[0]!, "2 permits of server.places came back");
  assertStringIncludes(messages[1]!, `server.lock was held by Child process ${pid}`);
});

for (const way of [ASYNC, THREADING, FORKING]) {
  Deno.test(`${way.name}: what a request holds that never ends comes back when it is given up`, async () => {
    await using server = serve(way, { request_timeout: 1000 });
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask("hold-and-stay"), "held");
    const start = performance.now();
    using hold = await soon(server.lock.hold());
    assertEquals(hold.abandoned, true);
    const time = performance.now() - start;
    assert(time > 900, `${time} ms: not before it is given up`);
    await soon(until(async () => await permits(server.places) === 7));
    assertEquals(server.reports.length, 2);
    assertEquals(await line_or_end(client), null);
  });
}

for (const way of [ASYNC, THREADING]) {
  Deno.test(`${way.name}: what a request does after it was given up does nothing to others`, async () => {
    await using server = serve(way);
    using neighbour = await LineClient.connect(server.server_address);
    assertEquals(await neighbour.ask("meddled"), "not yet");
    server.request_timeout = 1000;
    using client = await LineClient.connect(server.server_address);
    assertEquals(await client.ask("hold-and-meddle"), "held");
    using _hold = await soon(server.lock.hold());
    let meddled;
    await soon(until(async () => (meddled = await neighbour.ask("meddled")) !== "not yet"));
    assertEquals(meddled, "fulfilled,rejected,rejected,rejected,rejected");
    assertEquals(await server.lock.locked(), true);
    // In this thread anybody may release it, in the worker nobody.
    if (way !== ASYNC) assertEquals(await neighbour.ask("release"), NOT_HELD);
    assertEquals(await permits(server.places), 7);
    assertEquals(await server.event.is_set(), false);
    assertEquals(server.reports.length, 2);
  });
}

for (const way of [ASYNC, THREADING, FORKING]) {
  for (const [withdrawn, other] of [["lock", "places"], ["places", "lock"]] as const) {
    Deno.test(`${way.name}: nothing is lost with who holds a withdrawn ${withdrawn}`, async () => {
      await using server = serve(way, { request_timeout: 1000 });
      using client = await LineClient.connect(server.server_address);
      assertEquals(await client.ask("hold-and-stay"), "held");
      const object = server[withdrawn];
      const waits = withdrawn === "lock" ? [object.acquire(), object.hold()] : [];
      object[Symbol.dispose]();
      const later = withdrawn === "lock" ? [server.lock.locked()] : [];
      for (const wait of [...waits, ...later, object.acquire(), object.hold()]) {
        await assertRejects(() => wait, Deno.errors.BadResource);
      }
      await soon(until(() => server.reports.length > 0));
      assertEquals(server.reports.length, 1);
      assertStringIncludes(server.reports[0]!.message, `server.${other}`);
      assertEquals(await line_or_end(client), null);
    });
  }
}
