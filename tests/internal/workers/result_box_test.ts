import { assert, assertEquals } from "@std/assert";
import { ResultBox } from "../../../internal/workers/result_box.ts";

/** Both sides of a box. */
function sides(): { pool: ResultBox; worker: ResultBox } {
  const pool = new ResultBox();
  return { pool, worker: new ResultBox(pool.memory) };
}

/** What the pool takes when so many messages have come. */
function taken(pool: ResultBox, received = 0): [number, unknown][] {
  const results: [number, unknown][] = [];
  pool.take(received, (job, value) => results.push([job, value]));
  return results;
}

Deno.test("ResultBox: what is put in comes out as it was, in its order, once", () => {
  const { pool, worker } = sides();
  const values = [undefined, null, true, false, 0, -0, NaN, 1.5, 2 ** 53, "", "\0", "ä\ud800🦕"];
  assertEquals(values.map((value, job) => worker.put(job, 0, value)), values.map(() => true));
  const results = taken(pool);
  assertEquals(results, [...values.entries()]);
  // assertEquals() takes -0 for 0.
  assert(results.every(([, value], job) => Object.is(value, values[job])));
  assertEquals(taken(pool), []);
});

Deno.test("ResultBox.put() refuses what is long, or no single value", () => {
  const { worker } = sides();
  const values = ["x".repeat(121), 1n, [], {}, Symbol.iterator, () => {}];
  assertEquals(values.map((value) => worker.put(1, 0, value)), values.map(() => false));
  assertEquals(worker.put(1, 0, "x".repeat(120)), true);
});

Deno.test("ResultBox.put() refuses what there is no place for, until some was taken", () => {
  const { pool, worker } = sides();
  let count = 0;
  while (worker.put(count, 0, count)) count++;
  assertEquals(count, 64);
  assertEquals(taken(pool).length, 64);
  for (let job = 0; job < 1000; job++) {
    assertEquals(worker.put(job, 0, `${job}`), true);
    assertEquals(taken(pool), [[job, `${job}`]]);
  }
});

Deno.test("ResultBox.take() leaves what was put in after a message that has not come", () => {
  const { pool, worker } = sides();
  worker.put(1, 4, "before");
  worker.put(2, 5, "after");
  assertEquals(taken(pool, 3), []);
  assertEquals(taken(pool, 4), [[1, "before"]]);
  assertEquals(taken(pool, 5), [[2, "after"]]);
});

Deno.test("ResultBox: the pool is called once, until it awaits the next call", () => {
  const { pool, worker } = sides();
  assertEquals([worker.must_call(), worker.must_call()], [true, false]);
  taken(pool);
  assertEquals(worker.must_call(), false);
  pool.await_call();
  assertEquals([worker.must_call(), worker.must_call()], [true, false]);
});
