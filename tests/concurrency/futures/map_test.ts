import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async/delay";
import { AsyncExecutor } from "../../../concurrency/futures/mod.ts";
import { soon, turn } from "../../fixtures/tools/waiting.ts";

const all = <T>(results: AsyncIterable<T>) => soon(Array.fromAsync(results));

Deno.test("map: results in the order of the items, to the end of the shortest (67)", async () => {
  await using executor = new AsyncExecutor(3);
  const slow_first = async (n: number, word: string) => {
    await delay(20 - 5 * n);
    return `${word}${n}`;
  };
  assertEquals(await all(executor.map(slow_first, [0, 1, 2, 3], "abc")), ["a0", "b1", "c2"]);
  assertEquals(await all(executor.map(slow_first, [], "abc")), []);
});

Deno.test("map: an error comes in its place, and ends it (67)", async () => {
  await using executor = new AsyncExecutor();
  const results = executor.map((n: number) => {
    if (n === 2) throw new RangeError("two");
    return n;
  }, [0, 1, 2, 3]);
  assertEquals([(await results.next()).value, (await results.next()).value], [0, 1]);
  await assertRejects(() => results.next(), RangeError, "two");
  assertEquals((await results.next()).done, true);
});

Deno.test("map: async iterables, too; a slow one keeps no result back", async () => {
  await using executor = new AsyncExecutor();
  const gate = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<number> {
    yield 1;
    await gate.promise;
    yield 2;
  }
  const results = executor.map((n: number, m: number) => n * m, slow(), [10, 10]);
  assertEquals((await soon(results.next())).value, 10);
  gate.resolve();
  assertEquals(await all(results), [20]);
});

for (const chunksize of [1, 3]) {
  Deno.test(`map: over an endless generator it reads no more than buffersize ahead, chunksize ${chunksize} (68)`, async () => {
    await using executor = new AsyncExecutor();
    let [read, taken, most] = [0, 0, 0];
    function* endless(): Generator<number> {
      for (;;) {
        most = Math.max(most, ++read - taken);
        yield read;
      }
    }
    const { map } = executor.with({ buffersize: 8, chunksize });
    for await (const n of map((n: number) => n, endless())) {
      assertEquals(n, ++taken);
      await turn();
      if (taken === 100) break;
    }
    assertEquals(most, 8);
  });
}

Deno.test("map: nothing is read before the first result is asked for", async () => {
  await using executor = new AsyncExecutor();
  let read = 0;
  function* items(): Generator<number> {
    for (;;) yield ++read;
  }
  const results = executor.map((n: number) => n, items());
  await turn();
  assertEquals(read, 0);
  await results.return?.();
  assertEquals((await results.next()).done, true);
});

Deno.test("map: who leaves it cancels what was not begun, and leaves the iterables (67)", async () => {
  await using executor = new AsyncExecutor(1);
  let is_left = false;
  const begun: number[] = [];
  function* items(): Generator<number> {
    try {
      for (let n = 0;; n++) yield n;
    } finally {
      is_left = true;
    }
  }
  const results = executor.map(async (n: number) => {
    begun.push(n);
    await turn();
  }, items());
  for await (const _ of results) break;
  await soon(executor.shutdown());
  assert(is_left);
  assert(begun.length <= 2, `${begun}`);
});

Deno.test("map: an iterable that throws ends it there, after the results before", async () => {
  await using executor = new AsyncExecutor();
  function* items(): Generator<number> {
    yield 1;
    throw new RangeError("no more");
  }
  const results = executor.map((n: number) => n, items());
  assertEquals((await results.next()).value, 1);
  await assertRejects(() => results.next(), RangeError, "no more");
  const refused = "Cannot map over 5: it must be iterable; settings are told to with()";
  assertThrows(() => executor.map((n: number) => n, 5 as never), TypeError, refused);
});

Deno.test("map: it waits for room where max_pending bounds the tasks", async () => {
  await using executor = new AsyncExecutor(1, { max_pending: 2 });
  const results = executor.with({ buffersize: 50 }).map((n: number) => turn().then(() => n), [
    ...Array(20).keys(),
  ]);
  assertEquals(await all(results), [...Array(20).keys()]);
});

