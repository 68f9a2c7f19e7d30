import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import * as multiprocessing from "../../../concurrency/multiprocessing/mod.ts";
import { ProcessPoolExecutor } from "../../../concurrency/futures/mod.ts";
import * as threading from "../../../concurrency/threading/mod.ts";
import * as classes from "../../fixtures/processes/classes.ts";
import * as targets from "../../fixtures/processes/targets.ts";
import { hooked } from "../../fixtures/threads/hooked.ts";
import { at_once } from "../../fixtures/tools/at_once.ts";
import { is_pending, LONG, soon } from "../../fixtures/tools/waiting.ts";

const { Process, Queue } = multiprocessing;
const { MODULE: module } = targets;

/** What has a start and an end. */
type Started = Pick<multiprocessing.Process, "start" | "join">;

/** A process that has been started, and has run to its end when the block is left. */
async function started<T extends Started>(process: T): Promise<T & AsyncDisposable> {
  await soon(process.start());
  return Object.assign(process, {
    [Symbol.asyncDispose]: async () => await soon(process.join()),
  });
}

/** Runs one to its end. */
async function run(process: Started): Promise<void> {
  await soon(process.start());
  await soon(process.join());
}

Deno.test("Process: its target gets its arguments, shared objects and functions as what they are", async () => {
  const told = new Queue<unknown>();
  const process = new Process({ target: targets.tell, args: [told, 1, "two", [3n]], module });
  assertEquals([process.pid, process.exitcode, process.is_alive()], [null, null, false]);
  await run(process);
  assertEquals(await told.get(false), [1, "two", [3n]]);
  assertEquals([process.exitcode, process.exception, process.is_alive()], [0, null, false]);
  await run(new Process({ target: targets.call, args: [told, targets.double, 21], module }));
  assertEquals(await told.get(false), 42);
});

Deno.test("Process: knows itself and its parent", async () => {
  const told = new Queue<unknown>();
  const process = new Process({ target: targets.tell_who, args: [told], name: "me" });
  await run(process);
  assert(process.pid !== null && process.pid !== Deno.pid && process.ident === process.pid);
  assertEquals(await told.get(false), {
    name: "me",
    own: true,
    daemon: false,
    alive: true,
    exitcode: null,
    parent: ["MainProcess", true, true],
    thread: "MainThread",
    children: 0,
  });
});

Deno.test("current_process(): in the program, in a thread of it, in the worker of a pool", async () => {
  const main = { name: "MainProcess", own: true, daemon: false, alive: true, exitcode: null };
  const here = { ...main, parent: null, children: 0 };
  assertEquals(targets.who(), { ...here, thread: "MainThread" });
  assertEquals(multiprocessing.parent_process(), null);
  const told = new Queue<unknown>();
  await run(new threading.Thread({ target: targets.tell_who, args: [told], name: "thread" }));
  assertEquals(await told.get(false), { ...here, thread: "thread" });
  await using pool = new ProcessPoolExecutor(1);
  assertEquals(await soon(pool.submit(targets.who)), {
    ...here,
    name: "Worker-1",
    parent: ["MainProcess", true, true],
    thread: "MainThread",
  });
  const process = multiprocessing.current_process();
  await assertRejects(() => process.join(), TypeError, "Cannot join current process");
  await assertRejects(() => process.start(), TypeError, "Processes can only be started once");
});

Deno.test("Process: what cannot be done from inside says so", async () => {
  const told = new Queue<unknown>();
  await run(new Process({ target: targets.misuse, args: [told], module }));
  assertEquals(await told.get(false), [
    "TypeError: Processes can only be started once",
    "TypeError: Cannot join current process",
    "TypeError: Cannot end current process: use Deno.exit()",
    "RangeError: Cannot close a process while it is still running: join() it first",
    "TypeError: Cannot join MainProcess: it was not started from here",
    "TypeError: Processes can only be started once",
  ]);
});

