/** What `info()` and the observer of an executor tell of its workers. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  type PoolEvent,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../../concurrency/futures/mod.ts";
import { text_of } from "../../../internal/runtime/error_text.ts";
import * as tasks from "../../fixtures/tasks/tasks.ts";
import { StandardError } from "../../fixtures/tools/standard_error.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

const module = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;

type Stop = Extract<PoolEvent, { type: "worker.stop" }>;

/** What an executor has told. */
class Told {
  #events: PoolEvent[] = [];

  readonly observer = (event: PoolEvent): void => void this.#events.push(event);

  of<T extends PoolEvent["type"]>(type: T): Extract<PoolEvent, { type: T }>[] {
    return this.#events.filter((event) => event.type === type) as Extract<
      PoolEvent,
      { type: T }
    >[];
  }

  /** The ends of workers, when all have ended: each that was started, once. */
  stops(): Stop[] {
    const stops = this.of("worker.stop");
    const key = ({ worker, pid }: { worker: number; pid?: number }) => `${worker} ${pid}`;
    assertEquals(stops.map(key).sort(), this.of("worker.start").map(key).sort());
    for (const { time, duration } of stops) assert(time <= Date.now() && duration >= 0);
    return stops;
  }
}

/** What is printed to standard error while something goes on. */
async function reports_of(work: () => Promise<void>): Promise<unknown[][]> {
  const reports: unknown[][] = [];
  const report = console.error;
  console.error = (...what) => void reports.push(what);
  try {
    await work();
  } finally {
    console.error = report;
  }
  return reports;
}

/** What matters of an end. */
function end_of({ reason, lost, exitcode, signal, error_type }: Stop) {
  return { reason, lost, exitcode, signal, error_type };
}

