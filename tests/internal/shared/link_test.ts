/** What two ends of a channel tell each other, in every order in which it can arrive. */
import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { core_of } from "../../../internal/shared/shared_object.ts";
import { Task } from "../../../internal/shared/task.ts";
import { CARRIED, REFUSED } from "../../fixtures/handlers/carried_functions.ts";
import { Linked } from "../../fixtures/tools/linked.ts";
import { soon, turn } from "../../fixtures/tools/waiting.ts";

/** What is left in a queue. */
async function items_of<T>(queue: Queue<T>): Promise<T[]> {
  const items = [];
  while (!await queue.empty()) items.push(await queue.get());
  return items;
}

/** What a promise rejects with. */
function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => "it did not reject", (error) => error);
}

/** What a task waits for, once it is granted and the grant on its way. */
async function on_its_way(linked: Linked): Promise<void> {
  linked.to_home.deliver();
  await turn();
}

Deno.test("Link: a get is given what is put, and the home learns that it was received", async () => {
  const linked = new Linked();
  const queue = new Queue<number>();
  const got = linked.stub_of(queue).get();
  await queue.put(1);
  await linked.settle();
  assertEquals(await soon(got), 1);
  await queue.task_done();
  await soon(queue.join());
});

Deno.test("Link: aborted while the grant is on its way, a get rejects and its item is the first again", async () => {
  const linked = new Linked();
  const queue = new Queue<number>();
  for (const item of [1, 2, 3]) await queue.put(item);
  const controller = new AbortController();
  const reason = new Error("no longer wanted");
  const got = rejection(linked.stub_of(queue).get({ signal: controller.signal }));
  await on_its_way(linked);
  assertEquals(await queue.qsize(), 2);
  controller.abort(reason);
  await linked.settle();
  assertEquals(await soon(got), reason);
  assertEquals(await items_of(queue), [1, 2, 3]);
});

Deno.test("Link: the same, where the abort comes before the grant arrives, with others that wait", async () => {
  const linked = new Linked();
  const queue = new Queue<number>();
  for (const item of [1, 2]) await queue.put(item);
  const controller = new AbortController();
  const stub = linked.stub_of(queue);
  const first = rejection(stub.get({ signal: controller.signal }));
  const second = rejection(stub.get({ signal: controller.signal }));
  await turn();
  await on_its_way(linked);
  const others = [queue.get(), queue.get()];
  controller.abort(new Error("no longer wanted"));
  await turn();
  linked.to_home.deliver();
  await linked.settle();
  assertInstanceOf(await soon(first), Error);
  assertInstanceOf(await soon(second), Error);
  assertEquals(await soon(Promise.all(others)), [1, 2]);
});

Deno.test("Link: a put that had room when it was aborted resolves, and one that waits for room leaves the line", async () => {
  const linked = new Linked();
  const queue = new Queue<number>(1);
  const stub = linked.stub_of(queue);
  const controller = new AbortController();
  const { signal } = controller;
  const done = stub.put(1, { signal });
  await on_its_way(linked);
  const reason = new Error("no longer wanted");
  const waiting = rejection(stub.put(2, { signal }));
  await on_its_way(linked);
  const next = queue.put(3);
  controller.abort(reason);
  await linked.settle();
  await soon(done);
  assertEquals(await soon(waiting), reason);
  assertEquals(await queue.get(), 1);
  await soon(next);
  assertEquals(await items_of(queue), [3]);
});

Deno.test("Link: a channel that ends brings back what was not received, in its order, and to those who wait", async () => {
  const linked = new Linked();
  const queue = new Queue<number>();
  for (let item = 1; item <= 6; item++) await queue.put(item);
  const stub = linked.stub_of(queue);
  const lost = [];
  for (let count = 0; count < 4; count++) {
    lost.push(rejection(count % 2 ? stub.take() : stub.get()));
  }
  await turn();
  await on_its_way(linked);
  assertEquals(await queue.qsize(), 2);
  linked.home.closed();
  linked.away.closed();
  for (const error of lost) assertInstanceOf(await soon(error), Deno.errors.BadResource);
  const first = await queue.take();
  assertEquals([first.item, first.deliveries], [1, 1]);
  assertEquals(await items_of(queue), [2, 3, 4, 5, 6]);
});

Deno.test("Link: those who wait get what a channel brings back at its end, in its order", async () => {
  const linked = new Linked();
  const queue = new Queue<number>();
  for (let item = 1; item <= 3; item++) await queue.put(item);
  const stub = linked.stub_of(queue);
  for (let count = 0; count < 3; count++) void rejection(stub.get());
  await turn();
  await on_its_way(linked);
  const others = [queue.get(), queue.get(), queue.get()];
  linked.home.closed();
  linked.away.closed();
  assertEquals(await soon(Promise.all(others)), [1, 2, 3]);
});

