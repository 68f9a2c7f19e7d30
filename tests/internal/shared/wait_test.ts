/** Waits at the home of what is waited for, and their lines. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Grant, Line, Wait } from "../../../internal/shared/wait.ts";
import { is_pending, SOON, soon } from "../../fixtures/tools/waiting.ts";

/** What became of a grant. */
function noting(): { grant: Grant; log: string[] } {
  const log: string[] = [];
  const grant = {
    undo: () => void log.push("undone"),
    received: () => void log.push("received"),
    refused: () => void log.push("refused"),
  };
  return { grant, log };
}

function line_of(count: number): { line: Line<string, number>; waits: Wait<string>[] } {
  const line = new Line<string, number>();
  const waits = Array.from({ length: count }, (_, at) => line.add(at, null, () => "late"));
  return { line, waits };
}

Deno.test("Wait: a grant is received, taken back or refused, once", () => {
  const ends: [name: string, end: (wait: Wait<number>) => void][] = [
    ["received", (wait) => wait.receive()],
    ["undone", (wait) => wait.undo()],
    ["undone", (wait) => wait.cancel("not wanted")],
    ["refused", (wait) => wait.refuse("cannot be sent")],
  ];
  for (const [first, end] of ends) {
    for (const [, again] of ends) {
      const { grant, log } = noting();
      const wait = Wait.granted(1, grant);
      assert(wait.is_over && wait.can_be_undone);
      // Who ends it does not take back what was granted.
      wait.end("too late");
      end(wait);
      again(wait);
      assertEquals(log, [first]);
      assert(!wait.can_be_undone);
    }
  }
});

Deno.test("Wait: what cannot be sent is taken back, unless told", () => {
  let undone = 0;
  Wait.granted(1, { undo: () => undone++ }).refuse("cannot be sent");
  assertEquals(undone, 1);
});

Deno.test("Wait: it is settled once, and whoever asks hears of it", async () => {
  const wait = new Wait<number>();
  const heard: number[] = [];
  wait.on_over(() => heard.push(1));
  const promise = wait.promise;
  wait.grant(1);
  wait.grant(2);
  wait.reject(new Error("too late"));
  wait.on_over(() => heard.push(2));
  assertEquals([heard, await promise, wait.value, wait.error], [[1, 2], 1, 1, undefined]);
  const failed = new Wait<number>();
  const reason = new Error("ended");
  failed.end(reason);
  failed.grant(1);
  assertEquals(failed.error, { reason });
  await assertRejects(() => failed.promise, Error, "ended");
});

Deno.test("Line: first come, first served; who leaves is passed over", () => {
  const { line, waits } = line_of(4);
  assertEquals([line.size, line.first?.[1]], [4, 0]);
  waits[0]!.cancel("not wanted");
  waits[2]!.end("not wanted");
  assertEquals([...line].map(([, at]) => at), [1, 3]);
  assertEquals(line.shift()?.[1], 1);
  assertEquals(line.clear(), [waits[3]]);
  assertEquals([line.size, line.first, line.shift()], [0, undefined, undefined]);
});

Deno.test("Line: a clock ends a wait, and one that was granted has none", async () => {
  const line = new Line<string, null>();
  let left = 0;
  const late = line.add(null, 5, () => "late", () => left++);
  const failing = line.add(null, 5, () => {
    throw new RangeError("late");
  });
  const granted = line.add(null, 5, () => "late", () => left++);
  granted.grant("in time");
  assertEquals(await soon(late.promise), "late");
  await assertRejects(() => soon(failing.promise), RangeError);
  assertEquals(await granted.promise, "in time");
  assertEquals(left, 1);
});

Deno.test("Line: a timeout that no timer can take is none", async () => {
  const line = new Line<string, null>();
  for (const timeout of [2 ** 31, 1e300, Infinity]) {
    const wait = line.add(null, timeout, () => "late");
    assert(await is_pending(wait.promise, 5));
    wait.end("not wanted");
    await wait.promise.catch(() => {});
  }
});

Deno.test("Line: who leaves is out of it, wherever they stand", () => {
  const line = new Line<void, number>();
  const waits = Array.from({ length: 6 }, (_, n) => line.add(n, null, () => {}));
  for (const n of [0, 3, 5]) waits[n]!.end(new Error("left"));
  waits[3]!.end(new Error("left again"));
  const numbers = () => [...line].map(([, n]) => n);
  assertEquals([numbers(), line.size, line.first?.[1]], [[1, 2, 4], 3, 1]);
  assertEquals([line.shift()?.[1], numbers()], [1, [2, 4]]);
  line.add(6, null, () => {});
  waits[1]!.end(new Error("left when it was taken out"));
  assertEquals([numbers(), line.size], [[2, 4, 6], 3]);
  assertEquals([line.clear().length, line.size, numbers(), line.shift()], [3, 0, [], undefined]);
  line.add(7, null, () => {});
  assertEquals(numbers(), [7]);
});

Deno.test("Line: of very many, each is taken out as quickly as of few", () => {
  const line = new Line<void, number>();
  const count = 300_000;
  for (let n = 0; n < count; n++) line.add(n, null, () => {});
  const start = performance.now();
  for (let n = 0; n < count; n++) assert(line.shift()?.[1] === n);
  assert(performance.now() - start < SOON);
});
