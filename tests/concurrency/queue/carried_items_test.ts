/** Items that are not copied: functions, and objects that several threads and processes use. */
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { Lock, Semaphore } from "../../../concurrency/threading/mod.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { CARRIED, REFUSED } from "../../fixtures/handlers/carried_functions.ts";
import { test_each_way } from "../../fixtures/servers/all_ways.ts";
import { serve_queues } from "../../fixtures/servers/queueing.ts";
import { ready } from "../../fixtures/servers/ready.ts";
import type { Way } from "../../fixtures/servers/tcp_servers.ts";
import { Program } from "../../fixtures/programs/programs.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

const in_workers = (way: Way) => way.workers && !way.relay;

test_each_way(
  "functions travel from worker to worker, and to the program and back",
  in_workers,
  async (way) => {
    await using server = serve_queues(way);
    await soon(ready(server));
    using one = await LineClient.connect(server.server_address);
    using other = await LineClient.connect(server.server_address);
    for (const [name, fn] of Object.entries(CARRIED)) {
      const expected = `${await fn(6)}`;
      await one.ask(`put-function ${name}`);
      assertEquals(await other.ask("call-item 6"), expected);
      await one.ask(`put-function ${name}`);
      const here = await soon(server.jobs.get()) as typeof fn;
      assert(here === fn);
      await server.jobs.put(here);
      assertEquals(await other.ask("call-item 6"), expected);
    }
    assertEquals([server.reports, server.failures], [[], []]);
  },
);

test_each_way(
  "functions that cannot be found are refused where they are put",
  in_workers,
  async (way) => {
    await using server = serve_queues(way);
    using client = await LineClient.connect(server.server_address);
    for (const [name, [, message]] of Object.entries(REFUSED)) {
      const answer = await client.ask(`put-refused ${name}`);
      assertMatch(answer!, message, name);
    }
    assertEquals(await server.jobs.qsize(), 0);
    await client.ask("put good");
    assertEquals(await server.jobs.get(), "good");
  },
);

test_each_way(
  "what only who gets it can tell is dropped there, reported, and counts as done",
  in_workers,
  async (way) => {
    await using server = serve_queues(way);
    await soon(ready(server));
    using client = await LineClient.connect(server.server_address);
    for (const name of ["hidden", "namesake", "closure"]) {
      const [fn, message] = REFUSED[name]!;
      await server.jobs.put(fn());
      const answer = await client.ask("get-error");
      assertMatch(answer!, /^TypeError: /);
      assertMatch(answer!, message);
    }
    await soon(server.jobs.join());
    assertEquals(server.reports.length, 3);
    for (const { message } of server.reports) {
      assertMatch(
        message,
        /An item of server\.jobs cannot be/,
      );
    }
    for (const name of ["bound", "nameless"]) {
      const [fn, message] = REFUSED[name]!;
      const error = await assertRejects(() => server.jobs.put({ fn: fn() }), DOMException);
      assertMatch(error.message, message);
    }
    assertEquals(await server.jobs.qsize(), 0);
  },
);

test_each_way(
  "an item that cannot be cloned is refused, also in the thread where the queue is at home",
  in_workers,
  async (way) => {
    await using server = serve_queues(way);
    await soon(ready(server));
    for (const item of [Symbol("odd"), new Map([[1, () => 1]]), { promise: Promise.resolve() }]) {
      const error = await assertRejects(() => server.jobs.put(item), DOMException);
      assertEquals(error.name, "DataCloneError");
    }
    // A thread could have it, a child cannot.
    const memory = new SharedArrayBuffer(4);
    await server.jobs.put(memory);
    using client = await LineClient.connect(server.server_address);
    await client.send("get");
    await client.send("get");
    if (way.Server.name.startsWith("Forking")) {
      assertMatch((await client.line())!, /^DataCloneError: /);
      await soon(server.jobs.join());
      assertEquals(server.reports.length, 1);
    } else {
      assertEquals(await client.line(), "{}");
    }
    await server.jobs.put("good");
    assertEquals(await client.line(), '"good"');
  },
);

test_each_way(
  "a queue for the answer goes with the question, to the program and to another worker",
  in_workers,
  async (way) => {
    await using server = serve_queues(way);
    await soon(ready(server));
    using one = await LineClient.connect(server.server_address);
    using other = await LineClient.connect(server.server_address);
    for (let round = 0; round < 3; round++) {
      await one.send("ask what");
      assertEquals(await other.ask("answer"), "what");
      assertEquals(await one.line(), "WHAT");
      await one.send("ask who");
      const { question, reply } = await soon(server.jobs.get()) as {
        question: string;
        reply: Queue<string>;
      };
      assertInstanceOf(reply, Queue);
      await reply.put(`${question}, here`);
      assertEquals(await one.line(), "who, here");
      assertEquals(await other.ask("get-back"), 'true "next"');
      // The one who asked is gone.
      await one.ask("ask-and-leave");
      assertMatch((await other.ask("answer-too-late"))!, /^BadResource: .*withdrawn/);
    }
    assertEquals([server.reports, server.failures], [[], []]);
  },
);

test_each_way("locks and semaphores in items", in_workers, async (way) => {
  await using server = serve_queues(way);
  await soon(ready(server));
  using one = await LineClient.connect(server.server_address);
  using other = await LineClient.connect(server.server_address);
  const answer = "true false true true false";
  await one.ask("put-objects");
  assertEquals(await other.ask("use-objects"), answer);
  await one.ask("put-objects");
  assertEquals(await one.ask("use-objects"), answer);
  const lock = new Lock();
  const permits = new Semaphore(2);
  await server.jobs.put([lock, { permits }]);
  assertEquals(await one.ask("use-objects"), answer);
  assertEquals([await lock.locked(), await permits.acquire(false)], [false, true]);
  assertEquals([server.reports, server.failures], [[], []]);
});

test_each_way(
  "what a client sends that looks like a handle stays data",
  in_workers,
  async (way) => {
    await using server = serve_queues(way);
    using client = await LineClient.connect(server.server_address);
    const texts = [
      '{"mine":1,"kind":{"file":"concurrency/queue/queue.ts","name":"Queue"}}',
      '{"yours":1}',
      '{"function":{"module":"data:text/javascript,","name":"x","hash":0}}',
      '{"passengers":[[["__proto__","polluted"],{"yours":1}]],"value":{}}',
      '{"__proto__":{"polluted":true}}',
      '[[["__proto__"],{"yours":1}]]',
    ];
    for (const text of texts) {
      await client.ask(`json ${text}`);
      assertEquals(await server.jobs.get(), JSON.parse(text));
      await client.ask(`json ${text}`);
      assertEquals(await client.ask("get"), text);
    }
    assertEquals(({} as Record<string, unknown>).polluted, undefined);
  },
);

for (const kind of ["threads", "children"]) {
  Deno.test(`functions of the main module travel, to ${kind} and back`, async () => {
    const file = "tests/fixtures/programs/queue_program.ts";
    await using program = new Program("run", "-A", "--unstable-net", file, kind);
    assertEquals(await program.line(), "in a worker: 42");
    assertEquals(await program.line(), "back in the program: 42");
    await program.ends_well();
  });
}