Deno.test("Process: cannot be started twice, joined or ended early; names; active_children()", async () => {
  const event = new multiprocessing.Event();
  const make = () => new Process({ target: targets.wait_for, args: [event], module });
  const [one, other] = [make(), make()];
  const [, number] = /^Process-(\d+)$/.exec(one.name)!;
  assertEquals(other.name, `Process-${Number(number) + 1}`);
  await assertRejects(() => one.join(), TypeError, "Cannot join process before it is started");
  assertThrows(() => one.terminate(), TypeError, "Cannot end process before it is started");
  const start = one.start();
  assertEquals([one.is_alive(), one.exitcode], [true, null]);
  await assertRejects(() => one.start(), TypeError, "Processes can only be started once");
  assertThrows(() => one.daemon = true, TypeError, "Cannot set daemon status of active process");
  await soon(start);
  {
    await using _other = await started(other);
    assertEquals(multiprocessing.active_children(), [one, other]);
    assertEquals(threading.enumerate(), [threading.main_thread()]);
    await soon(one.join(10));
    await soon(one.join({ timeout: 0 }));
    const controller = new AbortController();
    const joining = one.join({ signal: controller.signal });
    controller.abort(new RangeError("enough"));
    await assertRejects(() => soon(joining), RangeError, "enough");
    assertEquals(one.is_alive(), true);
    await event.set();
  }
  await soon(one.join());
  assertEquals(multiprocessing.active_children(), []);
  one.terminate();
  one.kill();
  assertEquals(one.exitcode, 0);
  assertEquals(Deno.inspect(one), `<Process(${one.name}, stopped ${one.pid})>`);
});

Deno.test("Process: options are checked", () => {
  // deno-lint-ignore no-explicit-any
  const make = (options: any) => () => new Process(options);
  assertThrows(make({ target: "f" }), TypeError, "the target must be a function");
  assertThrows(make({ target: () => {}, args: "ab" }), TypeError, "they must be an array");
  assertThrows(make({ targt: () => {} }), TypeError, "there is no option of this name");
});

/** Never called: its types are what is tested. */
export function typed(one: (n: number, s?: string) => void, none: () => Promise<number>): void {
  new Process({ target: one, args: [1] });
  new Process({ target: one, args: [1, "two"], name: "three", daemon: true, module });
  new Process({ target: none });
  // @ts-expect-error: its argument is missing
  new Process({ target: one });
  // @ts-expect-error: it is no number
  new Process({ target: one, args: ["1"] });
  // @ts-expect-error: there are too many
  new Process({ target: none, args: [1] });
}

const ENDS: Record<string, [make: () => multiprocessing.Process<never>, exitcode: number]> = {
  "well": [() => process_of(targets.set_exit_code, 0), 0],
  "well, with a code": [() => process_of(targets.set_exit_code, 4), 4],
  "with Deno.exit(0)": [() => process_of(targets.exit, 0), 0],
  "with Deno.exit(3)": [() => process_of(targets.exit, 3), 3],
  "with Deno.exit(5) while it sends": [
    () => process_of(targets.exit_sending, 5, new Queue<Uint8Array>()),
    5,
  ],
  "with Deno.exit(255)": [() => process_of(targets.exit, 255), 255],
};

function process_of<A extends unknown[]>(
  target: (...args: A) => unknown,
  ...args: A
): multiprocessing.Process<never> {
  const options = { target, args, module } as unknown as multiprocessing.ProcessOptions<A>;
  return new Process(options) as unknown as multiprocessing.Process<never>;
}

for (const [how, [make, exitcode]] of Object.entries(ENDS)) {
  Deno.test(`Process: one that ends ${how} has the exit code ${exitcode}, and nobody is told`, async () => {
    using hook = hooked();
    const process = make();
    await run(process);
    assertEquals([process.exitcode, process.exception, hook.calls], [exitcode, null, []]);
  });
}

Deno.test("Process: an error goes to the hook, with its class, and the exit code is 1", async () => {
  using hook = hooked();
  const process = new Process({ target: targets.fail, args: ["wrong"], module });
  await run(process);
  const [{ error, thread: told }] = hook.calls as [{ error: Error; thread: unknown }];
  assertInstanceOf(error, RangeError);
  assertEquals([error.message, told, process.exception], ["wrong", process, error]);
  assertInstanceOf(error.cause, TypeError);
  assert(error.stack?.includes("targets.ts"), error.stack);
  assertEquals([process.exitcode, hook.calls.length], [1, 1]);
});

Deno.test("Process: a promise that is rejected, and that nobody awaits, ends it with exit code 1", async () => {
  using hook = hooked();
  const process = process_of(targets.leave, new threading.Event());
  await run(process);
  assertEquals(process.exitcode, 1);
  const error = process.exception as Error;
  assert(error.message.endsWith("a promise was rejected, and nobody awaited it"), error.message);
  assertInstanceOf(error.cause, RangeError);
  assertEquals(hook.calls.length, 1);
});

