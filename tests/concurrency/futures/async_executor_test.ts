import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async/delay";
import {
  AsyncExecutor,
  CancelledError,
  current_task,
  Full,
  type Future,
  type PoolEvent,
  ThreadPoolExecutor,
  TimeoutError,
  wait,
} from "../../../concurrency/futures/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { Lock } from "../../../concurrency/threading/mod.ts";
import * as tasks from "../../fixtures/tasks/tasks.ts";
import { soon, turn, until } from "../../fixtures/tools/waiting.ts";

Deno.test("AsyncExecutor: a hundred sleepers sleep at once", async () => {
  await using executor = new AsyncExecutor();
  let [now, most] = [0, 0];
  const sleep = async (ms: number) => {
    most = Math.max(most, ++now);
    await delay(ms);
    now--;
  };
  await soon(wait(Array.from({ length: 100 }, () => executor.submit(sleep, 20))));
  assertEquals(most, 100);
});

Deno.test("AsyncExecutor: no more than max_workers run at once, in the order of their priority", async () => {
  await using executor = new AsyncExecutor(1);
  const order: number[] = [];
  const note = async (n: number) => {
    await turn();
    order.push(n);
  };
  const futures = [executor.submit(note, 0)];
  for (const priority of [1, 3, 2, 3]) {
    futures.push(executor.with({ priority }).submit(note, priority));
  }
  await soon(wait(futures));
  assertEquals(order, [0, 3, 3, 2, 1]);
});

Deno.test("AsyncExecutor: beyond max_pending submit() throws Full, and room() waits for room", async () => {
  await using executor = new AsyncExecutor(1, { max_pending: 1 });
  const gate = Promise.withResolvers<void>();
  const running = executor.submit(() => gate.promise);
  const waiting = executor.submit(() => 1);
  assertThrows(() => executor.submit(() => 2), Full);
  await assertRejects(() => executor.room(5), TimeoutError);
  const rooms = [1, 2, 3].map(async (n) => {
    await executor.room();
    return await executor.submit(() => n);
  });
  gate.resolve();
  assertEquals(await soon(Promise.all([waiting, ...rooms])), [1, 1, 2, 3]);
  await running;
});

Deno.test("AsyncExecutor: a timeout aborts the task's signal, and its future rejects at once", async () => {
  await using executor = new AsyncExecutor(1, { timeout: 20 });
  const ended = Promise.withResolvers<unknown>();
  const future = executor.submit(() => {
    const { signal } = current_task();
    return new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => {
        ended.resolve(signal.reason);
        resolve();
      })
    );
  });
  const error = await assertRejects(() => soon(future.result()), TimeoutError, "longer than 20 ms");
  assertEquals(await soon(ended.promise), error);
  // A task's own timeout wins.
  assertEquals(await executor.with({ timeout: null }).submit(() => delay(40).then(() => 1)), 1);
});

Deno.test("AsyncExecutor: a task that does not listen is given up, with what it holds", async () => {
  await using executor = new AsyncExecutor(1);
  const lock = new Lock();
  const never = executor.with({ timeout: 10 }).submit(async () => {
    await lock.acquire();
    await new Promise(() => {});
  });
  await assertRejects(() => soon(never.result()), TimeoutError);
  const report = console.error;
  console.error = () => {};
  try {
    const next = executor.submit(async () => {
      using hold = await lock.hold();
      return hold.abandoned;
    });
    assertEquals(await soon(next.result()), true);
  } finally {
    console.error = report;
  }
});

Deno.test("AsyncExecutor: a signal cancels what waits and what runs, with its reason", async () => {
  await using executor = new AsyncExecutor(1);
  const controller = new AbortController();
  const settings = executor.with({ signal: controller.signal });
  const begun = Promise.withResolvers<void>();
  const running = settings.submit(() => {
    begun.resolve();
    return delay(20_000, { signal: current_task().signal }).catch(() => {});
  });
  const waiting = settings.submit(() => 1);
  await soon(begun.promise);
  const reason = new Error("no longer");
  controller.abort(reason);
  for (const future of [running, waiting, settings.submit(() => 2)]) {
    assertEquals(await future.exception(), reason);
  }
});

Deno.test("AsyncExecutor: after shutdown() nothing is taken; what was goes on, or is cancelled (71)", async () => {
  for (const cancel_futures of [false, true]) {
    const executor = new AsyncExecutor(1);
    const gate = Promise.withResolvers<number>();
    const running = executor.submit(() => gate.promise);
    await turn();
    const waiting = executor.submit(() => 2);
    const shut = executor.shutdown({ cancel_futures });
    assertThrows(() => executor.submit(() => 3), Deno.errors.BadResource);
    gate.resolve(1);
    assertEquals(await soon(running.result()), 1);
    if (cancel_futures) await assertRejects(() => waiting.result(), CancelledError);
    else assertEquals(await waiting, 2);
    await soon(shut);
    await soon(executor.shutdown());
  }
});

