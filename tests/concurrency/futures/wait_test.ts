import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ALL_COMPLETED,
  as_completed,
  AsyncExecutor,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  Future,
  type ReturnWhen,
  TimeoutError,
  wait,
} from "../../../concurrency/futures/mod.ts";
import { SOON, soon } from "../../fixtures/tools/waiting.ts";

function futures(count: number): Future<number>[] {
  return Array.from({ length: count }, () => new Future<number>());
}

/** Which of them are in a set, by their places. */
function places(all: Future<number>[], some: Set<Future<number>>): number[] {
  return [...some].map((future) => all.indexOf(future)).sort();
}

/** What `wait()` gives when futures end one after the other: 0 is cancelled, 1 fails, 2 gives a result. */
async function waited(return_when: ReturnWhen): Promise<number[]> {
  const all = futures(3);
  const waiting = wait([...all, all[0]!], { return_when });
  all[0]!.cancel();
  await Promise.resolve();
  all[1]!.set_exception(new Error());
  await Promise.resolve();
  const { done, not_done } = await soon(
    return_when === ALL_COMPLETED ? (all[2]!.set_result(2), waiting) : waiting,
  );
  assertEquals(done.size + not_done.size, 3);
  return places(all, done);
}

Deno.test("wait: for the first, the first that fails, or all; duplicates count once (69)", async () => {
  assertEquals((await waited(FIRST_COMPLETED)).includes(0), true);
  assertEquals(await waited(FIRST_EXCEPTION), [0, 1]);
  assertEquals(await waited(ALL_COMPLETED), [0, 1, 2]);
});

Deno.test("wait: what is done already, or was cancelled, is not waited for (69)", async () => {
  const all = futures(2);
  all[0]!.set_result(1);
  all[1]!.cancel();
  for (const when of [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED] as const) {
    const { done, not_done } = await soon(wait(all, null, when));
    assertEquals([done.size, not_done.size], [2, 0]);
  }
  const none = await soon(wait([] as Future<number>[]));
  assertEquals([none.done.size, none.not_done.size], [0, 0]);
});

Deno.test("wait: a timeout is no error; a wrong one is, and an unknown mode (69)", async () => {
  const all = futures(2);
  all[0]!.set_result(1);
  const { done, not_done } = await soon(wait(all, 5));
  assertEquals([places(all, done), places(all, not_done)], [[0], [1]]);
  await assertRejects(() => wait(all, -1), RangeError);
  const some = () => wait(all, null, "SOME" as ReturnWhen);
  await assertRejects(some, RangeError, "there are FIRST_COMPLETED");
  const promises = [Promise.resolve()] as never;
  await assertRejects(() => wait(promises), TypeError, "it must be a Future");
  assertThrows(() => as_completed(promises), TypeError, "it must be a Future");
  await assertRejects(() => wait(all, { signal: AbortSignal.abort(new Error("x")) }), Error, "x");
});

Deno.test("as_completed: each once, in the order in which they are done (70)", async () => {
  const all = futures(4);
  all[2]!.set_result(2);
  const order: number[] = [];
  const ending = (async () => {
    for await (const { future } of as_completed([...all, all[1]!])) order.push(all.indexOf(future));
  })();
  for (const at of [1, 3, 0]) {
    await Promise.resolve();
    if (at === 3) all[at]!.cancel();
    else all[at]!.set_result(at);
  }
  await soon(ending);
  assertEquals(order, [2, 1, 3, 0]);
});

Deno.test("as_completed: its timeout counts from the call, and says how many are unfinished (70)", async () => {
  const all = futures(2);
  all[0]!.set_result(1);
  const completed = as_completed(all, 10);
  assertEquals((await completed.next()).value?.future, all[0]);
  await assertRejects(() => completed.next(), TimeoutError, "1 (of 2) futures unfinished");
});

Deno.test("as_completed: futures that a shutdown cancels are done (70)", async () => {
  const executor = new AsyncExecutor(1);
  const gate = Promise.withResolvers<void>();
  const first = executor.submit(() => gate.promise);
  const others = [executor.submit(() => {}), executor.submit(() => {})];
  await executor.shutdown({ wait: false, cancel_futures: true });
  gate.resolve();
  const seen = [];
  for await (const { future } of as_completed([first, ...others])) seen.push(future.cancelled());
  assertEquals(seen.sort(), [false, true, true]);
  await soon(executor.shutdown());
});

Deno.test("as_completed: several who ask at once get one each, in order, and hear when it is left", async () => {
  const futures = Array.from({ length: 3 }, () => new Future<number>());
  const completed = as_completed(futures);
  const asked = Array.from({ length: 4 }, () => completed.next());
  for (const [at, future] of futures.entries()) future.set_result(at);
  const given = (await soon(Promise.all(asked))).map(({ value }) => value?.future);
  assertEquals(given, [...futures, undefined]);

  const left = as_completed([new Future()]);
  const waiting = [left.next(), left.next()];
  await left.return!();
  for (const next of waiting) assertEquals((await soon(next)).done, true);
});

Deno.test("as_completed: of very many futures, each takes as long as of few", async () => {
  const futures = new Set(Array.from({ length: 200_000 }, () => new Future<number>()));
  const completed = as_completed(futures);
  for (const future of futures) future.set_result(1);
  const start = performance.now();
  for await (const { future } of completed) futures.delete(future);
  assertEquals(futures.size, 0);
  assert(performance.now() - start < SOON);
});
