import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  AsyncResult,
  BrokenExecutor,
  CancelledError,
  Pool,
  Queue,
  ThreadPool,
  TimeoutError,
  WorkerDied,
} from "../../../concurrency/multiprocessing/mod.ts";
import * as tasks from "../../fixtures/tasks/tasks.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { is_pending, LONG, soon, turn, until } from "../../fixtures/tools/waiting.ts";

const module = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;

/** The numbers in a file. */
function noted(file: string): number[] {
  return Deno.readTextFileSync(file).trim().split("\n").map(Number);
}

const range = (count: number) => [...Array(count).keys()];
const doubled = (count: number) => range(count).map((n) => 2 * n);

/** What a callback was told, and whether there was only that. */
function callbacks() {
  const told: unknown[] = [];
  return {
    told,
    callback: (result: unknown) => void told.push(["result", result]),
    error_callback: (error: unknown) => void told.push(["error", String(error)]),
  };
}

/** What is printed while something runs. */
async function printed(work: () => Promise<void>): Promise<unknown[][]> {
  const lines: unknown[][] = [];
  const print = console.error;
  console.error = (...line) => void lines.push(line);
  try {
    await work();
  } finally {
    console.error = print;
  }
  return lines;
}

for (const PoolClass of [Pool, ThreadPool]) {
  const { name } = PoolClass;

  Deno.test(`${name}: apply() and starmap() (78)`, async () => {
    await using pool = new PoolClass(2, { module });
    assertEquals(await soon(pool.apply(tasks.product, [6, 7])), 42);
    assertEquals(typeof await soon(pool.apply(tasks.where)), "string");
    assertEquals(await soon(pool.starmap(tasks.product, [[1, 2], [3, 4]])), [2, 12]);
    assertEquals(await soon(pool.starmap(tasks.product, [[1, 2], [3, 4], [5, 6]], 2)), [2, 12, 30]);
    const later = pool.starmap_async(tasks.product, new Set([[2, 3]] as const), { chunksize: 5 });
    assertEquals(await soon(later.get()), [6]);
    await assertRejects(() => soon(pool.apply(tasks.fail, ["no"])), RangeError, "no");
  });

  Deno.test(`${name}: map() with all sizes of chunks (78)`, async () => {
    await using pool = new PoolClass(2, { module });
    for (const chunksize of [undefined, 1, 2, 7, 19, 20, 21, Infinity]) {
      assertEquals(await soon(pool.map(tasks.double, range(20), chunksize)), doubled(20));
    }
    for (const items of [[], [1]]) {
      assertEquals(await soon(pool.map(tasks.double, items)), items.map((n) => 2 * n));
    }
    function* some(): Generator<number> {
      yield* [1, 2, 3];
    }
    assertEquals(await soon(pool.map(tasks.double, some())), [2, 4, 6]);
    for (const chunksize of [0, -1, 1.5, NaN]) {
      await assertRejects(() => pool.map(tasks.double, [1], chunksize), RangeError, "chunksize");
      assertThrows(() => pool.map_async(tasks.double, [1], chunksize), RangeError, "chunksize");
      assertThrows(() => pool.imap(tasks.double, [1], chunksize), RangeError, "chunksize");
    }
  });

  Deno.test(`${name}: the default chunk is a quarter of the share of a worker (78)`, async () => {
    for (const [count, chunks] of [[8, 8], [9, 5], [81, 8]] as const) {
      await using pool = new PoolClass(2, { module, maxtasksperchild: 1 });
      // A worker for each chunk: so there are as many places as chunks.
      const places = await soon(pool.map(tasks.where_of, range(count)), LONG);
      assertEquals([count, new Set(places).size], [count, chunks]);
    }
  });

  Deno.test(`${name}: map() raises its first error, after all chunks ran`, async () => {
    await using folder = await TempFolder.make();
    const file = folder.join("noted");
    await using pool = new PoolClass(1, { module });
    const calls = range(9).map((n) => [file, n] as const);
    const error = await assertRejects(() => soon(pool.starmap(tasks.note_or_refuse, calls, 3)));
    assertInstanceOf(error, RangeError);
    assertEquals(error.message, "1 is refused");
    // The rest of a chunk is not called, as in Python.
    assertEquals(noted(file), [0, 1, 3, 4, 6, 7]);
  });

  Deno.test(`${name}: exactly one callback runs, before get() returns (79)`, async () => {
    await using pool = new PoolClass(2, { module });
    const cases = [
      [() => callbacks(), pool.apply_async, [tasks.double, [4]], ["result", 8]],
      [() => callbacks(), pool.map_async, [tasks.double, [1, 2], 1], ["result", [2, 4]]],
      [() => callbacks(), pool.starmap_async, [tasks.product, [[1, 2]], 1], ["result", [2]]],
      [() => callbacks(), pool.map_async, [tasks.double, [], 1], ["result", []]],
    ] as const;
    for (const [make, method, args, expected] of cases) {
      const { told, ...both } = make();
      const result = method.call(pool, ...args as unknown as [never, never], both as never);
      assertInstanceOf(result, AsyncResult);
      await soon(result.get());
      assertEquals(told, [expected]);
      assertEquals([result.ready(), result.successful()], [true, true]);
    }
    const { told, ...both } = callbacks();
    const failing = pool.map_async(tasks.refuse_threes, [1, 3], { chunksize: 1, ...both });
    await assertRejects(() => soon(failing.get()), RangeError, "3 is refused");
    assertEquals(told, [["error", "RangeError: 3 is refused"]]);
    assertEquals([failing.ready(), failing.successful()], [true, false]);
  });

  Deno.test(`${name}: get() waits for what a callback does; what it throws is printed (79)`, async () => {
    await using pool = new PoolClass(1, { module });
    const called = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const callback = () => {
      called.resolve();
      return gate.promise;
    };
    const slow = pool.apply_async(tasks.double, [1], { callback });
    await soon(called.promise);
    assertEquals(await is_pending(slow.get(), 50), true);
    assertEquals(slow.ready(), false);
    gate.resolve();
    assertEquals(await soon(slow.get()), 2);
    const error = new Error("of the callback");
    const lines = await printed(async () => {
      const callback = () => {
        throw error;
      };
      assertEquals(await soon(pool.apply_async(tasks.double, [2], { callback }).get()), 4);
    });
    assertEquals(lines.length, 1);
    assertStringIncludes(`${lines[0]}`, "A callback of a pool failed: Error: of the callback");
  });

  Deno.test(`${name}: a result that is not there yet (80)`, async () => {
    await using pool = new PoolClass(1, { module });
    using queue = new Queue<string>();
    const result = pool.apply_async(tasks.take, [queue]);
    assertThrows(() => result.successful(), RangeError, "not ready");
    await assertRejects(() => result.get(1), TimeoutError);
    await assertRejects(() => result.get({ timeout: 0 }), TimeoutError);
    await assertRejects(() => result.get(-1), RangeError);
    await assertRejects(() => result.wait(-1), RangeError);
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await assertRejects(() => result.get({ signal }), Error, "enough");
    assertEquals(await result.wait(1), undefined);
    assertEquals(result.ready(), false);
    await queue.put("a");
    await soon(result.wait());
    assertEquals([result.ready(), result.successful()], [true, true]);
    assertEquals(await result.get(0), "a");
  });

  Deno.test(`${name}: a failed result that nobody gets harms nobody`, async () => {
    await using pool = new PoolClass(1, { module });
    const result = pool.apply_async(tasks.fail, ["nobody gets this"]);
    await soon(result.wait());
    await turn();
    assertEquals(result.successful(), false);
  });

  for (const method of ["imap", "imap_unordered"] as const) {
    Deno.test(`${name}: ${method}() with all sizes of chunks (78)`, async () => {
      await using pool = new PoolClass(2, { module });
      for (const chunksize of [1, 2, 7, 20, 21, Infinity]) {
        const results = await soon(
          Array.fromAsync(pool[method](tasks.double, range(20), chunksize)),
        );
        if (method === "imap_unordered") results.sort((a, b) => a - b);
        assertEquals(results, doubled(20));
      }
      assertEquals(await soon(Array.fromAsync(pool[method](tasks.double, []))), []);
      async function* some(): AsyncGenerator<number> {
        yield 1;
        await turn();
        yield 2;
      }
      const sum = (await soon(Array.fromAsync(pool[method](tasks.double, some())))).toSorted();
      assertEquals(sum, [2, 4]);
    });

    for (const chunksize of [1, 3]) {
      Deno.test(`${name}: ${method}() reads no more than four chunks a worker ahead, chunksize ${chunksize} (81)`, async () => {
        await using pool = new PoolClass(2, { module });
        let [read, taken, most, is_left] = [0, 0, 0, false];
        function* endless(): Generator<number> {
          try {
            for (;;) {
              most = Math.max(most, ++read - taken);
              yield read;
            }
          } finally {
            is_left = true;
          }
        }
        for await (const _ of pool[method](tasks.double, endless(), chunksize)) {
          taken++;
          await turn();
          if (taken === 60) break;
        }
        assertEquals(most, 8 * chunksize);
        await soon(until(() => is_left));
        // Others have the workers now.
        assertEquals(await soon(pool.apply(tasks.double, [1])), 2);
      });
    }

    Deno.test(`${name}: ${method}(): an error harms no other result`, async () => {
      await using pool = new PoolClass(2, { module });
      const results = pool[method](tasks.refuse_threes, [1, 2, 3, 4, 5]);
      const outcomes: (number | string)[] = [];
      for (;;) {
        try {
          const { done, value } = await soon(results.next());
          if (done) break;
          outcomes.push(value);
        } catch (error) {
          outcomes.push((error as Error).message);
        }
      }
      if (method === "imap_unordered") outcomes.sort();
      const expected = [1, 2, "3 is refused", 4, 5];
      assertEquals(outcomes, method === "imap" ? expected : expected.toSorted());
    });

    Deno.test(`${name}: ${method}(): an error ends its chunk, and room comes for all others`, async () => {
      await using pool = new PoolClass(2, { module });
      const results = pool[method](tasks.refuse_threes, range(120), 3);
      for (let n = 0; n < 40; n++) await assertRejects(() => soon(results.next()), RangeError);
      assertEquals((await soon(results.next())).done, true);
    });

    Deno.test(`${name}: ${method}(): who leaves it cancels what was not begun`, async () => {
      await using pool = new PoolClass(1, { module });
      using told = new Queue<string>();
      using gate = new Queue<string>();
      const results = pool[method](tasks.tell_and_take, range(4).map(() => [told, gate] as const));
      await soon(told.get());
      await results.return?.();
      assertEquals((await soon(results.next())).done, true);
      for (let n = 0; n < 4; n++) await gate.put("go on");
      pool.close();
      await soon(pool.join());
      assertEquals(await told.qsize(), 0);
    });

    Deno.test(`${name}: ${method}(): an iterable that throws ends it, after the results before`, async () => {
      await using pool = new PoolClass(1, { module });
      function* items(): Generator<number> {
        yield 1;
        throw new RangeError("no more");
      }
      const results = pool[method](tasks.double, items());
      const outcomes = await soon(Promise.allSettled([0, 1, 2].map(() => results.next())));
      const told = outcomes.map((one) => one.status === "rejected" ? one.reason : one.value);
      if (method === "imap") assertEquals(told[0], { value: 2, done: false });
      assert(told.some((one) => one instanceof RangeError && one.message === "no more"));
      assertEquals(told[2], { value: undefined, done: true });
    });
  }

  Deno.test(`${name}: next(timeout) loses no value, of those who ask for others neither (81)`, async () => {
    await using pool = new PoolClass(1, { module });
    using queue = new Queue<string>();
    const results = pool.imap(tasks.take, [queue, queue, queue]);
    for (let n = 0; n < 3; n++) {
      await assertRejects(() => soon(results.next(1)), TimeoutError);
    }
    await assertRejects(() => results.next(-1), RangeError);
    const controller = new AbortController();
    const left = results.next({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => left, Error, "enough");
    const asked = [results.next(), results.next(100_000), results.next(), results.next()];
    for (const item of ["a", "b", "c"]) await queue.put(item);
    const given = await soon(Promise.all(asked));
    assertEquals(given.map(({ value }) => value), ["a", "b", "c", undefined]);
  });

  Deno.test(`${name}: imap() gives the order of the items, imap_unordered() that of the results`, async () => {
    await using pool = new PoolClass(2, { module });
    using gate = new Queue<string>();
    using told = new Queue<number>();
    const slow_first = [0, 1].map((n) => [n, gate, told] as const);
    const any = pool.imap_unordered(tasks.first_waits, slow_first);
    assertEquals((await soon(any.next())).value, 1);
    await gate.put("go on");
    assertEquals((await soon(any.next())).value, 0);
    const ordered = pool.imap(tasks.first_waits, slow_first);
    assertEquals([await soon(told.get()), await soon(told.get())], [1, 0]);
    assertEquals(await soon(told.get()), 1);
    await gate.put("go on");
    assertEquals(await soon(Array.fromAsync(ordered)), [0, 1]);
  });

  Deno.test(`${name}: close() and join(); join() before, and apply() after (82)`, async () => {
    const pool = new PoolClass(2, { module });
    await assertRejects(() => pool.join(), RangeError, "Pool is still running");
    const result = pool.apply_async(tasks.double, [1]);
    const results = pool.imap(tasks.double, range(30), 2);
    pool.close();
    pool.close();
    for (
      const call of [
        () => pool.apply_async(tasks.double, [1]),
        () => pool.map_async(tasks.double, [1]),
        () => pool.starmap_async(tasks.product, [[1, 2]]),
        () => pool.imap(tasks.double, [1]),
        () => pool.imap_unordered(tasks.double, [1]),
      ]
    ) assertThrows(call, Deno.errors.BadResource, "Pool not running");
    await assertRejects(() => pool.apply(tasks.double, [1]), Deno.errors.BadResource);
    await assertRejects(() => pool.map(tasks.double, [1]), Deno.errors.BadResource);
    await assertRejects(() => pool.starmap(tasks.product, [[1, 2]]), Deno.errors.BadResource);
    // All that was given to it is done, also what nobody has taken yet.
    await soon(pool.join());
    assertEquals(result.successful(), true);
    assertEquals(await soon(Array.fromAsync(results)), doubled(30));
  });

  /** What a pool of one worker was given in a block that is left while the first task loops. */
  const left_with_a_loop = async () => {
    await using pool = new PoolClass(1, { module });
    using queue = new Queue<string>();
    const looping = pool.apply_async(tasks.begin_loop, [queue]);
    const waiting = pool.map_async(tasks.double, range(4));
    const results = pool.imap(tasks.double, range(20));
    await soon(queue.get());
    return { looping, waiting, results };
  };

  Deno.test(`${name}: await using terminates, loops too (83)`, async () => {
    const { looping, waiting, results } = await left_with_a_loop();
    await assertRejects(() => looping.get(0), WorkerDied);
    await assertRejects(() => waiting.get(0), CancelledError);
    const outcomes = [];
    for (;;) {
      try {
        if ((await soon(results.next())).done) break;
      } catch (error) {
        outcomes.push((error as Error).name);
      }
    }
    assertEquals(outcomes, [...Array(4).fill("CancelledError"), "BadResource"]);
  });

  Deno.test(`${name}: terminate() after close() ends what join() waits for`, async () => {
    const pool = new PoolClass(2, { module });
    using queue = new Queue<string>();
    const looping = [1, 2].map(() => pool.apply_async(tasks.begin_loop, [queue]));
    const endless = pool.imap(tasks.double, {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
    });
    for (const _ of looping) await soon(queue.get());
    pool.close();
    const joined = pool.join();
    assertEquals(await is_pending(joined, 50), true);
    await soon(Promise.all([pool.terminate(), pool.terminate(), joined, pool.join()]));
    for (const result of looping) await assertRejects(() => result.get(0), WorkerDied);
    await assertRejects(() => endless.next(), Deno.errors.BadResource, "Pool not running");
    assertEquals((await endless.next()).done, true);
  });

  Deno.test(`${name}: terminate() at once, while workers start`, async () => {
    const pool = new PoolClass(2, { module });
    const result = pool.map_async(tasks.double, range(10));
    await soon(pool.terminate());
    await assertRejects(() => soon(result.get()));
    await soon(new PoolClass(2).terminate());
  });

  Deno.test(`${name}: each worker calls the initializer first; one that fails fails the tasks`, async () => {
    const initargs = ["good", "day"];
    await using pool = new PoolClass(1, { module, initializer: tasks.greet, initargs });
    assertEquals(await soon(pool.apply(tasks.greeting_here)), "good day");
    const refused = { module, initializer: tasks.refuse_to_start, initargs: [""] };
    await using other = new PoolClass(1, refused);
    await assertRejects(() => soon(other.map(tasks.double, range(3))), BrokenExecutor);
  });

  for (const maxtasksperchild of [1, 2]) {
    Deno.test(`${name}: maxtasksperchild ${maxtasksperchild}; a chunk is one task`, async () => {
      await using pool = new PoolClass(2, { module, maxtasksperchild });
      const places = await soon(pool.map(tasks.where_of, range(12), 2), LONG);
      const counts = [...Map.groupBy(places, (place) => place).values()];
      assert(counts.every(({ length }) => length <= 2 * maxtasksperchild), `${places}`);
    });
  }

  Deno.test(`${name}: a task that takes too long is ended, and no other`, async () => {
    await using pool = new PoolClass(1, { module, timeout: 300 });
    const looping = pool.apply_async(tasks.loop);
    const others = pool.map(tasks.double, range(10));
    await assertRejects(() => soon(looping.get()), TimeoutError);
    assertEquals(await soon(others), doubled(10));
  });

  Deno.test(`${name}: a lost worker makes its chunk fail, and no other`, async () => {
    await using pool = new PoolClass(2, { module });
    const results = pool.imap(tasks.exit_at_three, range(8), 2);
    const outcomes: unknown[] = [];
    for (;;) {
      try {
        const { done, value } = await soon(results.next());
        if (done) break;
        outcomes.push(value);
      } catch (error) {
        assertInstanceOf(error, WorkerDied);
        outcomes.push(error.exitcode);
      }
    }
    // The exit code in the place of 2 and 3.
    assertEquals(outcomes, [0, 1, 99, 4, 5, 6, 7]);
  });

  Deno.test(`${name}: what it cannot be told is refused`, async () => {
    assertThrows(() => new PoolClass(0), RangeError, "processes");
    assertThrows(() => new PoolClass(1, { maxtasksperchild: 0 }), RangeError, "maxtasksperchild");
    assertThrows(() => new PoolClass(1, { max_tasks: 1 } as never), TypeError, "max_tasks");
    assertThrows(() => new PoolClass(1, { initializer: 5 } as never), TypeError, "initializer");
    await using pool = new PoolClass(1, { module });
    const wrong = { callback: 5 } as never;
    assertThrows(() => pool.apply_async(tasks.double, [1], wrong), TypeError, "callback");
    assertThrows(() => pool.map_async(tasks.double, [1], 1, wrong), TypeError, "callback");
    assertThrows(() => pool.map_async(tasks.double, [1], { calback: 5 } as never), TypeError);
    for (
      const call of [
        () => pool.map_async((n: number) => n, []),
        () => pool.imap((n: number) => n, []),
        () => pool.apply_async(() => 1),
      ]
    ) assertThrows(call, TypeError, "without a name");
    for (
      const call of [pool.apply_async, (fn: never, args: never) => pool.starmap_async(fn, [args])]
    ) {
      assertThrows(
        () => call.call(pool, tasks.double as never, 1 as never),
        TypeError,
        "Cannot use args = 1: they must be an array",
      );
    }
    for (const items of [3, new ReadableStream()]) {
      const map = () => pool.map_async(tasks.double, items as never);
      assertThrows(map, TypeError, "it must be iterable");
    }
  });

  Deno.test(`${name}: a pool is no argument of a task`, async () => {
    await using pool = new PoolClass(1, { module });
    const error = await assertRejects(() => soon(pool.apply(tasks.same, [pool])), DOMException);
    assertEquals(error.name, "DataCloneError");
  });
}

Deno.test("types: wrong arguments do not compile", () => {
  const check = async (pool: Pool) => {
    const text = (n: number, word: string) => word.repeat(n);
    const later = (n: number) => Promise.resolve(String(n));
    const applied: string = await pool.apply(text, [1, "a"]);
    const result: AsyncResult<string> = pool.apply_async(later, [1], {
      callback: (word) => word.length,
    });
    const mapped: string[] = await pool.map(later, new Set([1, 2]));
    const starred: string[] = await pool.starmap(text, [[1, "a"], [2, "b"]]);
    const none: number = await pool.apply(() => 1);
    for await (const word of pool.imap(later, [1])) word satisfies string;
    // @ts-expect-error: the second argument is a string.
    await pool.apply(text, [1, 2]);
    // @ts-expect-error: it is missing.
    await pool.apply(text, [1]);
    // @ts-expect-error: so are both.
    await pool.apply(text);
    // @ts-expect-error: there are only two.
    pool.apply_async(text, [1, "a", 3]);
    // @ts-expect-error: the result is a string.
    pool.apply_async(later, [1], { callback: (n: number) => n });
    // @ts-expect-error: the items are strings.
    await pool.map(later, ["a"]);
    // @ts-expect-error: the second argument is missing.
    await pool.map(text, [1]);
    // @ts-expect-error: only imap() takes async iterables.
    await pool.map(later, (async function* () {})());
    // @ts-expect-error: the second item is a string.
    await pool.starmap(text, [[1, 2]]);
    // @ts-expect-error: the items are strings.
    pool.imap(later, ["a"]);
    // @ts-expect-error: they are chunks.
    pool.imap_unordered(later, [1], "5");
    // @ts-expect-error: it is no promise.
    pool.apply_async(later, [1]).then;
    return [applied, result, mapped, starred, none];
  };
  assert(typeof check === "function");
});
