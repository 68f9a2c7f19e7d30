import { assertEquals, assertThrows } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { Outbox } from "../../../internal/workers/outbox.ts";

/** An outbox, and the batches that it has sent. */
function sending(): { outbox: Outbox<number>; batches: number[][] } {
  const batches: number[][] = [];
  return { outbox: new Outbox<number>((messages) => batches.push(messages)), batches };
}

Deno.test("Outbox.post() sends at once, each message alone", () => {
  const { outbox, batches } = sending();
  outbox.post(1);
  assertEquals(batches, [[1]]);
  outbox.post(2);
  assertEquals(batches, [[1], [2]]);
});

Deno.test("Outbox.defer() sends at the end of the turn, all in one batch", async () => {
  const { outbox, batches } = sending();
  outbox.defer(1);
  outbox.defer(2);
  await Promise.resolve();
  outbox.defer(3);
  assertEquals(batches, []);
  await setImmediate();
  assertEquals(batches, [[1, 2, 3]]);
});

Deno.test("Outbox.defer() begins a new batch in each turn", async () => {
  const { outbox, batches } = sending();
  for (const message of [1, 2, 3]) {
    outbox.defer(message);
    await setImmediate();
  }
  assertEquals(batches, [[1], [2], [3]]);
});

Deno.test("Outbox.post() sends first what was deferred before", async () => {
  const { outbox, batches } = sending();
  outbox.defer(1);
  outbox.defer(2);
  outbox.post(3);
  assertEquals(batches, [[1, 2], [3]]);
  outbox.defer(4);
  assertEquals(batches, [[1, 2], [3]]);
  await setImmediate();
  assertEquals(batches, [[1, 2], [3], [4]]);
});

Deno.test("Outbox keeps the order of a thousand messages, however they are sent", async () => {
  const { outbox, batches } = sending();
  for (let message = 0; message < 1000; message++) {
    if (message % 7 === 0) outbox.post(message);
    else outbox.defer(message);
    if (message % 31 === 0) await setImmediate();
  }
  await setImmediate();
  assertEquals(batches.flat(), Array.from({ length: 1000 }, (_, message) => message));
});

Deno.test("Outbox.flush() sends what waits, and nothing twice", async () => {
  const { outbox, batches } = sending();
  outbox.flush();
  assertEquals(batches, []);
  outbox.defer(1);
  outbox.defer(2);
  outbox.flush();
  assertEquals(batches, [[1, 2]]);
  outbox.flush();
  await setImmediate();
  assertEquals(batches, [[1, 2]]);
});

Deno.test("Outbox.defer() from within a delivery is sent later, not lost", async () => {
  const batches: number[][] = [];
  const outbox: Outbox<number> = new Outbox((messages) => {
    batches.push(messages);
    if (messages.includes(1)) outbox.defer(2);
  });
  outbox.post(1);
  assertEquals(batches, [[1]]);
  await setImmediate();
  assertEquals(batches, [[1], [2]]);
  outbox.defer(1);
  await setImmediate();
  await setImmediate();
  assertEquals(batches, [[1], [2], [1], [2]]);
});

Deno.test("Outbox.post() of what cannot be cloned throws, and loses no other message", async () => {
  const sent: unknown[] = [];
  const outbox = new Outbox<unknown>((messages) => void sent.push(...structuredClone(messages)));
  outbox.defer(1);
  assertThrows(() => outbox.post(() => {}), DOMException);
  assertEquals(sent, [1]);
  outbox.post(2);
  await setImmediate();
  assertEquals(sent, [1, 2]);
});

Deno.test("Outbox.flush() keeps what it could not send", () => {
  const batches: number[][] = [];
  let is_full = true;
  const outbox = new Outbox<number>((messages) => {
    if (is_full) throw new RangeError("Maximum call stack size exceeded");
    batches.push([...messages]);
  });
  outbox.defer(1);
  assertThrows(() => outbox.flush(), RangeError);
  is_full = false;
  outbox.flush();
  outbox.flush();
  assertEquals(batches, [[1]]);
});

Deno.test("Outbox.last is what can still be added to: nothing that is sent, or being sent", async () => {
  const batches: string[] = [];
  const lasts: unknown[] = [];
  const outbox: Outbox<number[]> = new Outbox((messages) => {
    lasts.push(outbox.last);
    batches.push(JSON.stringify(messages));
  });
  assertEquals(outbox.last, undefined);
  outbox.defer([1]);
  outbox.last!.push(2);
  await setImmediate();
  assertEquals([batches, lasts, outbox.last], [["[[1,2]]"], [undefined], undefined]);
  outbox.post([3]);
  assertEquals(outbox.last, undefined);
});