Deno.test("Process: so does one that is rejected when its function is done", async () => {
  using hook = hooked();
  const process = process_of(targets.leave_last);
  await run(process);
  assertEquals([process.exitcode, String(process.exception)], [1, "RangeError: left alone"]);
  assertEquals(hook.calls.length, 1);
});

Deno.test("Process: a call of a shared object that is rejected, and that nobody awaits, goes to the hook", async () => {
  using hook = hooked();
  const [gone, go_on] = [new threading.Event(), new threading.Event()];
  await using process = await started(
    new Process({ target: targets.leave_call, args: [gone, go_on], module }),
  );
  gone[Symbol.dispose]();
  await soon(hook.called());
  assertInstanceOf(hook.calls[0]!.error, Deno.errors.BadResource);
  await go_on.set();
  await soon(process.join());
  assertEquals([process.exitcode, hook.calls.length], [0, 1]);
});

Deno.test("cpu_count(): the cores that Deno sees", () => {
  assertEquals(multiprocessing.cpu_count(), navigator.hardwareConcurrency);
});

for (const target of ["wait", "loop"] as const) {
  for (const [how, exitcode] of [["terminate", -15], ["kill", -9]] as const) {
    Deno.test(`Process: ${how}() ends one that is to ${target} for ever, with ${exitcode}`, async () => {
      using hook = hooked();
      const told = new Queue<unknown>();
      const process = new Process({ target: targets[target], args: [told], module });
      await soon(process.start());
      assertEquals(await soon(told.get()), process.pid);
      process[how]();
      process[how]();
      await soon(process.join());
      assertEquals([process.exitcode, process.exception, hook.calls], [exitcode, null, []]);
    });
  }
}

Deno.test("Process: one that is killed from elsewhere has that as its exit code", async () => {
  using hook = hooked();
  const told = new Queue<unknown>();
  const process = process_of(targets.loop, told);
  await soon(process.start());
  Deno.kill(await soon(told.get()) as number, "SIGKILL");
  await soon(process.join());
  assertEquals([process.exitcode, process.exception, hook.calls], [-9, null, []]);
});

Deno.test("Process: one that listens for SIGTERM may end well, and kill() ends it all the same", async () => {
  const told = new Queue<unknown>();
  for (const [ends, exitcode] of [[true, 0], [false, -9]] as const) {
    const process = process_of(targets.listen, told, ends);
    await soon(process.start());
    await soon(told.get());
    process.terminate();
    assertEquals(await soon(told.get()), "heard");
    if (!ends) process.kill();
    await soon(process.join());
    assertEquals(process.exitcode, exitcode);
  }
});

Deno.test("Process: Ctrl-C and the like do not end it", async () => {
  const told = new Queue<unknown>();
  const process = process_of(targets.wait, told);
  await soon(process.start());
  const pid = await soon(told.get()) as number;
  for (const signal of ["SIGINT", "SIGHUP", "SIGQUIT"] as const) Deno.kill(pid, signal);
  await soon(process.join(100));
  assertEquals(process.is_alive(), true);
  process.kill();
  await soon(process.join());
});

for (const how of ["terminate", "kill"] as const) {
  Deno.test(`Process: one that starts can be ended by ${how}(), and start() resolves`, async () => {
    const told = new Queue<unknown>();
    for (const wait of [0, 40, 80]) {
      const process = process_of(targets.loop, told);
      const start = process.start();
      if (wait > 0) await is_pending(start, wait);
      process[how]();
      await soon(start);
      await soon(process.join());
      assertEquals([process.exitcode, process.exception], [how === "kill" ? -9 : -15, null]);
    }
  });
}

