import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  as_completed,
  BrokenExecutor,
  CancelledError,
  Full,
  type Future,
  ProcessPoolExecutor,
  type TaskOptions,
  ThreadPoolExecutor,
  TimeoutError,
  wait,
  WorkerDied,
} from "../../../concurrency/futures/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { Lock } from "../../../concurrency/threading/mod.ts";
import { Program } from "../../fixtures/programs/programs.ts";
import * as tasks from "../../fixtures/tasks/tasks.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";
import { LONG, soon, until } from "../../fixtures/tools/waiting.ts";

const module = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;

/** A module that goes wrong when it is loaded. */
function at_load(what: "throws" | "ends"): string {
  return new URL(`../../fixtures/tasks/${what}_at_load.ts`, import.meta.url).href;
}

/** The numbers in a file, in order. */
function noted(file: string): number[] {
  return Deno.readTextFileSync(file).trim().split("\n").map(Number).sort((a, b) => a - b);
}

/** Whether anything was noted in a file. */
function is_there(file: string): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    return false;
  }
}

const range = (count: number) => [...Array(count).keys()];

for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  const { name } = Executor;

  Deno.test(`${name}: results, of many tasks`, async () => {
    await using executor = new Executor(2, { module });
    const futures = range(200).map((n) => executor.submit(tasks.double, n));
    assertEquals(await soon(Promise.all(futures)), range(200).map((n) => 2 * n));
    const { done, running, waiting, failed, workers } = executor.info();
    assertEquals([done, running, waiting, failed], [200, 0, 0, 0]);
    assert(workers.length <= 2 && workers.every(({ age }) => age >= 0));
    assertEquals(workers.every(({ pid }) => pid !== undefined), Executor === ProcessPoolExecutor);
  });

  Deno.test(`${name}: an idle worker is taken before a new one is started (74)`, async () => {
    await using executor = new Executor(2, { module });
    const places = new Set<string>();
    for (let n = 0; n < 5; n++) places.add(await soon(executor.submit(tasks.where).result()));
    assertEquals([places.size, executor.info().workers.length], [1, 1]);
  });

  Deno.test(`${name}: errors keep their class, stack and cause (75)`, async () => {
    await using executor = new Executor(1, { module });
    const error = await soon(executor.submit(tasks.fail, "no").exception()) as RangeError;
    assertInstanceOf(error, RangeError);
    assertEquals(error.message, "no");
    assert(error.stack?.includes("tasks.ts"), error.stack);
    assertInstanceOf(error.cause, TypeError);
    assertInstanceOf(await executor.submit(tasks.fail_by_timeout).exception(), TimeoutError);
  });

  Deno.test(`${name}: functions that workers cannot find are refused (76, 77)`, async () => {
    await using executor = new Executor(1, { module });
    assertThrows(
      () => executor.submit(() => 1),
      TypeError,
      "without a name in another thread or process: give it a name, and export it from its module; " +
        "or take AsyncExecutor, which runs any function on this event loop",
    );
    assertThrows(() => executor.submit(tasks.double.bind(null), 1), TypeError, "bound double");
    const closure = () => executor;
    const namesake = () => "another one";
    for (const fn of [closure, namesake] as (() => unknown)[]) {
      const error = await soon(executor.submit(fn).exception()) as Error;
      assertInstanceOf(error, TypeError);
      assertEquals(
        error.message,
        `Cannot find the function ${fn.name} in a worker: ${module} does not export it; export it, ` +
          `or say where it is with ${fn.name}.module = import.meta.url, ` +
          "or to the executor with { module: import.meta.url }",
      );
    }
    assertEquals(await executor.submit(tasks.renamed), "found by its own name");
    assertEquals(await executor.submit(tasks.default), "the default one");
  });

  Deno.test(`${name}: a function's own module goes before the executor's (77)`, async () => {
    await using executor = new Executor(1, { module: import.meta.url });
    const placed = Object.assign(tasks.greeting_here, { module });
    try {
      assertEquals(await soon(executor.submit(placed).result()), "none");
    } finally {
      Reflect.deleteProperty(placed, "module");
    }
  });

  Deno.test(`${name}: each worker calls the initializer first (72)`, async () => {
    await using executor = new Executor(2, {
      module,
      initializer: tasks.greet,
      initargs: ["good", "day"],
    });
    const futures = range(4).map(() => executor.submit(tasks.greeting_here));
    assertEquals(new Set(await soon(Promise.all(futures))), new Set(["good day"]));
  });

  Deno.test(`${name}: an argument of the initializer that cannot be sent is refused at once`, () => {
    const is_process = Executor === ProcessPoolExecutor;
    for (const value of [Promise.resolve(), ...is_process ? [new SharedArrayBuffer(1)] : []]) {
      assertThrows(
        () => new Executor(1, { module, initializer: tasks.greet, initargs: ["good", value] }),
        DOMException,
        "Cannot pass argument 2 of the initializer: #<",
      );
    }
  });

  Deno.test(`${name}: where the initializer fails tasks fail, until it works (72)`, async () => {
    await using folder = await TempFolder.make();
    const file = folder.join("there");
    await using executor = new Executor(1, {
      module,
      initializer: tasks.refuse_to_start,
      initargs: [file],
    });
    const futures = range(3).map((n) => executor.submit(tasks.double, n));
    for (const future of futures) {
      const error = await soon(future.exception()) as BrokenExecutor;
      assertInstanceOf(error, BrokenExecutor);
      assertInstanceOf(error.cause, Deno.errors.NotFound);
    }
    await Deno.writeTextFile(file, "");
    assertEquals(await soon(executor.submit(tasks.double, 4).result()), 8);
  });

  Deno.test(`${name}: where the initializer fails later, tasks wait until it works again (72)`, async () => {
    await using folder = await TempFolder.make();
    const file = folder.join("there");
    await Deno.writeTextFile(file, "");
    await using executor = new Executor(1, {
      module,
      initializer: tasks.refuse_to_start,
      initargs: [file],
      max_tasks_per_child: 1,
    });
    const reports: unknown[] = [];
    const report = console.error;
    console.error = (error) => void reports.push(error);
    try {
      assertEquals(await soon(executor.submit(tasks.double, 1).result()), 2);
      await Deno.remove(file);
      const waiting = executor.submit(tasks.double, 2);
      await soon(until(() => reports.length > 0));
      assertEquals(waiting.done(), false);
      await Deno.writeTextFile(file, "");
      assertEquals(await soon(waiting.result()), 4);
    } finally {
      console.error = report;
    }
    assertEquals(reports.map((error) => /^NotFound: .*\n {4}at /.test(`${error}`)), [true]);
  });

  for (const max_tasks_per_child of [1, 2]) {
    Deno.test(`${name}: max_tasks_per_child ${max_tasks_per_child}, with a backlog (73)`, async () => {
      await using executor = new Executor(2, { module, max_tasks_per_child });
      const futures = range(8).map(() => executor.submit(tasks.where));
      const counts = Map.groupBy(await soon(Promise.all(futures), LONG), (place) => place);
      for (const runs of counts.values()) assert(runs.length <= max_tasks_per_child);
    });
  }

  Deno.test(`${name}: max_pending, and room()`, async () => {
    await using executor = new Executor(1, { module, max_pending: 1 });
    const futures = [0, 1].map((n) => executor.submit(tasks.double, n));
    assertThrows(() => executor.submit(tasks.double, 2), Full);
    await soon(executor.room());
    futures.push(executor.submit(tasks.double, 2));
    assertEquals(await soon(Promise.all(futures)), [0, 2, 4]);
  });

  Deno.test(`${name}: after shutdown() nothing is taken, what was submitted runs (71)`, async () => {
    const executor = new Executor(1, { module });
    const future = executor.submit(tasks.double, 1);
    const shut = executor.shutdown();
    assertThrows(() => executor.submit(tasks.double, 2), Deno.errors.BadResource);
    assertEquals(await soon(future.result()), 2);
    await soon(shut);
    assertEquals(executor.info().workers, []);
  });

  Deno.test(`${name}: shutdown({ cancel_futures }) cancels what was not begun (71)`, async () => {
    const executor = new Executor(1, { module });
    const first = executor.submit(tasks.where_later, 20);
    await soon(until(() => first.running()));
    const others = range(3).map((n) => executor.submit(tasks.double, n));
    await soon(executor.shutdown({ cancel_futures: true }));
    assert(first.done() && !first.cancelled());
    assertEquals(others.map((future) => future.cancelled()), [true, true, true]);
  });

  Deno.test(`${name}: cancel() takes back what was not begun; kill ends what was (63)`, async () => {
    await using executor = new Executor(1, { module });
    const looping = executor.submit(tasks.loop);
    const waiting = executor.submit(tasks.double, 1);
    const next = executor.submit(tasks.double, 2);
    await soon(until(() => looping.running()));
    assertEquals([looping.cancel(), waiting.cancel(), waiting.running()], [false, true, false]);
    assertEquals(looping.cancel({ kill: true }), true);
    await assertRejects(() => soon(looping.result()), CancelledError);
    assertEquals(await soon(next.result()), 4);
  });

  Deno.test(`${name}: a looping task is ended at its timeout; others run once each (F7)`, async () => {
    await using folder = await TempFolder.make();
    const file = folder.join("noted");
    await using executor = new Executor(2, { module, timeout: 300 });
    const futures = range(100).map((n) =>
      executor.submit(tasks.note, file, n, n === 20 || n === 50 ? Infinity : 0)
    );
    const { done } = await soon(wait(futures), LONG);
    assertEquals(done.size, 100);
    const errors = await Promise.all(futures.map((future) => future.exception()));
    const failed = range(100).filter((n) => errors[n] !== null);
    assertEquals(failed, [20, 50]);
    for (const n of failed) assertInstanceOf(errors[n], TimeoutError);
    const others = range(100).filter((n) => errors[n] === null);
    assertEquals(await Promise.all(others.map((n) => futures[n])), others);
    assertEquals(noted(file), range(100));
    // The workers are there: two tasks run at once, in two of them.
    using queue = new Queue<number>();
    const both = range(2).map(() => executor.submit(tasks.take_one, queue));
    await soon(until(() => both.every((future) => future.running())));
    assertEquals(executor.info().workers.length, 2);
    for (const n of range(2)) await queue.put(n);
    assertEquals(new Set(await soon(Promise.all(both))), new Set([0, 1]));
  });

  Deno.test({
    name: `${name}: of workers that are ended in a loop the system has nothing left (F7)`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const file = "tests/fixtures/programs/ended_loops.ts";
      await using program = new Program("run", "-A", "--no-check", file, name);
      await program.ends_well();
    },
  });

  Deno.test(`${name}: tasks behind one that is killed run elsewhere, once each (F7)`, async () => {
    await using folder = await TempFolder.make();
    const file = folder.join("noted");
    await using executor = new Executor(1, { module });
    // Short ones, so that others are sent ahead.
    await soon(Promise.all(range(50).map((n) => executor.submit(tasks.double, n))));
    const looping = executor.submit(tasks.note, file, 0, Infinity);
    const others = range(20).map((n) => executor.submit(tasks.note, file, n + 1, 0));
    // Of a process it is only known that it was sent.
    await soon(until(() => looping.running() && is_there(file)));
    looping.cancel({ kill: true });
    assertEquals(await soon(Promise.all(others)), range(20).map((n) => n + 1));
    assertEquals(noted(file), range(21));
  });

  Deno.test(`${name}: a task whose worker ends is lost alone; retries run it again (F8)`, async () => {
    await using folder = await TempFolder.make();
    await using executor = new Executor(1, { module });
    const lost = executor.submit(tasks.exit, 3);
    const next = executor.submit(tasks.double, 1);
    const error = await soon(lost.exception()) as WorkerDied;
    assertInstanceOf(error, WorkerDied);
    assertEquals([error.exitcode, error.signal], [3, null]);
    assertEquals(await soon(next.result()), 2);
    const again = executor.with({ retries: 1 }).submit(tasks.exit_once, folder.join("once"));
    assertEquals(await soon(again.result()), "the second time");
    const in_vain = executor.with({ retries: 1 }).submit(tasks.exit, 4);
    assertInstanceOf(await soon(in_vain.exception()), WorkerDied);
  });

  Deno.test(`${name}: what was done before a task loops is done, what comes after runs elsewhere (F7)`, async () => {
    await using executor = new Executor(1, { module });
    // Short ones, so that others are sent ahead.
    await soon(Promise.all(range(50).map((n) => executor.submit(tasks.double, n))));
    const futures = range(40).map((n) =>
      n === 10 ? executor.submit(tasks.loop) : executor.submit(tasks.double, n)
    );
    const [before, looping, after] = [futures.slice(0, 10), futures[10]!, futures.slice(11)];
    assertEquals(await soon(Promise.all(before)), range(10).map((n) => 2 * n));
    await soon(until(() => looping.running()));
    looping.cancel({ kill: true });
    assertEquals(await soon(Promise.all(after)), range(29).map((n) => 2 * (n + 11)));
  });

  Deno.test(`${name}: what a task does wrong harms itself only (F8)`, async () => {
    await using executor = new Executor(1, { module });
    const uncloneable = await soon(executor.submit(tasks.uncloneable).exception()) as Error;
    assertEquals(uncloneable.name, "DataCloneError");
    assertInstanceOf(await soon(executor.submit(tasks.hostile).exception()), Error);
    const unawaited = await soon(executor.submit(tasks.unawaited).exception()) as WorkerDied;
    assertInstanceOf(unawaited, WorkerDied);
    assertEquals((unawaited.cause as Error).message, "nobody awaits this");
    const broken = Object.assign(function broken() {}, { module: at_load("throws") });
    const unloaded = await soon(executor.submit(broken).exception()) as Error;
    assertInstanceOf(unloaded.cause, RangeError);
    const ending = Object.assign(function ending() {}, { module: at_load("ends") });
    assertInstanceOf(await soon(executor.submit(ending).exception()), WorkerDied);
    const argument = executor.submit(tasks.double, Symbol() as never);
    assertEquals((await soon(argument.exception()) as Error).name, "DataCloneError");
    assertEquals(await soon(executor.submit(tasks.double, 3).result()), 6);
  });

  Deno.test(`${name}: shared objects are arguments and results`, async () => {
    await using executor = new Executor(1, { module });
    using queue = new Queue<number>();
    const back = await soon(executor.submit(tasks.put_all, queue, 3).result());
    assertEquals(back, queue);
    assertEquals([await queue.get(), await queue.get(), await queue.get()], [0, 1, 2]);
  });

  for (const with_loop of [false, true]) {
    Deno.test(`${name}: a lock comes back from a task that is ${with_loop ? "killed in a loop" : "ended"}`, async () => {
      await using executor = new Executor(1, { module });
      const report = console.error;
      console.error = () => {};
      try {
        using lock = new Lock();
        const holding = executor.with({ timeout: 100 })
          .submit(tasks.hold_for_ever, lock, with_loop);
        await assertRejects(() => soon(holding.result()), TimeoutError);
        using hold = await soon(lock.hold());
        assertEquals(hold.abandoned, true);
      } finally {
        console.error = report;
      }
    });
  }

  Deno.test(`${name}: past its timeout a task's signal aborts`, async () => {
    await using executor = new Executor(1, { module });
    using queue = new Queue<string>();
    const future = executor.with({ timeout: 50 }).submit(tasks.heed_and_tell, queue);
    const error = await assertRejects(() => soon(future.result()), TimeoutError);
    assertEquals(await soon(queue.get()), "begun");
    assertEquals(await soon(queue.get()), `aborted: ${error.message}`);
  });

  Deno.test(`${name}: a signal ends a task with its reason`, async () => {
    await using executor = new Executor(1, { module });
    using queue = new Queue<string>();
    const controller = new AbortController();
    const future = executor.with({ signal: controller.signal }).submit(tasks.begun, queue);
    await soon(queue.get());
    const reason = new Error("enough");
    controller.abort(reason);
    assertEquals(await soon(future.exception()), reason);
    assertEquals(await soon(executor.submit(tasks.double, 1).result()), 2);
  });

  Deno.test(`${name}: map() with chunks, in order; an error in its place`, async () => {
    await using executor = new Executor(2, { module });
    for (const chunksize of [1, 7]) {
      const { map } = executor.with({ chunksize });
      const results = await soon(Array.fromAsync(map(tasks.double, range(50))));
      assertEquals(results, range(50).map((n) => 2 * n));
      const failing = map(tasks.fail, ["no"]);
      await assertRejects(() => soon(failing.next()), RangeError, "no");
    }
  });

  Deno.test(`${name}: a chunk of map() has as many items as chunksize says, and no more than buffersize`, async () => {
    await using executor = new Executor(2, { module });
    const chunks = async (options: TaskOptions) => {
      const { done } = executor.info();
      await soon(Array.fromAsync(executor.with(options).map(tasks.double, range(300))));
      return executor.info().done - done;
    };
    assertEquals(await chunks({ chunksize: 100 }), 3);
    assertEquals(await chunks({ chunksize: 100, buffersize: 300 }), 3);
    assertEquals(await chunks({ chunksize: 100, buffersize: 10 }), 30);
  });

  Deno.test(`${name}: a task that waits for tasks of its own full executor gets them`, async () => {
    await using executor = new Executor(1, { module });
    // Short ones, so that others are sent ahead.
    await soon(Promise.all(range(50).map((n) => executor.submit(tasks.double, n))));
    const deep = executor.submit(tasks.nested, executor, 3);
    const others = range(20).map((n) => executor.submit(tasks.double, n));
    assertEquals(await soon(deep.result()), 3);
    assertEquals(await soon(Promise.all(others)), range(20).map((n) => 2 * n));
    assertEquals(await soon(executor.submit(tasks.sum_of_doubles, executor, 10).result()), 90);
    assertEquals(
      await soon(executor.submit(tasks.nested_failure, executor).result()),
      "TimeoutError: The task loop() took longer than 100 ms",
    );
    // The extra workers have nothing to do now: one task runs at a time.
    const places = range(4).map(() => executor.submit(tasks.where_later, 20));
    await soon(until(() => places[0]!.running()));
    assertEquals(executor.info().running, 1);
    await soon(Promise.all(places));
  });

  Deno.test(`${name}: those with a higher priority go first, also before what was sent ahead`, async () => {
    await using executor = new Executor(1, { module });
    // Short ones, so that others are sent ahead.
    await soon(Promise.all(range(50).map((n) => executor.submit(tasks.double, n))));
    using gate = new Queue<number>();
    using order = new Queue<number>();
    const first = executor.submit(tasks.take_one, gate);
    await soon(until(() => first.running()));
    const priorities = [0, 5, -1, 7, 5, 0, 6];
    const futures = priorities.map((priority, n) =>
      executor.with({ priority }).submit(tasks.put_one, order, n)
    );
    await gate.put(0);
    await soon(wait(futures));
    const came = await Promise.all(priorities.map(() => order.get()));
    assertEquals(came, [3, 6, 1, 4, 0, 5, 2]);
  });

  Deno.test(`${name}: on_error hears of failures that nobody awaits; one that fails harms nobody`, async () => {
    const told: [string, Future<unknown>][] = [];
    await using executor = new Executor(1, {
      module,
      on_error: (error, future) => {
        told.push([(error as Error).name, future]);
        throw new Error("its own");
      },
    });
    const printed: unknown[] = [];
    const print = console.error;
    console.error = (...args) => void printed.push(args[0]);
    try {
      const unseen = executor.submit(tasks.fail, "unseen");
      const lost = executor.submit(tasks.exit, 3);
      const seen = executor.submit(tasks.fail, "seen");
      await assertRejects(() => soon(seen.result()), RangeError);
      await soon(until(() => printed.length === 2));
      assertEquals(told, [["RangeError", unseen], ["WorkerDied", lost]]);
    } finally {
      console.error = print;
    }
    for (const line of printed) assertMatch(`${line}`, /^The on_error of an executor failed: /);
    assertEquals(await soon(executor.submit(tasks.double, 2).result()), 4);
  });

  for (const with_loop of [false, true]) {
    Deno.test(`${name}: a signal ends what ${with_loop ? "loops" : "waits for others"}, and what was not begun`, async () => {
      await using executor = new Executor(1, { module });
      using queue = new Queue<string>();
      const controller = new AbortController();
      const { submit } = executor.with({ signal: controller.signal });
      const running = with_loop ? submit(tasks.loop) : submit(tasks.begun, queue);
      const waiting = submit(tasks.double, 1);
      const other = executor.submit(tasks.double, 2);
      await soon(until(() => running.running()));
      const reason = new Error("enough");
      controller.abort(reason);
      for (const future of [running, waiting, submit(tasks.double, 3)]) {
        assertEquals([future.done(), await future.exception()], [true, reason]);
      }
      assertEquals(await soon(other.result()), 4);
    });
  }

  Deno.test(`${name}: map() over an endless generator reads no more than buffersize ahead (68)`, async () => {
    await using executor = new Executor(2, { module });
    let [read, asked, most] = [0, 0, 0];
    function* endless(): Generator<number> {
      for (;;) {
        most = Math.max(most, ++read - asked);
        yield read;
      }
    }
    const results = executor.with({ buffersize: 8 }).map(tasks.double, endless());
    while (asked < 200) {
      asked++;
      assertEquals(await soon(results.next()), { value: 2 * asked, done: false });
    }
    await results.return?.();
    assert(most <= 8, `${most} were read ahead`);
  });

  Deno.test(`${name}: who leaves a map() cancels what was not begun (67)`, async () => {
    await using folder = await TempFolder.make();
    const file = folder.join("noted");
    await using executor = new Executor(1, { module });
    const { map } = executor.with({ buffersize: 50 });
    for await (const n of map(tasks.note, Array(50).fill(file), range(50), Array(50).fill(20))) {
      if (n === 1) break;
    }
    await soon(executor.shutdown());
    assert(noted(file).length <= 4, `${noted(file)}`);
  });

  Deno.test(`${name}: errors keep what their class has (75)`, async () => {
    await using executor = new Executor(1, { module });
    const several = await soon(executor.submit(tasks.fail_with_several).exception());
    assertInstanceOf(several, AggregateError);
    assertInstanceOf(several.errors[0], RangeError);
    assertInstanceOf(several.errors[1], TypeError);
    await using other = new Executor(1, { module });
    const died = await soon(executor.submit(tasks.have_exit, other, 6).exception());
    assertInstanceOf(died, WorkerDied);
    assertEquals([died.exitcode, died.signal], [6, null]);
  });

  Deno.test(`${name}: where workers end in the initializer, or cannot be sent its arguments, tasks fail (72, F8)`, async () => {
    const starts: [(...args: never[]) => unknown, unknown[]][] = [
      [tasks.end_at_start, []],
      [tasks.greet, [new WeakMap()]],
    ];
    for (const [initializer, late] of starts) {
      const initargs: unknown[] = [];
      await using executor = new Executor(2, { module, initializer, initargs });
      // They were looked at before.
      initargs.push(...late);
      const futures = range(3).map((n) => executor.submit(tasks.double, n));
      for (const future of futures) {
        assertInstanceOf(await soon(future.exception()), BrokenExecutor);
      }
    }
  });

  Deno.test(`${name}: what cannot be is refused`, () => {
    const wrong: [object, typeof TypeError | typeof RangeError][] = [
      [{ initializer: 5 }, TypeError],
      [{ initargs: 5 }, TypeError],
      [{ module: 5 }, TypeError],
      [{ thread_name_prefix: {} }, TypeError],
      [{ max_tasks_per_child: 0 }, RangeError],
      [{ workers: 5 }, TypeError],
    ];
    for (const [options, Class] of wrong) {
      assertThrows(() => new Executor(1, options), Class, Object.keys(options)[0]!);
    }
    assertThrows(() => new Executor(0), RangeError);
    const executor = new Executor(1, { module });
    assertThrows(() => executor.with({ transfer: 5 as never }), TypeError);
    assertThrows(() => executor.submit(5 as never), TypeError);
  });

  Deno.test(`${name}: terminate_workers() ends all at once`, async () => {
    const executor = new Executor(1, { module });
    // It is not run again: nothing is.
    const looping = executor.with({ retries: 3 }).submit(tasks.loop);
    const waiting = executor.submit(tasks.double, 1);
    await soon(until(() => looping.running()));
    await soon(executor.terminate_workers());
    assertInstanceOf(await looping.exception(), WorkerDied);
    assertEquals([waiting.cancelled(), executor.info().workers], [true, []]);
    assertThrows(() => executor.submit(tasks.double, 1), Deno.errors.BadResource);
  });

  Deno.test(`${name}: tasks whose modules are being loaded are lost with their workers, too`, async () => {
    await using folder = await TempFolder.make();
    // More modules than are loaded before the end, so that it comes in between.
    const code = `Deno.makeTempFileSync({ dir: ${JSON.stringify(folder.path)} });
      for (let at = 0; at < 10_000; at++) {
        await import("data:text/typescript,export const at: number = " + at);
      }
      export function load() {}`;
    const load = Object.assign(function load() {}, {
      module: `data:text/javascript,${encodeURIComponent(code)}`,
    });
    const executor = new Executor(4, { module });
    const loading = range(4).map(() => executor.submit(load));
    await soon(until(() => [...Deno.readDirSync(folder.path)].length === 4));
    await soon(executor.terminate_workers());
    for (const future of loading) assertInstanceOf(await future.exception(), WorkerDied);
  });

  Deno.test(`${name}: as_completed() gives the quick before the slow`, async () => {
    await using executor = new Executor(2, { module });
    using queue = new Queue<number>();
    const slow = executor.submit(tasks.take_one, queue);
    const quick = executor.submit(tasks.double, 1);
    const order = [];
    for await (const { future } of as_completed([slow, quick], LONG)) {
      order.push(future);
      if (future === quick) await queue.put(1);
    }
    assertEquals(order, [quick, slow]);
  });
}

