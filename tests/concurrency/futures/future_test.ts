import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  AsyncExecutor,
  CancelledError,
  current_task,
  Future,
  InvalidStateError,
  TimeoutError,
} from "../../../concurrency/futures/mod.ts";
import { ODD_VALUES } from "../../fixtures/tools/odd_values.ts";
import { soon, turn, until } from "../../fixtures/tools/waiting.ts";

/** A future in each of its states. */
function in_each_state(): Record<string, Future<number>> {
  const [pending, running, cancelled, notified, finished, failed] = Array.from(
    { length: 6 },
    () => new Future<number>(),
  ) as [
    Future<number>,
    Future<number>,
    Future<number>,
    Future<number>,
    Future<number>,
    Future<number>,
  ];
  running.set_running_or_notify_cancel();
  cancelled.cancel();
  notified.cancel();
  notified.set_running_or_notify_cancel();
  finished.set_result(1);
  failed.set_exception(new RangeError("no"));
  return { pending, running, cancelled, notified, finished, failed };
}

Deno.test("Future: what it says in each state, and whether it can be cancelled (63)", () => {
  const told = Object.entries(in_each_state()).map(([name, future]) => [
    name,
    [future.cancelled(), future.running(), future.done()].map(Number).join(""),
    future.cancel(),
    future.cancelled(),
  ]);
  assertEquals(told, [
    ["pending", "000", true, true],
    ["running", "010", false, false],
    ["cancelled", "101", true, true],
    ["notified", "101", true, true],
    ["finished", "001", false, false],
    ["failed", "001", false, false],
  ]);
});

Deno.test("Future: the console shows its state", () => {
  const shown = Object.values(in_each_state()).map((future) => Deno.inspect(future));
  const states = ["pending", "running", "cancelled", "cancelled", "finished", "failed"];
  assertEquals(shown, states.map((state) => `<Future ${state}>`));
});

Deno.test("Future: callbacks are called in order, late ones at once; one that throws keeps none (64)", async () => {
  const calls: unknown[] = [];
  const future = new Future<number>();
  const printed: unknown[] = [];
  const print = console.error;
  console.error = (...args) => void printed.push(args.map((arg) => Deno.inspect(arg)));
  try {
    future.add_done_callback((done) => void calls.push([1, done === future]));
    future.add_done_callback(() => {
      throw new Error("a callback");
    });
    future.add_done_callback(() => Promise.reject(new Error("an async one")));
    // What cannot even be shown must not end the program.
    future.add_done_callback(() => Promise.reject(ODD_VALUES.revoked()));
    future.add_done_callback(() => void calls.push(2));
    assertEquals(calls, []);
    future.set_result(5);
    assertEquals(calls, [[1, true], 2]);
    future.add_done_callback(() => void calls.push(3));
    assertEquals(calls.at(-1), 3);
    await turn();
  } finally {
    console.error = print;
  }
  assertEquals(printed.length, 3);
});

Deno.test("Future: an outcome is set once, and not on one that was cancelled (65)", () => {
  const { cancelled, notified, finished, failed, running } = in_each_state();
  for (const future of [cancelled, notified, finished, failed]) {
    assertThrows(() => future!.set_result(2), InvalidStateError);
    assertThrows(() => future!.set_exception(new Error()), InvalidStateError);
  }
  assertThrows(() => running!.set_running_or_notify_cancel(), InvalidStateError);
  assertEquals(new Future<number>().set_running_or_notify_cancel(), true);
});

Deno.test("Future: result() and exception() have a timeout, and the future goes on (66)", async () => {
  const future = new Future<number>();
  await assertRejects(() => future.result(5), TimeoutError);
  await assertRejects(() => future.exception({ timeout: 0 }), TimeoutError);
  await assertRejects(() => future.result(-1), RangeError);
  const reason = new Error("enough");
  const controller = new AbortController();
  const aborted = future.result({ signal: controller.signal });
  controller.abort(reason);
  assertEquals(await assertRejects(() => aborted), reason);
  const waiting = future.result(20_000);
  future.set_result(3);
  assertEquals(await soon(waiting), 3);
  assertEquals(await future.exception(), null);
  const { failed, cancelled } = in_each_state();
  assertInstanceOf(await failed!.exception(), RangeError);
  await assertRejects(() => failed!.result(), RangeError);
  await assertRejects(() => cancelled!.result(), CancelledError);
  await assertRejects(() => cancelled!.exception(), CancelledError);
});

Deno.test("Future: it is a promise", async () => {
  const future = new Future<number>();
  const seen = Promise.all([future, future.then((n) => n + 1), future.finally(() => {})]);
  future.set_result(3);
  assertEquals(await soon(seen), [3, 4, 3]);
  const { failed, cancelled } = in_each_state();
  assertEquals(await failed!.catch((error) => error.message), "no");
  await assertRejects(async () => await cancelled!, CancelledError);
});

Deno.test("Future: a failure that nobody awaits harms nobody, and goes to on_error", async () => {
  const told: [unknown, unknown][] = [];
  const executor = new AsyncExecutor(null, {
    on_error: (error, future) => void told.push([(error as Error).message, future]),
  });
  const fail = (message: string) => Promise.reject(new Error(message));
  const unseen = executor.submit(fail, "unseen");
  const seen = executor.submit(fail, "seen");
  const called = executor.submit(fail, "called back");
  called.add_done_callback(() => {});
  await assertRejects(async () => await seen, Error, "seen");
  await soon(until(() => told.length > 0));
  await turn();
  assertEquals(told, [["unseen", unseen]]);
  // It can still be had.
  await assertRejects(() => unseen.result(), Error, "unseen");
  await executor.shutdown();
});

Deno.test("Future: cancel({ kill }) of what runs on this loop aborts its signal, and is done at once", async () => {
  await using executor = new AsyncExecutor(1);
  const begun = Promise.withResolvers<void>();
  const running = executor.submit(() => {
    begun.resolve();
    return new Promise((_resolve, reject) => {
      current_signal().addEventListener("abort", () => reject(current_signal().reason));
    });
  });
  await soon(begun.promise);
  assertEquals([running.running(), running.cancel()], [true, false]);
  assertEquals(running.cancel({ kill: true }), true);
  await assertRejects(() => running.result(), CancelledError);
  assertEquals(await soon(executor.submit(() => 7).result()), 7);
});

const current_signal = () => current_task().signal;

Deno.test("current_task(): outside of a task nothing aborts", () => {
  assert(!current_task().signal.aborted);
});