Deno.test("Link: what a task took goes back with its end, in its order, to those who wait", async () => {
  const linked = new Linked();
  const queue = new Queue<number>();
  for (let item = 1; item <= 3; item++) await queue.put(item);
  const stub = linked.stub_of(queue);
  const task = new Task({});
  const jobs = task.run(() => Promise.all([stub.take(), stub.take(), stub.take()]));
  await linked.settle();
  await soon(jobs);
  const others = [queue.get(), queue.get(), queue.get()];
  task.end();
  await linked.settle();
  assertEquals(await soon(Promise.all(others)), [1, 2, 3]);
});

Deno.test("Link: an item that is taken by a task that has ended goes back", async () => {
  const linked = new Linked();
  const queue = new Queue<number>();
  const stub = linked.stub_of(queue);
  for (const there of [queue, stub]) {
    const task = new Task({});
    const taken = task.run(() => there.take());
    await linked.settle();
    task.end();
    await linked.settle();
    await queue.put(1);
    await linked.settle();
    await soon(taken);
    await linked.settle();
    using job = await queue.take(false);
    assertEquals([job.item, job.deliveries], [1, 2]);
    await job.done();
  }
});

Deno.test("Link: a task that is given up does not get what was on its way, and what it has goes back", async () => {
  const linked = new Linked();
  const queue = new Queue<number>();
  for (let item = 1; item <= 3; item++) await queue.put(item);
  const stub = linked.stub_of(queue);
  const task = new Task({});
  const taking = task.run(() => stub.take());
  await linked.settle();
  const job = await soon(taking);
  assertEquals(job.item, 1);
  const late = task.run(() => rejection(stub.take()));
  await on_its_way(linked);
  const reason = new Error("it takes too long");
  task.give_up(reason);
  await linked.settle();
  assertEquals(await soon(late), reason);
  // What it still does changes nothing.
  await task.run(() => job.done());
  await linked.settle();
  assertEquals(await items_of(queue), [1, 2, 3]);
});

Deno.test("Link: what is changed after it was put is what it was then", async () => {
  const linked = new Linked();
  const queue = new Queue<unknown>();
  const stub = linked.stub_of(queue);
  const item = { number: 1, list: [1] };
  const bytes = new Uint8Array([1]);
  const puts = [stub.put(0), stub.put(item), stub.put([bytes])];
  item.number = 2;
  item.list.push(2);
  bytes[0] = 2;
  bytes.buffer.transfer();
  await linked.settle();
  await soon(Promise.all(puts));
  assertEquals(await items_of(queue), [0, { number: 1, list: [1] }, [new Uint8Array([1])]]);
});

Deno.test("Link: what cannot be cloned is refused, and what comes after gets there", async () => {
  const linked = new Linked();
  const queue = new Queue<unknown>();
  const stub = linked.stub_of(queue);
  const odd = () => Object.setPrototypeOf(new WeakMap(), Object.prototype) as unknown;
  for (const item of [odd(), [odd()], new Map([[1, () => 1]]), Symbol("odd")]) {
    const first = await rejection(stub.put(item));
    assertInstanceOf(first, DOMException);
    assertEquals(first.name, "DataCloneError");
  }
  const puts = [stub.put(1), stub.put(2)];
  await linked.settle();
  await soon(Promise.all(puts));
  assertEquals(await items_of(queue), [1, 2]);
});

Deno.test("Link: an object that was withdrawn is no more when it comes back to its home", async () => {
  const linked = new Linked();
  const queue = new Queue<unknown>();
  const stub = linked.stub_of(queue);
  const other = new Queue<unknown>();
  const put = rejection(stub.put({ reply: linked.stub_of(other) }));
  other[Symbol.dispose]();
  await linked.settle();
  const error = await soon(put);
  assertInstanceOf(error, Deno.errors.BadResource);
  assertStringIncludes(error.message, "withdrawn");
  const next = stub.put(1);
  await linked.settle();
  await soon(next);
  assertEquals(await items_of(queue), [1]);
});

Deno.test("Link: an item that cannot be used where it is got is dropped there, reported, and counts as done", async () => {
  const linked = new Linked();
  const queue = new Queue<unknown>();
  const stub = linked.stub_of(queue);
  const reports: Error[] = [];
  core_of(queue).adopt("server.jobs", (error) => reports.push(error));
  const getting = rejection(stub.get());
  const mine = new Queue<unknown>();
  await linked.settle();
  // It is at home at the other end, where nobody knows of it any more.
  const put = queue.put(linked.stub_from_away(mine));
  mine[Symbol.dispose]();
  await linked.settle();
  await soon(put);
  assertInstanceOf(await soon(getting), Deno.errors.BadResource);
  await soon(queue.join());
  assertEquals(reports.length, 1);
  assertStringIncludes(reports[0]!.message, "server.jobs");
  assertInstanceOf(reports[0]!.cause, Deno.errors.BadResource);
});