Deno.test("ProcessPoolExecutor: a child that is killed takes one task of 50 with it", async () => {
  await using executor = new ProcessPoolExecutor(2, { module });
  const futures = range(50).map((n) => executor.submit(tasks.compute, n === 25 ? 2000 : 5));
  await soon(until(() => futures[25]!.running() && futures[45]!.done()));
  const busy = executor.info().workers.find(({ active }) => active > 0);
  Deno.kill(busy!.pid!, "SIGKILL");
  await soon(wait(futures));
  const errors = await Promise.all(futures.map((future) => future.exception()));
  const failed = errors.filter((error) => error !== null);
  assertEquals(failed.length, 1);
  assertInstanceOf(failed[0], WorkerDied);
  assertEquals([failed[0].exitcode, failed[0].signal], [null, "SIGKILL"]);
  const done = futures.filter((_, n) => errors[n] === null);
  const results = await Promise.all(done);
  assertEquals([done.length, results], [
    49,
    done.map((future) => future === futures[25] ? 2000 : 5),
  ]);
});

Deno.test("ProcessPoolExecutor: a child that works outlives it that the program is blocked for long", async () => {
  await using executor = new ProcessPoolExecutor(1, { module });
  const future = executor.submit(tasks.where_later, 27_000);
  // By then it is known that the child is heard.
  await soon(until(() => (executor.info().workers[0]?.age ?? 0) > 3000));
  // Blocked, as by a computation, which would keep a core from other tests.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 22_000);
  assertEquals(typeof await soon(future.result()), "string");
});

