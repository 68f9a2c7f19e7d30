/** What becomes of what a process holds, waits for and has got, when it is killed. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import * as multiprocessing from "../../../concurrency/multiprocessing/mod.ts";
import { Thread } from "../../../concurrency/threading/mod.ts";
import * as targets from "../../fixtures/processes/targets.ts";
import { is_running } from "../../fixtures/programs/processes.ts";
import { is_pending, soon, until } from "../../fixtures/tools/waiting.ts";

const { Process, Queue } = multiprocessing;
const { MODULE: module } = targets;

type Told = multiprocessing.Queue<unknown>;

/** Starts a process, and kills it when it has told its number. */
async function kill<A extends unknown[]>(
  target: (...args: A) => unknown,
  told: Told,
  ...args: A
): Promise<void> {
  const process = await start(target, told, ...args);
  process.kill();
  await soon(process.join());
  assertEquals(process.exitcode, -9);
}

/** The same, which goes on. */
async function start<A extends unknown[]>(
  target: (...args: A) => unknown,
  told: Told,
  ...args: A
): Promise<multiprocessing.Process> {
  const options = { target, args, module } as unknown as multiprocessing.ProcessOptions<A>;
  const process = new Process(options);
  await soon(process.start());
  assertEquals(await soon(told.get()), process.pid);
  return process as unknown as multiprocessing.Process;
}

/** Keeps reports off the screen, and notes them. */
function noted_reports(): Disposable & { lines: string[] } {
  const { error } = console;
  const lines: string[] = [];
  console.error = (line) => lines.push(String(line));
  return { lines, [Symbol.dispose]: () => void (console.error = error) };
}

Deno.test("a lock that a killed process has goes to the next, abandoned, with one report", async () => {
  using reports = noted_reports();
  const [told, lock]: [Told, multiprocessing.Lock] = [new Queue(), new multiprocessing.Lock()];
  await kill(targets.loop, told, told, lock);
  using hold = await soon(lock.hold());
  assertEquals([hold.abandoned, reports.lines.length], [true, 1]);
});

Deno.test("an RLock that a killed process has three times is free", async () => {
  using reports = noted_reports();
  const [told, lock]: [Told, multiprocessing.RLock] = [new Queue(), new multiprocessing.RLock()];
  await kill(targets.nest, told, lock, told);
  assertEquals(await soon(lock.acquire()), true);
  lock.release();
  assertEquals(reports.lines.length, 1);
});

Deno.test("a notification that a killed process waited for goes to the next", async () => {
  const told: Told = new Queue();
  const condition = new multiprocessing.Condition();
  const first = await start(targets.await_notice, told, condition, told);
  const second = await start(targets.await_notice, told, condition, told);
  await soon(condition.acquire());
  first.kill();
  await soon(first.join());
  await condition.notify(1);
  condition.release();
  await soon(second.join());
  assertEquals([first.exitcode, second.exitcode], [-9, 0]);
});

Deno.test("an item that a killed process had got is lost and done; a job that it had taken comes again", async () => {
  using reports = noted_reports();
  const [told, items]: [Told, Told] = [new Queue(), new Queue()];
  await items.put("done");
  await items.get();
  // Only who says so once is expected to say so.
  await items.task_done();
  await items.put("first");
  await items.put("second");
  await kill(targets.keep, told, items, told, "get");
  await soon(until(() => reports.lines.length === 1));
  assertStringIncludes(reports.lines[0]!, "lost");
  await kill(targets.keep, told, items, told, "take");
  {
    using job = await soon(items.take());
    assertEquals([job.item, job.deliveries], ["second", 2]);
    await job.done();
  }
  await soon(items.join());
  assertEquals(reports.lines.length, 1);
});

Deno.test("an item that comes when a killed process waits for one is another's", async () => {
  const [told, items]: [Told, Told] = [new Queue(), new Queue()];
  const process = await start(targets.wait_for_item, told, items, told);
  assertEquals(await is_pending(process.join(), 100), true);
  process.kill();
  await items.put("it");
  await soon(process.join());
  assertEquals(await soon(items.get()), "it");
});

Deno.test({
  name: "a thread that is terminated leaves no process behind, not even one in a loop",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const told: Told = new Queue();
    const thread = new Thread({ target: targets.start_inner, args: [told], module });
    await soon(thread.start());
    const pids = [await soon(told.get()), await soon(told.get())] as number[];
    const inner = pids.find((pid) => pid !== Deno.pid)!;
    thread.terminate();
    await soon(thread.join());
    await soon(until(() => !is_running(inner)));
  },
});

Deno.test({
  name: "a process that is killed leaves none of its own behind",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const told: Told = new Queue();
    const process = new Process({ target: targets.start_inner, args: [told], module });
    await soon(process.start());
    const pids = [await soon(told.get()), await soon(told.get())] as number[];
    const inner = pids.find((pid) => pid !== process.pid)!;
    process.kill();
    await soon(process.join());
    await soon(until(() => !is_running(inner)));
  },
});
