/** What is sent ahead to child processes: each task is run once, whatever becomes of the child. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  CancelledError,
  type Future,
  ProcessPoolExecutor,
  wait,
  WorkerDied,
} from "../../../concurrency/futures/mod.ts";
import * as tasks from "../../fixtures/tasks/tasks.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

const module = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;

const range = (count: number) => [...Array(count).keys()];

/** The numbers in a file, in order. */
function noted(file: string): number[] {
  return Deno.readTextFileSync(file).trim().split("\n").map(Number).sort((a, b) => a - b);
}

/** Has so many short tasks done that others are sent ahead then. */
async function warm_up(executor: ProcessPoolExecutor): Promise<void> {
  await soon(Promise.all(range(300).map((n) => executor.submit(tasks.double, n))));
}

/** Submits tasks until more than one is with the child: a busy machine may take too long for that. */
async function send_ahead<T>(
  executor: ProcessPoolExecutor,
  submit: (round: number) => Future<T>[],
): Promise<Future<T>[]> {
  for (let round = 0; round < 20; round++) {
    await warm_up(executor);
    const futures = submit(round);
    if (executor.info().workers.some(({ active }) => active > 2)) return futures;
    await soon(wait(futures));
  }
  throw new Error("Nothing was sent ahead");
}

async function outcomes(futures: Future<unknown>[]): Promise<unknown[]> {
  await soon(wait(futures));
  return await Promise.all(futures.map((future) => future.exception().catch((error) => error)));
}

Deno.test("sent ahead: a child that is killed in the middle of 50 tasks takes one with it", async () => {
  await using folder = await TempFolder.make();
  await using executor = new ProcessPoolExecutor(1, { module });
  let file = "";
  const futures = await send_ahead<unknown>(executor, (round) => {
    file = folder.join(`${round}`);
    return range(50).map((n) =>
      n === 10
        ? executor.submit(tasks.note_and_kill, file, n)
        : executor.submit(tasks.note, file, n, 0)
    );
  });
  const errors = await outcomes(futures);
  assertEquals(errors.flatMap((error, n) => error === null ? [] : [n]), [10]);
  assertInstanceOf(errors[10], WorkerDied);
  assertEquals(errors[10].signal, "SIGKILL");
  assertEquals(noted(file), range(50), "each was run once");
});

Deno.test("sent ahead: whenever a child is killed no task is run twice, and one is lost", async () => {
  await using folder = await TempFolder.make();
  await using executor = new ProcessPoolExecutor(2, { module });
  for (const round of range(5)) {
    const file = folder.join(`${round}`);
    await warm_up(executor);
    const futures = range(500).map((n) => executor.submit(tasks.note, file, n, 0));
    await soon(until(() => futures[50 * round + 20]!.done()));
    Deno.kill(executor.info().workers[0]!.pid!, "SIGKILL");
    const errors = await outcomes(futures);
    const lost = errors.flatMap((error, n) => error === null ? [] : [n]);
    assert(lost.length <= 1, `${lost.length} were lost`);
    for (const n of lost) assertInstanceOf(errors[n], WorkerDied);
    const numbers = noted(file);
    assertEquals(new Set(numbers).size, numbers.length, "none was run twice");
    assertEquals(new Set([...numbers, ...lost]).size, 500, "each was run");
  }
});

Deno.test("sent ahead: what was done before its child died is done, also where its result is long", async () => {
  await using folder = await TempFolder.make();
  await using executor = new ProcessPoolExecutor(1, { module });
  const file = folder.join("notes");
  await warm_up(executor);
  const before = range(20).map((n): Future<unknown> =>
    n % 3 === 0
      ? executor.submit(tasks.note_long, file, n, 300_000)
      : executor.submit(tasks.note, file, n, 0)
  );
  const dying = executor.submit(tasks.exit, 3);
  const after = range(20).map((n) => executor.submit(tasks.note, file, 20 + n, 0));
  assertEquals(await outcomes([...before, ...after]), range(40).map(() => null));
  assertInstanceOf(await dying.exception(), WorkerDied);
  assertEquals(noted(file), range(40));
});

Deno.test("sent ahead: what is behind a task that loops runs elsewhere, and only that one is lost", async () => {
  await using folder = await TempFolder.make();
  await using executor = new ProcessPoolExecutor(2, { module });
  const file = folder.join("notes");
  await warm_up(executor);
  const futures = range(50).map((n) =>
    executor.submit(tasks.note, file, n, n === 7 ? Infinity : 0)
  );
  const looping = futures[7]!;
  const others = futures.filter((future) => future !== looping);
  assertEquals(await outcomes(others), others.map(() => null));
  assertEquals([looping.done(), looping.cancel({ kill: true })], [false, true]);
  assertEquals(noted(file), range(50));
  assertEquals(await soon(executor.submit(tasks.double, 2).result()), 4);
});

for (const kill of [false, true]) {
  const how = kill ? "with kill" : "without kill";
  Deno.test(`sent ahead: one that is cancelled ${how} is never begun, and harms no other`, async () => {
    await using folder = await TempFolder.make();
    await using executor = new ProcessPoolExecutor(1, { module });
    let file = "";
    const futures = await send_ahead(executor, (round) => {
      file = folder.join(`${round}`);
      return range(10).map((n) => executor.submit(tasks.note, file, n, n === 0 ? 300 : 0));
    });
    const [worker] = executor.info().workers;
    const is_cancelled = futures[4]!.cancel({ kill });
    if (kill) assertEquals(is_cancelled, true);
    const errors = await outcomes(futures);
    assertEquals(errors.flatMap((error, n) => error === null ? [] : [n]), [4]);
    assertInstanceOf(errors[4], CancelledError);
    assertEquals(noted(file), range(10).filter((n) => n !== 4));
    assertEquals(executor.info().workers[0]!.pid, worker!.pid, "the child goes on");
  });
}

Deno.test("sent ahead: shutdown({ cancel_futures }) cancels it", async () => {
  await using folder = await TempFolder.make();
  const executor = new ProcessPoolExecutor(1, { module });
  let file = "";
  const futures = await send_ahead(executor, (round) => {
    file = folder.join(`${round}`);
    return range(10).map((n) => executor.submit(tasks.note, file, n, n === 0 ? 300 : 0));
  });
  await soon(executor.shutdown({ cancel_futures: true }));
  const errors = await outcomes(futures);
  assertEquals(errors.map((error) => error instanceof CancelledError), range(10).map((n) => n > 0));
  assertEquals(noted(file), [0]);
});

Deno.test("sent ahead: one with a higher priority goes before it", async () => {
  await using folder = await TempFolder.make();
  await using executor = new ProcessPoolExecutor(1, { module });
  let file = "";
  const futures = await send_ahead(executor, (round) => {
    file = folder.join(`${round}`);
    return range(10).map((n) => executor.submit(tasks.note, file, n, n === 0 ? 300 : 0));
  });
  futures.push(executor.with({ priority: 1 }).submit(tasks.note, file, 10, 0));
  assertEquals(await outcomes(futures), futures.map(() => null));
  const order = (await Deno.readTextFile(file)).trim().split("\n").map(Number);
  // The first may not have been begun.
  assert(order.indexOf(10) <= 1, `${order}`);
  assertEquals(order.filter((n) => n !== 10), range(10));
});
