import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LifoQueue, PriorityQueue, Queue } from "../../../concurrency/queue/mod.ts";
import type { TCPServer } from "../../../mod.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { new_queues, ORDER_CASES } from "../../fixtures/handlers/order_cases.ts";
import {
  OrderHandler,
  Ordering,
  type OrderingMembers,
} from "../../fixtures/handlers/order_handlers.ts";
import { test_ways_at_once } from "../../fixtures/servers/all_ways.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { make } from "../../fixtures/servers/tcp_servers.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

for (const [name, run] of Object.entries(ORDER_CASES)) {
  Deno.test(`orders of queues: ${name}`, () => soon(run(new_queues())));
}

test_ways_at_once("the same orders of queues", () => true, async (way) => {
  const Server = Ordering(way.Server) as unknown as typeof TCPServer;
  const options = { max_workers: 1, max_children: 1, allow_reuse_port: way.relay };
  const made = make({ ...way, Server }, OrderHandler, options);
  await using server = serving(made as TCPServer & OrderingMembers);
  using client = await LineClient.connect(server.server_address);
  for (const name of Object.keys(ORDER_CASES)) {
    assertEquals(`${name}: ${await client.ask(name)}`, `${name}: ok`);
  }
  assertEquals(server.log.errors, []);
});

Deno.test("LifoQueue, PriorityQueue: they are queues, and take the options of queues", async () => {
  for (const Class of [LifoQueue, PriorityQueue]) {
    const queue = new Class<number>(1, { max_deliveries: 1 });
    assertEquals([queue instanceof Queue, `${Deno.inspect(queue)}`], [true, `${Class.name} {}`]);
    await queue.put(1);
    assertEquals(await queue.full(), true);
    await queue.shutdown();
    const items: number[] = [];
    for await (const item of queue) items.push(item);
    assertEquals(items, [1]);
    assertThrows(() => new Class(0, { max_deliveries: 0 }), RangeError);
    assertThrows(() => new Class("1" as never), TypeError);
    assertThrows(() => new Class(0, { order: 1 } as never), TypeError, "no option");
  }
  assertThrows(() => new LifoQueue(0, { key: () => 1 } as never), TypeError, "no option");
});

Deno.test("PriorityQueue: key and compare are functions, and not both", () => {
  assertThrows(() => new PriorityQueue(0, { key: "level" as never }), TypeError, "a function");
  assertThrows(() => new PriorityQueue(0, { compare: 1 as never }), TypeError, "a function");
  const both = { key: () => 1, compare: () => 1 };
  assertThrows(() => new PriorityQueue(0, both), TypeError, "both");
});

Deno.test("PriorityQueue: an item that is changed in the queue keeps its place", async () => {
  const queue = new PriorityQueue<unknown[]>();
  const items = [[2, new Date(5)], [1, new Date(5)], [1, new Date(3)]];
  for (const item of items) await queue.put(item);
  (items[2]![1] as Date).setTime(9);
  items[1]![0] = null as never;
  for (const index of [2, 1, 0]) assertEquals(await queue.get(), items[index]);
});

Deno.test("PriorityQueue: a compare() that fails later loses no item, and none of its promises hangs", async () => {
  let fails = false;
  const compare = (one: number, other: number) => {
    if (fails) throw new RangeError("no good");
    return one - other;
  };
  const queue = new PriorityQueue<number>(0, { compare });
  for (const number of [5, 3, 4, 1, 2]) await queue.put(number);
  fails = true;
  await assertRejects(() => queue.put(6), RangeError, "no good");
  const items: number[] = [];
  for (let count = 0; count < 5; count++) items.push(await soon(queue.get()));
  assertEquals(items.toSorted(), [1, 2, 3, 4, 5]);
});

Deno.test("PriorityQueue: what compare() must give", async () => {
  const answers: unknown[] = [];
  const queue = new PriorityQueue<number>(0, { compare: () => answers.shift() as number });
  for (const answer of [true, undefined, NaN, "1", Promise.resolve(1)]) {
    answers.push(answer);
    await assertRejects(() => queue.put(1), TypeError, "not a number");
  }
  assertEquals(await queue.qsize(), 0);
});

Deno.test("PriorityQueue: what was taken keeps the type of priorities in force", async () => {
  const queue = new PriorityQueue<unknown>();
  await queue.put(1);
  {
    using _job = await queue.take();
    await assertRejects(() => queue.put("1"), TypeError, "must be a number");
  }
  await queue.put(0);
  assertEquals([await queue.get(), await queue.get()], [0, 1]);
});
