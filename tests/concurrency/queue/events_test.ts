/** What a queue tells its observer, and `info()` of it. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Full,
  PriorityQueue,
  Queue,
  type QueueEvent,
  type QueueInfo,
  SimpleQueue,
} from "../../../concurrency/queue/mod.ts";
import { StandardError } from "../../fixtures/tools/standard_error.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

/** What matters of an event. */
function short_of(event: QueueEvent): unknown[] {
  const { type, item } = event;
  return type === "item.start" ? [type, item] : [type, item, event.outcome, event.deliveries];
}

/** What changes of what a queue tells. */
function counts_of(queue: { info(): QueueInfo }) {
  const { since, ...counts } = queue.info();
  assert(since <= Date.now());
  return counts;
}

const NONE = { size: 0, taken: 0, getters: 0, putters: 0, put: 0, got: 0, done: 0, dropped: 0 };

Deno.test("each item that a queue is told to have has left it once, however", async () => {
  const events: QueueEvent[] = [];
  const observer = (event: QueueEvent) => void events.push(event);
  const errors: unknown[] = [];
  const report = console.error;
  console.error = (...what) => void errors.push(what);
  try {
    using queue = new Queue<number>(0, { observer, max_deliveries: 2 });
    for (let item = 1; item <= 5; item++) await queue.put(item);
    assertEquals(await queue.get(), 1);
    const job = await queue.take();
    await job.done();
    for (let turn = 0; turn < 2; turn++) {
      using left = await queue.take();
      assertEquals(left.item, 3);
    }
    using taken = await queue.take();
    assertEquals(counts_of(queue), {
      ...{ ...NONE, maxsize: Infinity, size: 1, taken: 1, put: 5, got: 1, done: 1, dropped: 1 },
    });
    await queue.shutdown(true);
    await taken.done();
    assertEquals(counts_of(queue), {
      ...{ ...NONE, maxsize: Infinity, put: 5, got: 1, done: 2, dropped: 2 },
    });
  } finally {
    console.error = report;
  }
  assertEquals(errors.length, 1);
  assertEquals(events.filter(({ type }) => type === "item.start").map(short_of), [
    ...[1, 2, 3, 4, 5].map((item) => ["item.start", item]),
  ]);
  assertEquals(events.filter(({ type }) => type === "item.stop").map(short_of), [
    ["item.stop", 1, "got", 0],
    ["item.stop", 2, "done", 1],
    ["item.stop", 3, "dropped", 2],
    ["item.stop", 5, "dropped", 0],
    ["item.stop", 4, "done", 1],
  ]);
  for (const event of events) {
    assert(event.time <= Date.now());
    assert(event.type === "item.start" || event.duration >= 0);
  }
});

Deno.test("info() of a queue tells who waits", async () => {
  using queue = new PriorityQueue<number>(1);
  const got = [queue.get(), queue.get()];
  assertEquals(counts_of(queue), { ...NONE, maxsize: 1, getters: 2 });
  for (const item of [1, 2]) await queue.put(item);
  await soon(Promise.all(got));
  await queue.put(3);
  const waiting = queue.put(4);
  assertEquals(counts_of(queue), { ...NONE, maxsize: 1, size: 1, putters: 1, put: 3, got: 2 });
  await assertRejects(() => queue.put_nowait(5), Full);
  assertEquals(await queue.get(), 3);
  await waiting;
  assertEquals(counts_of(queue), { ...NONE, maxsize: 1, size: 1, put: 4, got: 3 });
  const simple = new SimpleQueue<number>();
  await simple.put(1);
  await simple.get();
  assertEquals(counts_of(simple), { ...NONE, maxsize: Infinity, put: 1, got: 1 });
});

Deno.test("what is withdrawn with a queue is dropped", async () => {
  const events: QueueEvent[] = [];
  {
    using queue = new Queue<number>(0, { observer: (event) => void events.push(event) });
    await queue.put(1);
    await queue.put(2);
    await queue.take();
  }
  assertEquals(events.slice(2).map(short_of).sort(), [
    ["item.stop", 1, "dropped", 1],
    ["item.stop", 2, "dropped", 0],
  ]);
});

Deno.test("an observer of a queue must be a function, and its failures harm nothing", async () => {
  assertThrows(() => new Queue(0, { observer: 1 as never }), TypeError, "observer");
  using printed = new StandardError();
  const observer = () => {
    throw new Error("the observer's");
  };
  using queue = new Queue<number>(0, { observer });
  await queue.put(1);
  assertEquals(await queue.get(), 1);
  assertEquals((await printed.all()).match(/the observer's/g)?.length, 1);
});