Deno.test("AsyncExecutor: a task that waits for a task of its own full executor gets it", async () => {
  await using executor = new AsyncExecutor(1);
  const depth = (n: number): Promise<number> =>
    n === 0 ? Promise.resolve(0) : executor.submit(depth, n - 1).result().then((d) => d + 1);
  assertEquals(await soon(executor.submit(depth, 5).result()), 5);
  const outer = executor.submit(async () => await executor.submit(() => "inner"));
  assertEquals(await soon(outer.result()), "inner");
});

Deno.test("AsyncExecutor: the observer is told of each start and one stop for each", async () => {
  const events: PoolEvent[] = [];
  {
    await using executor = new AsyncExecutor(1, { observer: (event) => void events.push(event) });
    const futures = [
      executor.submit(() => 1),
      executor.submit(() => Promise.reject(new Error())),
      executor.submit(() => 2),
    ];
    futures[2]!.cancel();
    await soon(wait(futures));
  }
  const stops = events.flatMap((event) =>
    event.type === "task.stop" ? [[event.task, event.outcome]] : []
  );
  assertEquals(stops.sort(), [[1, "done"], [2, "failed"], [3, "cancelled"]]);
  assertEquals(events.filter(({ type }) => type === "task.start").length, 3);
});

Deno.test("AsyncExecutor: info() counts", async () => {
  const executor = new AsyncExecutor(1);
  const gate = Promise.withResolvers<void>();
  executor.submit(() => gate.promise);
  executor.submit(() => 1);
  const { since } = executor.info();
  assert(since <= Date.now());
  const rest = { failed: 0, cancelled: 0, workers: [] };
  assertEquals(executor.info(), { since, waiting: 1, running: 1, done: 0, ...rest });
  gate.resolve();
  await executor.shutdown();
  assertEquals(executor.info(), { since, waiting: 0, running: 0, done: 2, ...rest });
});

Deno.test("AsyncExecutor: what cannot be is refused", () => {
  assertThrows(() => new AsyncExecutor(0), RangeError);
  assertThrows(() => new AsyncExecutor(1.5), RangeError);
  assertThrows(
    () => new AsyncExecutor({ max_workers: 2 } as never),
    RangeError,
    "{ max_workers: 2 }",
  );
  assertThrows(() => new AsyncExecutor(1, { timeout: -1 }), RangeError);
  assertThrows(() => new AsyncExecutor(1, { max_pending: -1 }), RangeError);
  assertThrows(() => new AsyncExecutor(1, { workers: 1 } as never), TypeError);
  const executor = new AsyncExecutor();
  assertThrows(() => executor.submit(1 as never), TypeError);
  assertThrows(() => executor.with({ chunksize: 0 }), RangeError);
  assertThrows(() => executor.with({ buffersize: 0 }), RangeError);
  assertThrows(() => executor.with({ retries: -1 }), RangeError);
  assertThrows(() => executor.with({ time: 1 } as never), TypeError);
});

Deno.test("AsyncExecutor: what a task leaves behind that is rejected goes to on_error", async () => {
  const told: unknown[] = [];
  await using executor = new AsyncExecutor(Infinity, {
    on_error: (error, future) => void told.push((error as Error).name, future),
  });
  const queue = new Queue<number>();
  const future = executor.submit(() => void queue.get_nowait());
  await future;
  await until(() => told.length > 0);
  assertEquals(told, ["Empty", future]);
});

Deno.test("AsyncExecutor: from another thread it cannot be used, nor what it would need there", async () => {
  const module = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;
  await using pool = new ThreadPoolExecutor(1, { module });
  await using executor = new AsyncExecutor();
  await assertRejects(
    () => soon(pool.submit(tasks.nested, executor, 1)),
    TypeError,
    "Cannot use an AsyncExecutor from elsewhere",
  );
  await assertRejects(
    () => soon(pool.submit(tasks.transfer_there, executor)),
    TypeError,
    "Cannot use transfer: the executor is in another thread",
  );
});

Deno.test("types: wrong arguments do not compile", () => {
  const executor = new AsyncExecutor();
  const repeat = (text: string, times?: number) => text.repeat(times ?? 2);
  const check = () => {
    const right: Future<string> = executor.submit(repeat, "a", 3);
    const awaited: Future<number> = executor.submit(() => Promise.resolve(1));
    executor.submit(repeat, "a");
    // @ts-expect-error: the first argument is a string.
    executor.submit(repeat, 1);
    // @ts-expect-error: it is missing.
    executor.submit(repeat);
    // @ts-expect-error: there are only two.
    executor.submit(repeat, "a", 1, 2);
    const results: AsyncIterableIterator<string> = executor.map(repeat, ["a"], [1]);
    // @ts-expect-error: the items are strings.
    executor.map(repeat, [1], [1]);
    return [right, awaited, results];
  };
  assert(typeof check === "function");
});