for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  const { name } = Executor;
  const is_process = Executor === ProcessPoolExecutor;
  /** How a worker ends when it is told to. */
  const asked = { exitcode: 0, signal: null };
  /** How it ends by force. */
  const forced = { exitcode: null, signal: is_process ? "SIGKILL" : null };

  Deno.test(`${name}: info() tells memory, age, pid and tasks of each worker`, async () => {
    await using executor = new Executor(1, { module });
    await soon(executor.submit(tasks.double, 1).result());
    const worker = () => executor.info().workers[0]!;
    const { memory, age, completed, active, pid } = worker();
    assert(memory! > 1_000_000 && memory! < 1_000_000_000, `${memory}`);
    assertEquals([completed, active, pid !== undefined], [1, 0, is_process]);
    await soon(executor.submit(tasks.keep, 100_000_000).result());
    await soon(until(() => worker().memory! > memory! + 90_000_000));
    assert(worker().age >= age && worker().completed === 2);
  });

  Deno.test(`${name}: the observer is told of workers that end in good order`, async () => {
    const told = new Told();
    {
      await using executor = new Executor(1, { module, observer: told.observer });
      await soon(executor.submit(tasks.double, 1).result());
      assertEquals([told.of("worker.start").length, told.of("worker.stop").length], [1, 0]);
      assertEquals(told.of("worker.start")[0]!.pid, executor.info().workers[0]!.pid);
    }
    const [stop, ...others] = told.stops();
    assertEquals(end_of(stop!), { reason: "closed", lost: 0, ...asked, error_type: undefined });
    assertEquals([others, "cause" in stop!], [[], false]);
  });

  Deno.test(`${name}: the observer is told of workers that are replaced`, async () => {
    const told = new Told();
    {
      const { observer } = told;
      await using executor = new Executor(1, { module, observer, max_tasks_per_child: 1 });
      for (let n = 0; n < 3; n++) await soon(executor.submit(tasks.double, n).result());
    }
    const reasons = told.stops().map(({ reason, lost }) => [reason, lost]);
    assertEquals(reasons.slice(0, 3), Array(3).fill(["replaced", 0]));
  });

  Deno.test(`${name}: the observer is told of workers that are killed`, async () => {
    const told = new Told();
    {
      await using executor = new Executor(1, { module, observer: told.observer });
      await soon(executor.with({ timeout: 100 }).submit(tasks.loop).exception());
      await soon(until(() => told.of("worker.stop").length === 1));
      const looping = executor.submit(tasks.loop);
      await soon(until(() => looping.running()));
      await soon(executor.terminate_workers());
    }
    const [late, terminated, ...others] = told.stops();
    const killed = { reason: "killed", lost: 1, ...forced } as const;
    assertEquals(end_of(late!), { ...killed, error_type: "TimeoutError" });
    assertEquals(end_of(terminated!), { ...killed, error_type: "Error" });
    assertEquals(others, []);
    const outcomes = told.of("task.stop").map(({ outcome }) => outcome);
    assertEquals(outcomes, ["timed_out", "failed"]);
  });

  Deno.test(`${name}: the observer is told of a worker that is killed for a reason that is no error`, async () => {
    const told = new Told();
    {
      await using executor = new Executor(1, { module, observer: told.observer });
      // Deno ends as a whole where a thread is ended that still loads something.
      await soon(executor.submit(tasks.double, 1).result());
      const controller = new AbortController();
      const looping = executor.with({ signal: controller.signal }).submit(tasks.loop);
      await soon(until(() => looping.running()));
      controller.abort("enough");
      await soon(until(() => told.of("worker.stop").length === 1));
    }
    const [killed] = told.stops();
    assertEquals([killed!.reason, killed!.error_type, killed!.cause], [
      "killed",
      "string",
      "enough",
    ]);
  });

  Deno.test(`${name}: the observer is told of workers that die`, async () => {
    const told = new Told();
    const { observer } = told;
    const ends = async (executor: InstanceType<typeof Executor>, fn: () => unknown) => {
      const before = told.of("worker.stop").length;
      await soon(executor.submit(fn).exception());
      await soon(until(() => told.of("worker.stop").length === before + 1));
      return told.of("worker.stop").at(-1)!;
    };
    {
      await using executor = new Executor(1, { module, observer });
      const died = { reason: "died", lost: 1 } as const;
      const exited = await ends(executor, tasks.exit_with_3);
      assertEquals(end_of(exited), { ...died, exitcode: 3, signal: null, error_type: "Error" });
      const unawaited = await ends(executor, tasks.unawaited);
      assertEquals(end_of(unawaited), { ...died, ...forced, error_type: "Error" });
      assertEquals((unawaited.cause as Error).message, "nobody awaits this");
    }
    told.stops();
  });

  Deno.test(`${name}: the observer is told of workers that cannot start`, async () => {
    const told = new Told();
    {
      const initializer = tasks.refuse_to_start;
      const options = { module, observer: told.observer, initializer, initargs: [""] };
      await using executor = new Executor(1, options);
      await soon(executor.submit(tasks.double, 1).exception());
    }
    const [stop] = told.stops();
    assertEquals([stop!.reason, stop!.lost, stop!.error_type], ["died", 0, "RangeError"]);
    assertInstanceOf(stop!.cause, RangeError);
  });

  Deno.test(`${name}: an observer that throws harms nothing, and is reported once`, async () => {
    using printed = new StandardError();
    const observer = () => {
      throw new Error("the observer's");
    };
    await using executor = new Executor(1, { module, observer });
    assertEquals(await soon(executor.submit(tasks.double, 1).result()), 2);
    assertEquals((await printed.all()).match(/the observer's/g)?.length, 1);
  });
}

Deno.test("ProcessPoolExecutor: the observer is told of a child that something else kills", async () => {
  const told = new Told();
  const reports = await reports_of(async () => {
    await using executor = new ProcessPoolExecutor(1, { module, observer: told.observer });
    await soon(executor.submit(tasks.double, 1).result());
    const { pid } = executor.info().workers[0]!;
    Deno.kill(pid!, "SIGKILL");
    await soon(until(() => told.of("worker.stop").length === 1));
    assertEquals(told.of("worker.stop")[0]!.pid, pid);
    assertEquals(await soon(executor.submit(tasks.double, 2).result()), 4);
  });
  const [killed, closed] = told.stops();
  const exit = { exitcode: null, signal: "SIGKILL", error_type: "Error" };
  assertEquals(end_of(killed!), { reason: "died", lost: 0, ...exit });
  assertEquals([closed!.reason, reports], ["closed", [[text_of(killed!.cause)]]]);
});

Deno.test("ThreadPoolExecutor: the observer is told of workers that had nothing to do", async () => {
  const told = new Told();
  await using executor = new ThreadPoolExecutor(1, { module, observer: told.observer });
  await soon(executor.submit(tasks.double, 1).result());
  await soon(until(() => told.of("worker.stop").length === 1));
  assertEquals(told.stops().map(({ reason, lost }) => [reason, lost]), [["idle", 0]]);
});
