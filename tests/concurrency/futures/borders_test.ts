/** What a program may do to pools, and should not: it harms no other task. */
import { assert, assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import {
  AsyncExecutor,
  CancelledError,
  type Executor,
  type Future,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  wait,
  WorkerDied,
} from "../../../concurrency/futures/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import * as tasks from "../../fixtures/tasks/tasks.ts";
import { compute } from "../../fixtures/tasks/tasks.ts";
import { at_once } from "../../fixtures/tools/at_once.ts";
import { LONG, soon, until } from "../../fixtures/tools/waiting.ts";

const module = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;
const range = (count: number) => [...Array(count).keys()];

/** Has `console.error` keep what it is given while something is done; gives that. */
async function printed(work: (errors: unknown[]) => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const print = console.error;
  console.error = (...args) => void errors.push(...args);
  try {
    await work(errors);
  } finally {
    console.error = print;
  }
  return errors;
}

/** The first line of each; the stack follows. */
function first_lines(errors: unknown[]): string[] {
  return errors.map((error) => {
    const [line = "", next = ""] = String(error).split("\n");
    assertMatch(next, /^ {4}at /);
    return line;
  });
}

for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  const { name } = Executor;

  for (const ms of [0, 20]) {
    Deno.test(`${name}: what a task leaves behind that is rejected ${ms} ms after its end is printed, and harms no other (F8)`, async () => {
      await using executor = new Executor(1, { module });
      const errors = await printed(async (errors) => {
        const futures = range(10).map(() => executor.submit(tasks.leave_rejection, ms));
        assertEquals(await soon(Promise.all(futures)), Array(10).fill("done"));
        const next = executor.submit(tasks.where_later, 2 * ms);
        await soon(next.result());
        await soon(until(() => errors.length === 10));
      });
      assertEquals(first_lines(errors), Array(10).fill("RangeError: left behind"));
      assertEquals(executor.info().workers.length, 1);
    });
  }

  Deno.test(`${name}: shutdown() ends a worker with what a task left behind in it that never ends`, async () => {
    await at_once([tasks.leave_loop, tasks.loop_at_exit], ({ name }) => name, async (leave) => {
      const executor = new Executor(1, { module });
      assertEquals(await soon(executor.submit(leave).result()), "done");
      await soon(executor.shutdown());
      assertEquals(executor.info().workers, []);
    });
  });

  for (const end of ["exit", "deno_exit", "close_itself"] as const) {
    Deno.test(`${name}: a task that ends its worker by ${end}() is lost alone (F8)`, async () => {
      await using executor = new Executor(1, { module });
      const lost = end === "close_itself"
        ? executor.submit(tasks.close_itself)
        : executor.submit(tasks[end], 7);
      const others = range(5).map((n) => executor.submit(tasks.double, n));
      const error = await soon(lost.exception());
      assertInstanceOf(error, WorkerDied);
      assertEquals(error.exitcode, end === "close_itself" ? 0 : 7);
      assertEquals(await soon(Promise.all(others)), [0, 2, 4, 6, 8]);
    });
  }

  Deno.test(`${name}: cancel({ kill }) of a future of an executor that a task was given`, async () => {
    await using executor = new Executor(1, { module });
    await using there = new Executor(1, { module });
    using queue = new Queue<string>();
    const told = await soon(executor.submit(tasks.kill_there, there, queue).result());
    assertEquals(told, [true, false, true, true, true, "CancelledError"]);
    // What ran there has ended: there is one worker.
    assertEquals(await soon(there.submit(tasks.double, 4).result()), 8);
    assertEquals(there.info().running, 0);
  });

  Deno.test(`${name}: for a task that was given it, it is full, and shut down, as it is at home`, async () => {
    await using executor = new Executor(1, { module });
    await using there = new Executor(1, { module, max_pending: 0 });
    using queue = new Queue<string>();
    const told = await soon(executor.submit(tasks.fill_there, there, queue).result());
    assertEquals(told, ["Full", "BadResource"]);
    // Others use it all the same.
    await soon(there.room());
    assertEquals(await soon(there.submit(tasks.double, 2).result()), 4);
  });

  Deno.test(`${name}: its timeout holds for what tasks submit to it, too`, async () => {
    await using executor = new Executor(1, { module });
    await using there = new Executor(1, { module, timeout: 200 });
    assertEquals(await soon(executor.submit(tasks.loop_there, there).result()), "TimeoutError");
  });

  Deno.test(`${name}: tasks of several executors that wait for each other get workers`, async () => {
    await using one = new Executor(1, { module });
    await using two = new ThreadPoolExecutor(1, { module });
    using never = new Queue<number>();
    await using third = new ThreadPoolExecutor(1, { module });
    const unrelated = third.submit(tasks.take_one, never);
    assertEquals(await soon(one.submit(tasks.to_and_fro, two, one, 5).result(), LONG), 5);
    await never.put(1);
    await unrelated;
  });

  Deno.test(`${name}: where tasks wait for another executor that goes on, there are no more workers`, async () => {
    await using one = new Executor(1, { module });
    await using two = new ThreadPoolExecutor(1, { module });
    using queue = new Queue<number>();
    const futures = range(5).map(() => one.submit(tasks.wait_there, two, queue));
    await soon(until(() => two.info().running === 1));
    assertEquals([one.info().running, one.info().workers.length], [1, 1]);
    for (const n of range(5)) await queue.put(n);
    assertEquals(new Set(await soon(Promise.all(futures))), new Set(range(5)));
  });

  Deno.test(`${name}: a program that is busy when a task must end kills no worker that listens`, async () => {
    await using executor = new Executor(1, { module });
    await executor.submit(tasks.double, 1);
    const ids = executor.info().workers.map(({ id }) => id);
    const errors = await printed(async () => {
      for (let n = 0; n < 3; n++) {
        const heeding = executor.submit(tasks.end_when_told);
        await soon(until(() => heeding.running()));
        heeding.cancel({ kill: true });
        await Promise.resolve();
        compute(400);
        await soon(executor.submit(tasks.double, 1).result());
      }
    });
    assertEquals([errors, executor.info().workers.map(({ id }) => id)], [[], ids]);
  });

  Deno.test(`${name}: large arguments and results`, async () => {
    await using executor = new Executor(1, { module });
    const result = await soon(executor.submit(tasks.bytes, 32 << 20).result());
    assertEquals([result.length, result.at(-1)], [32 << 20, 7]);
    assertEquals(await soon(executor.submit(tasks.byte_length, result.buffer).result()), 32 << 20);
  });
}

