import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as threading from "../../../concurrency/threading/mod.ts";

Deno.test("Lock: acquire, release, again", async () => {
  const lock = new threading.Lock();
  assertEquals(await lock.locked(), false);
  assertEquals(await lock.acquire(), true);
  assertEquals(await lock.locked(), true);
  assertEquals(await lock.acquire(false), false);
  lock.release();
  assertThrows(() => lock.release(), TypeError, "does not hold");
  assertEquals(await lock.acquire(false), true);
  lock.release();
  await assertRejects(() => lock.acquire(false, 1), RangeError);
});