Deno.test("map: several who ask at once get one result each, in order", async () => {
  await using executor = new AsyncExecutor();
  const results = executor.map((n: number) => n, [1, 2, 3]);
  const asked = await soon(Promise.all(Array.from({ length: 4 }, () => results.next())));
  assertEquals(asked.map(({ value }) => value), [1, 2, 3, undefined]);
});

Deno.test("map: iterables that throw when they are left keep no call running, and no other iterable open", async () => {
  await using executor = new AsyncExecutor(1);
  let is_left = false;
  const throwing: Iterable<number> = {
    [Symbol.iterator]: () => ({
      next: () => ({ value: 1, done: false }),
      return() {
        throw new RangeError("left");
      },
    }),
  };
  function* other(): Generator<number> {
    try {
      for (;;) yield 1;
    } finally {
      is_left = true;
    }
  }
  const add = (n: number, m: number) => turn().then(() => n + m);
  const results = executor.map(add, throwing, other());
  assertEquals((await soon(results.next())).value, 2);
  await assertRejects(() => soon(results.return!()), RangeError, "left");
  assertEquals([is_left, (await results.next()).done], [true, true]);
  // What failed before is told, and not what came of leaving.
  const failing = executor.map((n: number) => Promise.reject(new TypeError(`${n}`)), throwing);
  await assertRejects(() => soon(failing.next()), TypeError, "1");
});

Deno.test("map: who waits for a result when it is left is told that there are no more", async () => {
  await using executor = new AsyncExecutor();
  const never: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
  };
  const results = executor.map((n: number) => n, never);
  const waiting = results.next();
  await turn();
  await results.return!();
  assertEquals((await soon(waiting)).done, true);
});

Deno.test("map: a later iterable that is at its end leaves the others, async ones, too", async () => {
  await using executor = new AsyncExecutor();
  const left: string[] = [];
  async function* numbers(name: string): AsyncGenerator<number> {
    try {
      for (let n = 1;; n++) yield n;
    } finally {
      left.push(name);
    }
  }
  const results = executor.map(
    (n: number, m: number, k: number) => n + m + k,
    numbers("first"),
    [10, 20],
    numbers("third"),
  );
  assertEquals(await all(results), [12, 24]);
  assertEquals(left, ["first", "third"]);
});

Deno.test("map: a result that comes when it is left is nobody's", async () => {
  await using executor = new AsyncExecutor();
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const results = executor.map(async (n: number) => {
    begun.resolve();
    await gate.promise;
    return n;
  }, [1]);
  const waiting = results.next();
  await soon(begun.promise);
  await results.return!();
  gate.resolve();
  assertEquals(await soon(waiting), { value: undefined, done: true });
});

Deno.test("map: what was read and had no room when it is left is not submitted", async () => {
  await using executor = new AsyncExecutor(1, { max_pending: 1 });
  const gate = Promise.withResolvers<void>();
  const seen: number[] = [];
  const busy = executor.submit(() => gate.promise);
  const other = executor.submit(() => {});
  const results = executor.map((n: number) => void seen.push(n), [1, 2]);
  const waiting = results.next();
  await turn();
  await results.return!();
  gate.resolve();
  await Promise.all([busy, other]);
  assertEquals(await soon(waiting), { value: undefined, done: true });
  await executor.shutdown();
  assertEquals([seen, executor.info().done], [[], 2]);
});

Deno.test("map: it ends with the error of an executor that is shut down meanwhile", async () => {
  const executor = new AsyncExecutor();
  const gate = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<number> {
    yield 1;
    await gate.promise;
    yield 2;
  }
  const results = executor.map((n: number) => n, slow());
  assertEquals((await soon(results.next())).value, 1);
  await executor.shutdown();
  gate.resolve();
  await assertRejects(() => soon(results.next()), Deno.errors.BadResource);
  assertEquals((await results.next()).done, true);
});