Deno.test("Link: what makes no sense is told who has heard it", () => {
  const linked = new Linked();
  for (const body of [[99], ["__proto__"], [null], [{}], [3.5]]) {
    assertThrows(() => linked.home.received(body), TypeError);
  }
});

Deno.test("Link: what comes after a function waits until its module is there", async () => {
  const linked = new Linked();
  const queue = new Queue<unknown>();
  const stub = linked.stub_of(queue);
  const { double } = CARRIED;
  const items = [1, double, 2, { double }, 3];
  const puts = items.map((item) => stub.put(item));
  await linked.settle();
  await soon(Promise.all(puts));
  assertEquals(await items_of(queue), items);
  for (const item of items) await queue.put(item);
  const gets = items.map(() => stub.get());
  await linked.settle();
  assertEquals(await soon(Promise.all(gets)), items);
});

Deno.test("Link: a put whose function is still to be found is not done when its channel ends", async () => {
  const linked = new Linked();
  const queue = new Queue<unknown>();
  const put = rejection(linked.stub_of(queue).put(CARRIED.double));
  linked.to_home.deliver();
  linked.home.closed();
  linked.away.closed();
  assertInstanceOf(await soon(put), Deno.errors.BadResource);
  await linked.settle();
  assertEquals(await items_of(queue), []);
});

Deno.test("Link: the first call of a turn leaves at once, and the rest together", async () => {
  const linked = new Linked();
  const stub = linked.stub_of(new Queue<number>());
  for (let round = 0; round < 3; round++) {
    const sizes = [1, 2, 3].map(() => stub.qsize());
    assertEquals(linked.to_home.messages.length, 1);
    await turn();
    assertEquals(linked.to_home.messages.length, 2);
    await linked.settle();
    assertEquals(await soon(Promise.all(sizes)), [0, 0, 0]);
  }
});

/** Has `performance.now()` tell another time. */
function clock(now: () => number): Disposable {
  const real = performance.now;
  performance.now = now;
  return { [Symbol.dispose]: () => void (performance.now = real) };
}

Deno.test("Link: where turns are told, one ends with what comes next, or with the time", async () => {
  let now = 1;
  using _clock = clock(() => now);
  const linked = new Linked(true);
  const stub = linked.stub_of(new Queue<number>());
  for (let round = 0; round < 3; round++) {
    const size = stub.qsize();
    assertEquals(linked.to_home.messages.length, 1);
    linked.to_home.deliver();
    linked.to_away.deliver();
    assertEquals(await soon(size), 0);
  }
  const sizes = [stub.qsize()];
  now += 1000;
  sizes.push(stub.qsize());
  assertEquals(linked.to_home.messages.length, 2);
  sizes.push(stub.qsize());
  assertEquals(linked.to_home.messages.length, 2);
  await linked.settle();
  assertEquals(await soon(Promise.all(sizes)), [0, 0, 0]);
});

Deno.test("Link: that an item was received is said before who waited for it goes on", async () => {
  const linked = new Linked();
  const queue = new Queue<unknown>();
  const stub = linked.stub_of(queue);
  for (const item of [1, CARRIED.double]) {
    const said = stub.get().then(() => linked.to_home.messages.length);
    await queue.put(item);
    await turn();
    linked.to_home.deliver();
    await turn();
    linked.to_away.deliver();
    assertEquals(await soon(said), 1, Deno.inspect(item));
    await linked.settle();
  }
});

Deno.test("Link: an item that is aborted while its function is looked for goes back", async () => {
  const linked = new Linked();
  const queue = new Queue<unknown>();
  await queue.put(CARRIED.double);
  const controller = new AbortController();
  const reason = new Error("no longer wanted");
  const got = rejection(linked.stub_of(queue).get({ signal: controller.signal }));
  await on_its_way(linked);
  linked.to_away.deliver();
  controller.abort(reason);
  await linked.settle();
  assertEquals(await soon(got), reason);
  assertEquals(await items_of(queue), [CARRIED.double]);
});

Deno.test("Link: a job that cannot be used where it is taken goes back, until it is poison", async () => {
  const linked = new Linked();
  const queue = new Queue<unknown>();
  const stub = linked.stub_of(queue);
  const reports: Error[] = [];
  core_of(queue).adopt("server.jobs", (error) => reports.push(error));
  await queue.put(REFUSED.hidden![0]());
  for (let deliveries = 1; deliveries <= 5; deliveries++) {
    assertEquals([await queue.qsize(), reports.length], [1, 0]);
    const taken = rejection(stub.take());
    await linked.settle();
    assertInstanceOf(await soon(taken), TypeError);
  }
  await soon(queue.join());
  assertEquals(reports.length, 1);
  assertStringIncludes(reports[0]!.message, "server.jobs was taken 5 times");
});