Deno.test("Process: close() is for one that is over, and the end of it", async () => {
  const told = new Queue<unknown>();
  const process = process_of(targets.wait, told);
  await soon(process.start());
  assertThrows(() => process.close(), RangeError, "Cannot close a process while it is still");
  process.kill();
  await soon(process.join());
  process.close();
  process.close();
  const closed = Deno.errors.BadResource;
  const uses = [
    () => process.is_alive(),
    () => process.exitcode,
    () => process.pid,
    () => process.ident,
    () => process.terminate(),
    () => process.kill(),
  ];
  for (const use of uses) assertThrows(use, closed, `Cannot use ${process.name}: it is closed`);
  await assertRejects(() => process.start(), closed);
  await assertRejects(() => process.join(), closed);
  assertEquals(Deno.inspect(process).startsWith(`<Process(${process.name}, closed`), true);
  const never = process_of(targets.wait, told);
  never.close();
  await assertRejects(() => never.start(), closed);
});

Deno.test("Process: a subclass's fields go there and come back before join() resolves", async () => {
  const process = new classes.Adder(1, 2, 3);
  await run(process);
  assertEquals([process.sum, process.numbers, process.made_there], [6, [1, 2, 3], 0]);
  assertEquals([process.is_itself, await process.done.is_set(), process.exitcode], [true, true, 0]);
  assert(process.done instanceof multiprocessing.Event);
});

Deno.test("Process: a subclass's fields come back when run() throws, and not when it is ended", async () => {
  using hook = hooked();
  const failing = new classes.HalfDone(4, 5);
  await run(failing);
  assertEquals([failing.sum, failing.exitcode, hook.messages], [9, 1, ["adder: half done"]]);
  const looping = new classes.Looping(4, 5);
  await soon(looping.start());
  await soon(looping.done.wait());
  looping.terminate();
  await soon(looping.join());
  assertEquals([looping.sum, looping.exitcode], [0, -15]);
});

Deno.test("Process: only fields come back, nothing that its class has", async () => {
  const process = new classes.Shadowing();
  await run(process);
  assertEquals(Object.entries(process), [["own", 1], ["more", 1]]);
  assertEquals([process instanceof classes.Shadowing, typeof process.kill], [true, "function"]);
});

Deno.test("Process: super.run() of a subclass calls the target", async () => {
  const event = new multiprocessing.Event();
  const process = new classes.Twice({ target: targets.wait_for, args: [event], module });
  await event.set();
  await run(process);
  assertEquals([process.times, process.exitcode], [2, 0]);
});

Deno.test("Process: what cannot be sent to another process is refused at start(), and named", async () => {
  using hook = hooked();
  const told = new Queue<unknown>();
  const refused: [unknown, string][] = [
    [Promise.resolve(), "#<Promise> could not be cloned"],
    [new SharedArrayBuffer(4), "#<SharedArrayBuffer> could not be cloned"],
    [new Map([["lock", new multiprocessing.Lock()]]), "not in a Map, a Set or an object"],
    [() => 1, "give it a name, and export it from its module"],
  ];
  for (const [value, message] of refused) {
    const process = new Process({ target: targets.tell, args: [told, value], module });
    const error = await assertRejects(() => process.start(), TypeError, message);
    assert(error.message.startsWith(`Cannot pass argument 2 of ${process.name}: `), error.message);
    assertEquals([process.is_alive(), process.pid], [false, null]);
  }
  // It is sent only when the child is there.
  const changing: { value: unknown } = { value: 1 };
  const late = new Process({ target: targets.tell, args: [told, changing], module });
  const start = late.start();
  changing.value = new SharedArrayBuffer(1);
  const error = await assertRejects(() => soon(start));
  assertEquals((error as Error).message, "#<SharedArrayBuffer> could not be cloned.");
  await soon(late.join());
  assertEquals(multiprocessing.active_children(), []);
  await assertRejects(
    () => new classes.Uncloneable(new SharedArrayBuffer(1)).start(),
    TypeError,
    "the field field of Process-",
  );
  await assertRejects(() => new Process().start(), TypeError, "it has nothing to run");
  const brings = new classes.Uncloneable();
  await run(brings);
  assertEquals([brings.other, brings.field, brings.exitcode], ["set", null, 1]);
  assert(hook.messages[0]!.includes("the field field of Process-"), hook.messages[0]);
});

