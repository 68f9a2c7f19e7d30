/** Maps and tasks of any durations, failures, deaths and cancellations: what they give, and how often each ran. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { delay } from "@std/async/delay";
import fc from "fast-check";
import {
  AsyncExecutor,
  CancelledError,
  type Executor,
  ThreadPoolExecutor,
  TimeoutError,
  wait,
  WorkerDied,
} from "../../../concurrency/futures/mod.ts";
import { type Play, play } from "../../fixtures/tasks/tasks.ts";
import { LONG, soon } from "../../fixtures/tools/waiting.ts";

const module = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;

/** What an item's call does, and how long it takes. */
interface Item {
  what: Play;
  ms: number;
}

/** Items, most of which give their number. */
function items(bad: Play[], maxLength: number): fc.Arbitrary<Item[]> {
  const what = fc.oneof(
    { weight: 6 * bad.length, arbitrary: fc.constant<Play>("give") },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  );
  return fc.array(fc.record({ what, ms: fc.nat(4) }), { maxLength });
}

/** How a map goes over its items; `leaves` after so many results. */
const settings = fc.record({
  chunksize: fc.integer({ min: 1, max: 4 }),
  buffersize: fc.integer({ min: 1, max: 9 }),
  leaves: fc.option(fc.nat(8), { nil: Infinity, freq: 2 }),
});

type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

/** The error that comes in the place of what went wrong. */
const ERRORS = { fail: RangeError, exit: WorkerDied, loop: TimeoutError };

/** Maps over the items, and looks at all that it promises. */
async function check_map(executor: Executor, list: Item[], how: Settings): Promise<void> {
  const { chunksize, buffersize, leaves } = how;
  const counts = new SharedArrayBuffer(4 * list.length);
  const given: number[] = [];
  // One that is asked for counts as taken: it may be on its way.
  let [read, asked, ahead] = [0, 0, 0];
  function* numbers(): Generator<number> {
    for (const n of list.keys()) {
      ahead = Math.max(ahead, ++read - asked);
      yield n;
    }
  }
  const looping = list.some(({ what }) => what === "loop");
  const { map } = executor.with({ chunksize, buffersize, timeout: looping ? 500 : null });
  const results = map(
    play,
    list.map(() => counts),
    numbers(),
    list.map(({ what }) => what),
    list.map(({ ms }) => ms),
  );
  const error = await take(results, given, leaves, () => asked++);
  const is_left = given.length >= leaves;
  const place = list.findIndex(({ what }) => what !== "give");
  const end = place < 0 ? list.length : place;
  assertEquals(given, [...given.keys()]);
  assert(ahead <= buffersize, `${ahead} were read ahead`);
  if (!is_left) {
    // What a chunk gave before its worker ended is lost with it.
    assert(given.length <= end && given.length > end - chunksize, `${given.length} of ${end}`);
    if (list[end]?.what === "fail" || place < 0) assertEquals(given.length, end);
    if (place < 0) assertEquals(error, undefined);
    else assertInstanceOf(error, ERRORS[list[end]!.what as keyof typeof ERRORS]);
  }
  for (const [n, count] of new Int32Array(counts).entries()) {
    assert(n < given.length ? count === 1 : count <= 1, `${n} ran ${count} times`);
  }
}

/** Takes results until there are enough; gives the error that comes in their place. */
async function take(
  results: AsyncIterableIterator<number>,
  given: number[],
  enough: number,
  will_ask: () => void,
): Promise<unknown> {
  try {
    while (given.length < enough) {
      will_ask();
      const { value, done } = await results.next();
      if (done) return;
      given.push(value);
    }
    await results.return?.();
  } catch (error) {
    return error;
  }
}

Deno.test("AsyncExecutor: map() in order, whatever its calls do; each runs once (67, 68)", async () => {
  await fc.assert(
    fc.asyncProperty(
      items(["fail"], 25),
      settings,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(0, 2, Infinity),
      async (list, how, max_workers, max_pending) => {
        await using executor = new AsyncExecutor(max_workers, { max_pending });
        await soon(check_map(executor, list, how));
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("ThreadPoolExecutor: map() in order, whatever its calls do, also to their workers; each runs once (67, 68)", async () => {
  await using executor = new ThreadPoolExecutor(2, { module });
  await fc.assert(
    fc.asyncProperty(items(["fail", "exit", "loop"], 15), settings, async (list, how) => {
      await soon(check_map(executor, list, how), LONG);
    }),
    { numRuns: 15, endOnFailure: true },
  );
});

/** What is done with the future of an item, and when. */
const orders = fc.record({
  order: fc.constantFrom("none", "cancel", "kill"),
  after: fc.nat(15),
});

/** Submits the items, some of which are cancelled, and looks at what became of each. */
async function check_tasks(
  executor: Executor,
  list: Item[],
  fates: { order: string; after: number }[],
  retries: number,
): Promise<void> {
  const counts = new SharedArrayBuffer(4 * list.length);
  const { submit } = executor.with({ retries });
  const futures = list.map(({ what, ms }, n) => submit(play, counts, n, what, ms));
  const cancelled = await Promise.all(futures.map(async (future, n) => {
    const { order, after } = fates[n] ?? { order: "none", after: 0 };
    if (order === "none") return false;
    await delay(after);
    return future.cancel({ kill: order === "kill" });
  }));
  await wait(futures);
  for (const [n, future] of futures.entries()) {
    const { what } = list[n]!;
    const count = Atomics.load(new Int32Array(counts), n);
    assertEquals(future.cancelled(), cancelled[n], `${n}`);
    if (cancelled[n]) {
      const error = await future.exception().catch((error) => error);
      assertInstanceOf(error, CancelledError);
      const [order, most] = [fates[n]!.order, what === "exit" ? retries + 1 : 1];
      assert(
        count <= (order === "cancel" && what !== "exit" ? 0 : most),
        `${n} ran ${count} times`,
      );
      continue;
    }
    const error = await future.exception();
    if (what === "give") assertEquals([error, await future, count], [null, n, 1]);
    else assertInstanceOf(error, ERRORS[what]);
    assertEquals(count, what === "exit" ? retries + 1 : 1);
  }
}

for (const where of ["AsyncExecutor", "ThreadPoolExecutor"]) {
  const is_here = where === "AsyncExecutor";
  Deno.test(`${where}: tasks, some of which are cancelled or killed: each has its outcome, and ran once (63, F7, F8)`, async () => {
    await using executor = is_here ? new AsyncExecutor(2) : new ThreadPoolExecutor(2, { module });
    const lists = items(is_here ? ["fail"] : ["fail", "exit"], 12);
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.array(orders, { maxLength: 12 }),
        fc.nat(1),
        async (list, fates, retries) => {
          await soon(check_tasks(executor, list, fates, retries), LONG);
        },
      ),
      { numRuns: is_here ? 60 : 15, endOnFailure: true },
    );
  });
}