Deno.test("ThreadPoolExecutor: a task behind a loop that another one left behind runs elsewhere, once (F7)", async () => {
  await using executor = new ThreadPoolExecutor(1, { module });
  const counts = new SharedArrayBuffer(4);
  const errors = await printed(async () => {
    assertEquals(await soon(executor.submit(tasks.leave_loop).result()), "done");
    // So that the loop is there before.
    compute(50);
    assertEquals(await soon(executor.submit(tasks.play, counts, 0, "give", 0).result()), 0);
  });
  assertEquals(new Int32Array(counts)[0], 1);
  assertEquals(first_lines(errors), [
    "Error: A worker took no task any more: what an earlier one left behind does not let go",
  ]);
});

/** An executor of each kind, with one worker. */
const KINDS: Record<string, () => Executor> = {
  AsyncExecutor: () => new AsyncExecutor(1),
  ThreadPoolExecutor: () => new ThreadPoolExecutor(1, { module }),
  ProcessPoolExecutor: () => new ProcessPoolExecutor(1, { module }),
};

for (const [name, make] of Object.entries(KINDS)) {
  /** Submits fifty tasks, and does something when the first is done; gives all. */
  const fifty = async (
    when_done: (executor: Executor, futures: Future<number>[]) => unknown,
  ): Promise<Future<number>[]> => {
    await using executor = make();
    const futures = range(50).map((n) => executor.submit(tasks.double, n));
    futures[0]!.add_done_callback(() => void when_done(executor, futures));
    await soon(wait(futures));
    return futures;
  };

  Deno.test(`${name}: futures are cancelled in a callback`, async () => {
    const futures = await fifty((_, futures) => futures.forEach((future) => future.cancel()));
    assertEquals([futures[0]!.cancelled(), futures[49]!.cancelled()], [false, true]);
  });

  Deno.test(`${name}: it is shut down in a callback, and its tasks cancelled`, async () => {
    const futures = await fifty((executor) => executor.shutdown({ cancel_futures: true }));
    assertEquals([futures[0]!.cancelled(), futures[49]!.cancelled()], [false, true]);
  });

  Deno.test(`${name}: its workers are terminated in a callback`, async () => {
    const futures = await fifty((executor) => executor.terminate_workers());
    assertEquals([futures[0]!.cancelled(), futures[49]!.cancelled()], [false, true]);
  });

  Deno.test(`${name}: tasks are submitted in callbacks`, async () => {
    await using executor = make();
    const all = Promise.withResolvers<number>();
    let sum = 0;
    const next = (n: number) => {
      if (n === 300) return all.resolve(sum);
      const future = executor.submit(tasks.double, n);
      future.add_done_callback(async () => {
        sum += await future;
        next(n + 1);
      });
    };
    next(0);
    assertEquals(await soon(all.promise), 300 * 299);
  });

  Deno.test(`${name}: it is shut down in any state, several times, and terminated, too`, async () => {
    const unused = make();
    await soon(Promise.all([unused.shutdown(), unused.terminate_workers(), unused.shutdown()]));
    const starting = make();
    const future = starting.submit(tasks.double, 1);
    void starting.shutdown(false);
    await soon(Promise.all([starting.shutdown(), starting.shutdown(true)]));
    assertEquals(await future, 2);
    const ended = make();
    const lost = ended.submit(tasks.double, 1);
    const waiting = ended.submit(tasks.double, 2);
    await soon(Promise.all([ended.terminate_workers(), ended.terminate_workers()]));
    await soon(wait([lost, waiting]));
    assert(waiting.cancelled());
    const withdrawn = make();
    const [running, cancelled] = range(2).map((n) => withdrawn.submit(tasks.where_later, n));
    withdrawn[Symbol.dispose]();
    assertThrows(() => withdrawn.submit(tasks.double, 1), Deno.errors.BadResource);
    await soon(wait([running!, cancelled!]));
    await soon(withdrawn.shutdown());
    assertInstanceOf(await cancelled!.exception().catch((error) => error), CancelledError);
  });

  Deno.test(`${name}: many tasks at once, half of them cancelled`, async () => {
    await using executor = make();
    const count = name === "AsyncExecutor" ? 100_000 : 20_000;
    const futures = range(count).map((n) => executor.submit(tasks.double, n));
    const half = futures.filter((future, n) => n % 2 && future.cancel());
    const { done } = await soon(wait(futures), LONG);
    assertEquals(done.size, count);
    assert(half.length > count / 3 && half.every((future) => future.cancelled()));
    assertEquals(await futures[count - 2], 2 * (count - 2));
  });
}
