/** Items that nobody can have, or that come too late, and queues that are no more. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { Thread } from "../../../concurrency/threading/mod.ts";
import { core_of } from "../../../internal/shared/shared_object.ts";
import { as_task } from "../../fixtures/handlers/rlock_cases.ts";
import { MODULE as module, take_in_vain } from "../../fixtures/threads/targets.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

Deno.test("an item that a thread takes and that cannot be sent there goes back, and is poison at last", async () => {
  const [told, queue] = [new Queue<unknown>(), new Queue<unknown>(0, { max_deliveries: 2 })];
  const reports: string[] = [];
  core_of(queue).adopt("the queue", ({ message }) => reports.push(message));
  await queue.put(new WeakMap());
  const thread = new Thread({ target: take_in_vain, args: [told, queue, 2], module });
  await soon(thread.start());
  await soon(thread.join());
  assertEquals([await told.get(false), await told.get(false)], Array(2).fill("DataCloneError"));
  assertEquals(reports, [
    "An item of the queue was taken 2 times and never done: it was dropped, and counts as done",
  ]);
  await queue.join(0);
  // What it cannot tell there it says.
  assertStringIncludes(
    await told.get(false) as string,
    "info() is for the thread where it was made",
  );
});

Deno.test("an item that was taken for a task that has ended goes back", async () => {
  const queue = new Queue<number>();
  let taking!: Promise<unknown>;
  await as_task(() => {
    taking = queue.take();
  });
  await queue.put(1);
  await soon(taking);
  using job = await soon(queue.take());
  assertEquals([job.item, job.deliveries], [1, 2]);
  await job.done();
});

Deno.test("for await ends with the error of a queue that is withdrawn", async () => {
  const queue = new Queue<number>();
  const items: number[] = [];
  const reading = assertRejects(async () => {
    for await (const item of queue) items.push(item);
  }, Deno.errors.BadResource);
  await queue.put(1);
  queue[Symbol.dispose]();
  await reading;
  assertEquals(items, [1]);
});
