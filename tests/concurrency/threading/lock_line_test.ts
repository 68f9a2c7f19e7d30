/** How the tasks of one agent share a lock, with a lease that does what the test says. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Lease } from "../../../concurrency/threading/lease.ts";
import { type Held, LockLine } from "../../../concurrency/threading/lock_line.ts";
import { Task } from "../../../internal/shared/task.ts";
import { Wait } from "../../../internal/shared/wait.ts";
import { turn } from "../../fixtures/tools/waiting.ts";

/** A lease that is never free at once, and whose requests the test grants. */
class FakeLease implements Lease {
  readonly is_exact = false;
  is_wanted = false;
  readonly log: string[] = [];
  readonly requests: Wait<boolean | null>[] = [];

  take(): undefined {}

  request(timeout: number | null): Wait<boolean | null> {
    const wait = new Wait<boolean | null>();
    this.log.push(`request ${timeout}`);
    this.requests.push(wait);
    return wait;
  }

  give(abandoned: boolean): void {
    this.log.push(abandoned ? "give abandoned" : "give");
  }

  lost(): void {
    this.log.push("lost");
  }
}

/** A line, and what makes tasks take its lock. */
function line_with(lease: FakeLease) {
  const line = new LockLine(lease);
  const acquire = (timeout: number | null = null, task = new Task({})) =>
    line.acquire({ task, ends_with_task: true }, timeout);
  return { line, acquire };
}

Deno.test("LockLine: one request for all, and the lock goes from one to the next", async () => {
  const lease = new FakeLease();
  const { line, acquire } = line_with(lease);
  const waits = [acquire(), acquire(), acquire()];
  assertEquals(lease.log, ["request null"]);
  lease.requests[0]!.grant(false);
  for (const wait of waits) {
    assertEquals((await wait.promise)!.abandoned, false);
    assertEquals(line.holder !== undefined, true);
    line.release();
  }
  assertEquals(lease.log, ["request null", "give"]);
  assertEquals(line.release(), false);
});

Deno.test("LockLine: while another agent waits, it is not kept for long", async () => {
  const lease = new FakeLease();
  const { line, acquire } = line_with(lease);
  const waits = Array.from({ length: 100 }, () => acquire());
  lease.requests[0]!.grant(false);
  await turn();
  lease.is_wanted = true;
  let passed = 0;
  while (line.holder) {
    line.release();
    passed++;
  }
  assertEquals(passed <= 17, true, `${passed} had it`);
  assertEquals(lease.log, ["request null", "give", "request null"]);
  // Those who have not had it have not lost their place.
  lease.is_wanted = false;
  lease.requests[1]!.grant(false);
  await turn();
  assertEquals(waits[passed]!.is_over, true);
  while (line.release());
  assertEquals(waits.every(({ is_over }) => is_over), true);
});

Deno.test("LockLine: who comes while it is given away waits behind", async () => {
  const lease = new FakeLease();
  const { line, acquire } = line_with(lease);
  acquire();
  lease.requests[0]!.grant(false);
  await turn();
  line.release();
  assertEquals(lease.log, ["request null", "give"]);
  acquire();
  assertEquals(lease.log, ["request null", "give", "request null"]);
});

Deno.test("LockLine: when the last one leaves the line the request is cancelled", async () => {
  const lease = new FakeLease();
  const { acquire } = line_with(lease);
  const waits = [acquire(1), acquire()];
  assertEquals(await waits[0]!.promise, null);
  assertEquals(lease.requests[0]!.is_over, false);
  const gone = assertRejects(() => waits[1]!.promise, "no longer wanted");
  waits[1]!.cancel(new Error("no longer wanted"));
  await gone;
  assertEquals(lease.requests[0]!.is_over, true);
  // Who comes then asks anew.
  const next = acquire();
  assertEquals(lease.log, ["request null", "request null"]);
  lease.requests[1]!.grant(true);
  assertEquals((await next.promise)!.abandoned, true);
});

Deno.test("LockLine: what is granted when nobody waits any more goes back, as it came", async () => {
  for (const abandoned of [false, true]) {
    const lease = new FakeLease();
    let undone = 0;
    const { acquire } = line_with(lease);
    const wait = acquire();
    const gone = assertRejects(() => wait.promise);
    // Granted, and left before that is heard of.
    lease.requests[0]!.grant(abandoned, { undo: () => undone++ });
    wait.cancel(new Error("no longer wanted"));
    await gone;
    await turn();
    assertEquals([lease.log, undone], [["request null"], 1]);
  }
});

Deno.test("LockLine: what is tried once settles only who tried", async () => {
  const lease = new FakeLease();
  const { acquire } = line_with(lease);
  const once = acquire(0);
  const waits = acquire();
  assertEquals(lease.log, ["request 0"]);
  assertEquals(await acquire(0).promise, null);
  lease.requests[0]!.grant(null);
  assertEquals(await once.promise, null);
  assertEquals(lease.log, ["request 0", "request null"]);
  lease.requests[1]!.grant(false);
  assertEquals((await waits.promise)!.abandoned, false);
});

Deno.test("LockLine: who tries once and leaves takes nobody along", async () => {
  const lease = new FakeLease();
  const { acquire } = line_with(lease);
  const once = acquire(0);
  const waits = acquire();
  const gone = assertRejects(() => once.promise);
  once.cancel(new Error("no longer wanted"));
  await gone;
  lease.requests[0]!.grant(null);
  await turn();
  assertEquals([waits.is_over, lease.log], [false, ["request 0", "request null"]]);
  lease.requests[1]!.grant(false);
  assertEquals((await waits.promise)!.abandoned, false);
});

Deno.test("LockLine: a task that is given up loses the lock, the next one is told", async () => {
  const lease = new FakeLease();
  const { line, acquire } = line_with(lease);
  const [first, second] = [new Task({}), new Task({})];
  const held = acquire(null, first);
  const next = acquire(null, second);
  lease.requests[0]!.grant(false);
  const old: Held = (await held.promise)!;
  first.give_up(new Error("too long"));
  assertEquals((await next.promise)!.abandoned, true);
  old.release();
  assertEquals([line.holder !== undefined, lease.log], [true, ["request null", "lost"]]);
  second.give_up(new Error("too long"));
  assertEquals(lease.log, ["request null", "lost", "lost", "give abandoned"]);
  assertEquals(line.holder !== undefined, false);
});

Deno.test("LockLine: a request that fails rejects all who wait, and the next one asks anew", async () => {
  const lease = new FakeLease();
  const { acquire } = line_with(lease);
  const waits = [acquire(), acquire()];
  const gone = waits.map((wait) => assertRejects(() => wait.promise, Deno.errors.BadResource));
  lease.requests[0]!.reject(new Deno.errors.BadResource("withdrawn"));
  await Promise.all(gone);
  acquire();
  assertEquals(lease.log, ["request null", "request null"]);
});