Deno.test("ThreadPoolExecutor: what was done before its worker died is done, each once", async () => {
  await using folder = await TempFolder.make();
  const file = folder.join("notes");
  await using executor = new ThreadPoolExecutor(1, { module });
  // Quick ones: others are sent ahead then, and their results come together.
  await soon(Promise.all(range(300).map((n) => executor.submit(tasks.double, n))));
  const note = (n: number) => executor.submit(tasks.note, file, n, 0);
  const before = range(20).map(note);
  const dying = executor.submit(tasks.exit, 3);
  const after = range(20).map((n) => note(20 + n));
  assertEquals(await soon(Promise.all([...before, ...after])), range(40));
  assertInstanceOf(await dying.exception(), WorkerDied);
  assertEquals(noted(file), range(40));
});

Deno.test("ThreadPoolExecutor: tasks that the observer submits when a worker starts are run, each once", async () => {
  await using folder = await TempFolder.make();
  const file = folder.join("notes");
  const note = (n: number) => executor.submit(tasks.note, file, n, 0);
  const more: Future<number>[] = [];
  let is_late = false;
  await using executor = new ThreadPoolExecutor(2, {
    module,
    observer: ({ type }) => void (is_late && type === "worker.start" && more.push(note(99))),
  });
  // Quick ones, so that others are sent ahead; the second worker is not there yet.
  for (const n of range(20)) await soon(executor.submit(tasks.double, n));
  is_late = true;
  await soon(Promise.all(range(10).map(note)));
  assertEquals(await soon(Promise.all(more)), [99]);
  assertEquals(noted(file), [...range(10), 99]);
});

