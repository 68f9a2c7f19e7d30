import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ClaimCounter } from "../../../internal/workers/claim_counter.ts";
import { SOON, soon } from "../../fixtures/tools/waiting.ts";

/** Both sides of a counter whose next claim is `next`. */
function sides(next = 0): { server: ClaimCounter; worker: ClaimCounter } {
  const server = new ClaimCounter();
  if (next !== 0) {
    // A recall is the only way to move on without issuing all of them.
    const jump = new ClaimCounter();
    jump.recall();
    Atomics.store(new Int32Array(server.memory), 0, next - jump.issue());
    server.recall();
  }
  return { server, worker: new ClaimCounter(server.memory) };
}

Deno.test("ClaimCounter.take() takes each claim once, in their order", () => {
  const { server, worker } = sides();
  const claims = [server.issue(), server.issue(), server.issue()];
  assertEquals(new Set(claims).size, 3);
  assertEquals(worker.take(claims[1]!), false, "not before the first");
  assertEquals(claims.map((claim) => worker.take(claim)), [true, true, true]);
  assertEquals(claims.map((claim) => worker.take(claim)), [false, false, false]);
});

Deno.test("ClaimCounter.open is how many claims were not taken yet", () => {
  const { server, worker } = sides();
  assertEquals(server.open, 0);
  const first = server.issue();
  server.issue();
  assertEquals(server.open, 2);
  worker.take(first);
  assertEquals(server.open, 1);
  server.recall();
  assertEquals(server.open, 0);
  server.issue();
  assertEquals(server.open, 1);
});

Deno.test("ClaimCounter.recall() makes void what was not taken", () => {
  const { server, worker } = sides();
  const [one, two, three] = [server.issue(), server.issue(), server.issue()];
  assert(worker.take(one));
  assertEquals(server.recall(), two);
  assertEquals([worker.take(two), worker.take(three)], [false, false]);
  const later = server.issue();
  assertEquals([worker.take(two), worker.take(three)], [false, false]);
  assertEquals(worker.take(later), true);
});

Deno.test("ClaimCounter.recall() with nothing open gives the next claim", () => {
  const { server, worker } = sides();
  assert(worker.take(server.issue()));
  const first = server.recall();
  const next = server.issue();
  assertNotEquals(next, first);
  assertEquals(worker.take(first), false);
  assertEquals(worker.take(next), true);
});

Deno.test("ClaimCounter goes on where its numbers wrap", () => {
  const { server, worker } = sides(2 ** 31 - 2);
  const claims: number[] = [];
  for (let count = 0; count < 4; count++) claims.push(server.issue());
  assertEquals(claims[0], 2 ** 31 - 2);
  assertEquals(server.open, 4);
  assertEquals(claims.slice(0, 3).map((claim) => worker.take(claim)), [true, true, true]);
  assertEquals(server.open, 1);
  assertEquals(server.recall(), claims[3]);
  assertEquals(worker.take(claims[3]!), false);
  assertEquals(server.open, 0);
  assertEquals(worker.take(server.issue()), true);
});

Deno.test("ClaimCounter knows which claims were taken", () => {
  const server = new ClaimCounter();
  const worker = new ClaimCounter(server.memory);
  const [first, second] = [server.issue(), server.issue()];
  worker.take(first);
  assertEquals([server.has_taken(first), server.has_taken(second)], [true, false]);
  server.recall();
  const third = server.issue();
  assertEquals([server.has_taken(third), worker.take(third)], [false, true]);
  assertEquals(server.has_taken(third), true);
});

Deno.test("ClaimCounter gives a claim to one side only, whenever it is recalled", async () => {
  const module = new URL("../../fixtures/programs/claim_taker.ts", import.meta.url);
  let interrupted = 0;
  for (let round = 0; round < 20 || (interrupted === 0 && round < 200); round++) {
    const issued = 200_000;
    const server = new ClaimCounter();
    for (let count = 0; count < issued; count++) server.issue();
    const worker = new Worker(module, { workerData: server.memory });
    await soon(once(worker, "message"));
    worker.postMessage(issued);
    const count = new Int32Array(server.memory);
    // In the middle of the worker's taking, somewhere else in each round.
    const start = performance.now();
    while (Atomics.load(count, 0) < 1 + round * 1000) {
      assert(performance.now() - start < SOON, "The worker takes no claims");
    }
    const first = server.recall();
    const [taken] = await soon(once(worker, "message"));
    assertEquals(taken, first);
    if (first < issued) interrupted++;
    await worker.terminate();
  }
  assert(interrupted > 0, "no recall came while claims were taken");
});

Deno.test("ClaimCounter.has_next() says whether there is a claim that was sent and not taken", () => {
  const { server, worker } = sides();
  assertEquals(worker.has_next(), false);
  const claim = server.issue();
  assertEquals(worker.has_next(), false, "it was not sent");
  server.announce();
  assertEquals(worker.has_next(), true);
  worker.take(claim);
  assertEquals(worker.has_next(), false);
  server.issue();
  server.announce();
  server.recall();
  assertEquals(worker.has_next(), false, "it was recalled");
});
