/** What is released, withdrawn or left to itself at odd moments. */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import * as threading from "../../../concurrency/threading/mod.ts";
import { core_of } from "../../../internal/shared/shared_object.ts";
import { Task } from "../../../internal/shared/task.ts";
import { as_task } from "../../fixtures/handlers/rlock_cases.ts";
import { loop, MODULE as module } from "../../fixtures/threads/targets.ts";
import { is_pending, soon } from "../../fixtures/tools/waiting.ts";

/** How many permits there are. */
async function permits(semaphore: threading.Semaphore): Promise<number> {
  let count = 0;
  while (await semaphore.acquire(false)) count++;
  for (let left = count; left > 0; left--) await semaphore.release();
  return count;
}

Deno.test("Event: one that has happened is a signal that is aborted; it gives one at a time", async () => {
  const event = new threading.Event();
  const signal = event.as_signal();
  assertStrictEquals(event.as_signal(), signal);
  await event.set();
  assert(signal.aborted);
  await event.clear();
  await event.set();
  assert(event.as_signal().aborted);
  await event.clear();
});

Deno.test("Event: one that is withdrawn ends waits, and is no signal any more", async () => {
  const event = new threading.Event();
  const waits = [event.wait(), event.wait(60_000)];
  const signal = event.as_signal();
  event[Symbol.dispose]();
  for (const wait of waits) await assertRejects(() => soon(wait), Deno.errors.BadResource);
  assertEquals(signal.aborted, false);
  await assertRejects(() => event.wait(), Deno.errors.BadResource);
});

Deno.test("Condition: two notifications in a row wake two", async () => {
  const condition = new threading.Condition();
  const wait = () => as_task(() => condition.run(() => condition.wait()));
  const waits = [wait(), wait(), wait()];
  await condition.run(() => {});
  await condition.run(async () => {
    await condition.notify();
    await condition.notify();
  });
  assertEquals(await soon(Promise.all(waits.slice(0, 2))), [true, true]);
  assert(await is_pending(waits[2]!, 30));
  await condition.run(() => condition.notify());
  assertEquals(await soon(waits[2]!), true);
});

Deno.test("Condition: a lock that is given back too early keeps no place in the line", async () => {
  const condition = new threading.Condition();
  await condition.acquire();
  const early = assertRejects(() => condition.wait(), TypeError, "was given back meanwhile");
  condition.release();
  await early;
  const wait = as_task(() => condition.run(() => condition.wait()));
  await condition.run(() => {});
  await condition.run(() => condition.notify());
  assertEquals(await soon(wait), true);
});

Deno.test("Condition: who lets go of the lock while it waits does not get it again", async () => {
  const condition = new threading.Condition();
  for (const is_in_line of [false, true]) {
    const hold = await condition.hold();
    const wait = condition.wait();
    // It waits: the lock is free.
    const other = await condition.hold();
    if (!is_in_line) hold[Symbol.dispose]();
    await condition.notify();
    if (is_in_line) assert(await is_pending(wait, 30));
    // It does not wait for what it does not want any more.
    else assertEquals(await soon(wait), true);
    hold[Symbol.dispose]();
    other[Symbol.dispose]();
    assertEquals(await soon(wait), true);
    assertEquals(await condition.acquire(false), true);
    condition.release();
  }
});

Deno.test("Condition: a task that ends leaves its wait to the program", async () => {
  const condition = new threading.Condition();
  let wait!: Promise<boolean>;
  await as_task(async () => {
    await condition.acquire();
    wait = condition.wait();
    // Another one gets the lock when it waits.
  });
  await condition.run(() => condition.notify());
  assertEquals(await soon(wait), true);
});

Deno.test("Semaphore: a permit that was held does not come back twice when its task is given up", async () => {
  const semaphore = new threading.Semaphore(1);
  const reports: Error[] = [];
  core_of(semaphore).adopt("the semaphore", (error) => reports.push(error));
  const task = new Task({});
  const hold = await task.run(() => semaphore.hold());
  task.give_up(new Error("given up"));
  assertEquals([await permits(semaphore), reports.length], [1, 1]);
  hold[Symbol.dispose]();
  assertEquals([await permits(semaphore), reports.length], [1, 1]);
});

Deno.test("Semaphore: one that is withdrawn ends waits", async () => {
  const semaphore = new threading.Semaphore(0);
  const waits: Promise<unknown>[] = [semaphore.acquire(), semaphore.hold()];
  semaphore[Symbol.dispose]();
  for (const wait of waits) await assertRejects(() => soon(wait), Deno.errors.BadResource);
});

Deno.test("BoundedSemaphore: what was released for a thread does not come back with its end", async () => {
  const semaphore = new threading.BoundedSemaphore(1);
  const reports: Error[] = [];
  core_of(semaphore).adopt("the semaphore", (error) => reports.push(error));
  const there = new threading.Event();
  const thread = new threading.Thread({ target: loop, args: [there, semaphore], module });
  await soon(thread.start());
  await soon(there.wait());
  assertEquals(await permits(semaphore), 0);
  await semaphore.release();
  thread.terminate();
  await soon(thread.join());
  assertEquals([await permits(semaphore), reports], [1, []]);
});

Deno.test("local: it is an object like others", () => {
  const values = threading.local<{ name: string }>();
  Object.defineProperty(values, "name", { value: "defined", enumerable: true });
  assertEquals([values.name, { ...values }], ["defined", { name: "defined" }]);
  assertEquals(Object.getPrototypeOf(values), null);
});