Deno.test("ThreadPoolExecutor: what is cancelled and could not be sent keeps no shutdown() waiting", async () => {
  await using executor = new ThreadPoolExecutor(1, { module });
  await soon(executor.submit(tasks.double, 1));
  const buffer = new ArrayBuffer(100);
  structuredClone(buffer, { transfer: [buffer] });
  const future = executor.with({ transfer: [buffer] }).submit(tasks.double, 2);
  assert(future.cancel());
  await soon(executor.shutdown());
  assertEquals(executor.info().waiting, 0);
});

Deno.test("ThreadPoolExecutor: what is transferred is moved", async () => {
  await using executor = new ThreadPoolExecutor(1, { module });
  const buffer = new ArrayBuffer(100);
  const future = executor.with({ transfer: [buffer] }).submit(tasks.byte_length, buffer);
  assertEquals([await soon(future.result()), buffer.detached], [100, true]);
  const processes = new ProcessPoolExecutor(1);
  assertThrows(() => processes.with({ transfer: [buffer] }), TypeError);
});

Deno.test("map: a chunk may be larger than a function may have arguments", async () => {
  const count = 200_000;
  await using executor = new ThreadPoolExecutor(1, { module });
  const { map } = executor.with({ chunksize: count, buffersize: count });
  const results = await soon(Array.fromAsync(map(tasks.double, range(count))), LONG);
  assertEquals([results.length, results.at(-1)], [count, 2 * (count - 1)]);
});