Deno.test("Process: what cannot be found in the child is refused at start(), which leaves nothing", async () => {
  using hook = hooked();
  const closure = () => {};
  function tell(): void {}
  class Unexported extends classes.Adder {}
  const nowhere = new URL("./nowhere.ts", import.meta.url).href;
  const broken = new URL("../../fixtures/threads/broken.ts", import.meta.url).href;
  const cases: [multiprocessing.Process, string][] = [
    [new Process({ target: closure, module }), "Cannot find the function closure in a worker"],
    [new Process({ target: tell, module }), "does not export it; export it, or say where it is"],
    [new Unexported(), "Cannot find the process class Unexported"],
    [new Process({ target: tell, module: nowhere }), "Module not found"],
    [new Process({ target: tell, module: broken }), "broken at load"],
  ];
  await at_once(cases, ([, message]) => message, async ([process, message]) => {
    await assertRejects(() => soon(process.start()), TypeError, message);
    assertInstanceOf(process.exception, TypeError);
    assertEquals([process.is_alive(), process.exitcode], [false, 1]);
    await soon(process.join());
  });
  assertEquals([multiprocessing.active_children(), hook.calls], [[], []]);
});

Deno.test("Process: ten that each put 1 MB and end before anybody gets: all arrives, join() resolves", async () => {
  for (const waits of [true, false]) {
    const items = new Queue<Uint8Array>();
    const processes = Array.from(
      { length: 10 },
      () => new Process({ target: targets.put_much, args: [items, 1_000_000, waits], module }),
    );
    await soon(Promise.all(processes.map((process) => process.start())), LONG);
    for (const process of processes) await soon(process.join());
    assertEquals(processes.map(({ exitcode }) => exitcode), Array(10).fill(0));
    assertEquals(await items.qsize(), 10);
    for (let at = 0; at < 10; at++) {
      const item = await items.get(false);
      assert(item.length === 1_000_000 && item.every((byte) => byte === 7));
    }
  }
});

Deno.test("Process: several count together under a lock", async () => {
  const [lock, numbers] = [new multiprocessing.Lock(), new Queue<number>()];
  await numbers.put(0);
  const processes = Array.from(
    { length: 4 },
    () => new Process({ target: targets.count, args: [lock, numbers, 20], module }),
  );
  await soon(Promise.all(processes.map((process) => process.start())), LONG);
  await soon(Promise.all(processes.map((process) => process.join())), LONG);
  assertEquals(await numbers.get(false), 80);
});

Deno.test("Process: a thread, a process and a pool in a process", async () => {
  const told = new Queue<unknown>();
  const outer = (what: "Thread" | "Process" | "pool") =>
    new Process({ target: targets.nested, args: [told, what], name: "outer", module });
  const common = { own: true, daemon: false, alive: true, exitcode: null, children: 0 };
  const parent = ["MainProcess", true, true];
  await run(outer("Thread"));
  const thread = "Thread-1 (tell_who)";
  assertEquals(await told.get(false), { ...common, name: "outer", thread, parent });
  assertEquals(await told.get(false), thread);
  const process = outer("Process");
  await run(process);
  const { name } = await told.get(false) as { name: string };
  assertEquals([name, await told.get(false)], [name, name]);
  assert(/^Process-\d+:1$/.test(name), name);
  await run(outer("pool"));
  assertEquals(await told.get(false), {
    ...common,
    name: "Worker-1",
    thread: "MainThread",
    parent: ["outer", true, true],
  });
});

Deno.test("Process: in a thread, whose process it has as its parent", async () => {
  const told = new Queue<unknown>();
  const args = [told, "Process"] as const;
  await run(new threading.Thread({ target: targets.nested, args: [...args], module }));
  const { name, parent } = await told.get(false) as { name: string; parent: unknown };
  assertEquals([name, parent], ["Process-1", ["MainProcess", true, true]]);
});

Deno.test("Process: a daemon may not have children; others have them, and wait for them", async () => {
  using hook = hooked();
  const told = new Queue<unknown>();
  const event = new multiprocessing.Event();
  const { nested, leave_inner } = targets;
  const daemon = new Process({ target: nested, args: [told, "Process"], daemon: true, module });
  await run(daemon);
  assertEquals(hook.messages, [
    `${daemon.name}: Daemonic processes are not allowed to have children`,
  ]);
  const waits = new Process({ target: leave_inner, args: [told, event, false], module });
  await soon(waits.start());
  assertEquals(await is_pending(waits.join(), 200), true);
  await event.set();
  await soon(waits.join());
  assertEquals(await told.get(false), "late");
  await event.clear();
  await run(new Process({ target: leave_inner, args: [told, event, true], module }));
  assertEquals(await told.qsize(), 0);
});
