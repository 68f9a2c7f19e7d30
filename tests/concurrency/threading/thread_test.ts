import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { Queue } from "../../../concurrency/queue/mod.ts";
import * as threading from "../../../concurrency/threading/mod.ts";
import * as classes from "../../fixtures/threads/classes.ts";
import * as targets from "../../fixtures/threads/targets.ts";
import { hooked } from "../../fixtures/threads/hooked.ts";
import { is_pending, soon } from "../../fixtures/tools/waiting.ts";

const { MODULE: module } = targets;

/** A thread that has been started, and has run to its end when the block is left. */
async function started<T extends threading.BaseThread>(thread: T): Promise<T & AsyncDisposable> {
  await soon(thread.start());
  return Object.assign(thread, {
    [Symbol.asyncDispose]: async () => await soon(thread.join()),
  });
}

/** Runs a thread to its end. */
async function run(thread: threading.BaseThread): Promise<void> {
  await soon(thread.start());
  await soon(thread.join());
}

Deno.test("Thread: its target gets its arguments, shared objects as what they are", async () => {
  const told = new Queue<unknown>();
  await run(new threading.Thread({ target: targets.tell, args: [told, 1, "two", [3n]], module }));
  assertEquals(await told.get(false), [1, "two", [3n]]);
});

Deno.test("Thread: functions are arguments, too", async () => {
  const told = new Queue<unknown>();
  await run(
    new threading.Thread({ target: targets.call, args: [told, targets.double, 21], module }),
  );
  assertEquals(await told.get(false), 42);
});

Deno.test("Thread: cannot be started twice, joined early, or terminated early", async () => {
  const event = new threading.Event();
  const thread = new threading.Thread({ target: targets.wait_for, args: [event], module });
  assertEquals([thread.is_alive(), thread.ident, thread.exception], [false, null, null]);
  await assertRejects(() => thread.join(), TypeError, "Cannot join thread before it is started");
  assertThrows(() => thread.terminate(), TypeError, "before it is started");
  const start = thread.start();
  assertEquals(thread.is_alive(), true);
  await assertRejects(() => thread.start(), TypeError, "Threads can only be started once");
  assertThrows(() => thread.daemon = true, TypeError, "Cannot set daemon status of active thread");
  await soon(start);
  await event.set();
  await soon(thread.join());
  await assertRejects(() => thread.start(), TypeError, "Threads can only be started once");
  await soon(thread.join());
  thread.terminate();
  assertEquals([thread.is_alive(), thread.exception], [false, null]);
});

Deno.test("Thread: its name and daemon can be set until it is started", async () => {
  const told = new Queue<{ name: string; daemon: boolean }>();
  const thread = new threading.Thread({ target: targets.who, args: [told], module });
  thread.name = "another";
  thread.daemon = true;
  await run(thread);
  const { name, daemon } = await told.get(false);
  assertEquals([name, daemon, thread.name, thread.daemon], ["another", true, "another", true]);
});

Deno.test("Thread: knows itself, the main thread and no others; not to be joined from inside", async () => {
  const told = new Queue<unknown>();
  const thread = new threading.Thread({ target: targets.who, args: [told], name: "me", module });
  await run(thread);
  assertEquals(await told.get(false), {
    name: "me",
    ident: thread.ident,
    daemon: false,
    own: true,
    alive: true,
    main: "MainThread",
    all: ["MainThread", "me"],
    count: 2,
    restart: "Threads can only be started once",
    join: "Cannot join current thread",
    terminate: "Cannot terminate current thread: return from it",
  });
});

Deno.test("Thread: names, enumerate() and active_count()", async () => {
  const event = new threading.Event();
  const make = () => new threading.Thread({ target: targets.wait_for, args: [event], module });
  const [one, other] = [make(), make()];
  const [, number] = /^Thread-(\d+) \(wait_for\)$/.exec(one.name)!;
  assertEquals(other.name, `Thread-${Number(number) + 1} (wait_for)`);
  assertEquals(new classes.Looping().name, "adder");
  assertEquals(new classes.Uncloneable().name, `Thread-${Number(number) + 2}`);
  assertEquals(threading.enumerate(), [threading.main_thread()]);
  assertEquals(threading.current_thread(), threading.main_thread());
  assertEquals(threading.main_thread().name, "MainThread");
  {
    await using _one = await started(one);
    await using _other = await started(other);
    assert(one.ident !== other.ident && one.ident !== threading.main_thread().ident);
    assertEquals(threading.enumerate(), [threading.main_thread(), one, other]);
    assertEquals(threading.active_count(), 3);
    await event.set();
  }
  assertEquals(threading.active_count(), 1);
  await assertRejects(
    () => threading.main_thread().join(),
    TypeError,
    "Cannot join current thread",
  );
  await assertRejects(() => threading.main_thread().start(), TypeError, "only be started once");
});

Deno.test("Thread: options are checked", () => {
  // deno-lint-ignore no-explicit-any
  const make = (options: any) => () => new threading.Thread(options);
  assertThrows(make({ target: "f" }), TypeError, "the target must be a function");
  assertThrows(make({ target: () => {}, args: "ab" }), TypeError, "they must be an array");
  assertThrows(make({ targt: () => {} }), TypeError, "there is no option of this name");
  assertThrows(
    // deno-lint-ignore no-explicit-any
    () => new threading.AsyncThread({ module } as any),
    TypeError,
    'Cannot use the option "module"',
  );
});

/** Never called: its types are what is tested. */
export function typed(one: (n: number, s?: string) => void, none: () => Promise<number>): void {
  new threading.Thread({ target: one, args: [1] });
  new threading.Thread({ target: one, args: [1, "two"], name: "three", daemon: true, module });
  new threading.Thread({ target: none });
  new threading.AsyncThread({
    target: (event: threading.Event) => event.set(),
    args: [new threading.Event()],
  });
  // @ts-expect-error: its argument is missing
  new threading.Thread({ target: one });
  // @ts-expect-error: the same
  new threading.Thread({ target: one, args: [] });
  // @ts-expect-error: it is no number
  new threading.Thread({ target: one, args: ["1"] });
  // @ts-expect-error: there are too many
  new threading.Thread({ target: none, args: [1] });
  // @ts-expect-error: it is no event
  new threading.AsyncThread({ target: (event: threading.Event) => event.set(), args: [1] });
}

Deno.test("Thread: what cannot be found in a worker is refused at start()", async () => {
  const closure = () => {};
  const cases: [() => void, string][] = [
    [closure, "Cannot find the function closure in a worker: file://"],
    [closure.bind(null), "Cannot find the function bound closure in another thread"],
    [[() => {}][0]!, "Cannot find the function without a name in another thread"],
  ];
  for (const [target, message] of cases) {
    const thread = new threading.Thread({ target, module });
    const error = await assertRejects(() => soon(thread.start()), TypeError, message);
    assert(
      error.message.endsWith("or take AsyncThread, which runs any function on this event loop"),
    );
    assertEquals(thread.is_alive(), false);
  }
  assertEquals(threading.active_count(), 1);
});

Deno.test("Thread: a namesake is not called in error", async () => {
  function tell(): void {}
  await assertRejects(
    () => soon(new threading.Thread({ target: tell, module }).start()),
    TypeError,
    "does not export it; export it, or say where it is with tell.module = import.meta.url",
  );
});

Deno.test("Thread: start() says why the module cannot be loaded, and nobody else does", async () => {
  const module = new URL("../../fixtures/threads/broken.ts", import.meta.url).href;
  using hook = hooked();
  const thread = new threading.Thread({ target: targets.fail, args: ["never"], module });
  await assertRejects(() => soon(thread.start()), TypeError, "broken at load");
  assertInstanceOf(thread.exception, TypeError);
  await soon(thread.join());
  assertEquals(hook.calls, []);
});

Deno.test("Thread: what cannot be cloned is refused at start(), and named", async () => {
  const told = new Queue<unknown>();
  const args = [told, 1, Promise.resolve()] as const;
  const thread = new threading.Thread({ target: targets.tell, args, module });
  await assertRejects(() => thread.start(), TypeError, `argument 3 of ${thread.name}`);
  assertEquals(thread.is_alive(), false);
  await assertRejects(
    () => new classes.Uncloneable(Promise.resolve()).start(),
    TypeError,
    "the field field of",
  );
  await assertRejects(() => new threading.Thread().start(), TypeError, "it has nothing to run");
  class Nameless extends classes.Adder {}
  Object.defineProperty(Nameless, "name", { value: "" });
  await assertRejects(() => new Nameless().start(), TypeError, "thread class without a name");
  class Unexported extends classes.Adder {}
  await assertRejects(
    () => soon(new Unexported().start()),
    TypeError,
    "Cannot find the thread class Unexported",
  );
});

Deno.test("Thread: errors go to the hook, with their class, and join() resolves", async () => {
  using hook = hooked();
  const thread = new threading.Thread({ target: targets.fail, args: ["wrong"], module });
  await run(thread);
  const [{ error, thread: told }] = hook.calls as [{ error: Error; thread: unknown }];
  assertInstanceOf(error, RangeError);
  assertEquals([error.message, told, thread.exception], ["wrong", thread, error]);
  assertInstanceOf(error.cause, TypeError);
  assert(error.stack?.includes("targets.ts"), error.stack);
});

Deno.test("Thread: a worker that ends before its time is an error of the thread", async () => {
  using hook = hooked();
  const event = new threading.Event();
  const exits = new threading.Thread({ target: targets.exit, name: "exits", module });
  await run(exits);
  const rejects = new threading.Thread({
    target: targets.leave,
    args: [event],
    name: "rejects",
    module,
  });
  await run(rejects);
  assertEquals(hook.messages, [
    "exits: exits ended while it handled the run",
    "rejects: rejects ended while it handled the run: a promise was rejected, and nobody awaited it",
  ]);
  assertInstanceOf((rejects.exception as Error).cause, RangeError);
});

Deno.test("Thread: a promise that is rejected when the function is done is an error of the thread", async () => {
  using hook = hooked();
  const thread = new threading.Thread({ target: targets.leave_last, name: "leaves", module });
  await run(thread);
  assertEquals(hook.messages, ["leaves: left alone"]);
  assertInstanceOf(thread.exception, RangeError);
});

Deno.test("Thread: a call of a shared object that nobody awaits is reported, and harms nobody", async () => {
  using hook = hooked();
  const [gone, go_on] = [new threading.Event(), new threading.Event()];
  await using thread = await started(
    new threading.Thread({ target: targets.leave_call, args: [gone, go_on], module }),
  );
  await go_on.is_set();
  gone[Symbol.dispose]();
  await soon(hook.called());
  assertEquals(thread.is_alive(), true);
  assertInstanceOf(hook.calls[0]!.error, Deno.errors.BadResource);
  await go_on.set();
  await soon(thread.join());
  assertEquals(thread.exception, null);
});

Deno.test("Thread: join() has a timeout and a signal", async () => {
  const event = new threading.Event();
  await using thread = await started(
    new threading.Thread({ target: targets.wait_for, args: [event], module }),
  );
  await soon(thread.join(10));
  await soon(thread.join({ timeout: 0 }));
  assertEquals(thread.is_alive(), true);
  const controller = new AbortController();
  const joining = thread.join({ signal: controller.signal });
  controller.abort(new RangeError("enough"));
  await assertRejects(() => soon(joining), RangeError, "enough");
  await assertRejects(() => thread.join(-1), RangeError);
  await event.set();
});

Deno.test("Thread: a subclass's fields go there and come back before join() resolves", async () => {
  const thread = new classes.Adder(1, 2, 3);
  await run(thread);
  assertEquals([thread.sum, thread.numbers, thread.extra], [6, [1, 2, 3], new Map([["sum", 6]])]);
  assertEquals([thread.who, thread.made_there, thread.exception], ["adder", 0, null]);
  assertEquals(await thread.done.is_set(), true);
  assert(thread.done instanceof threading.Event);
});

Deno.test("Thread: a subclass's fields come back when run() throws, too", async () => {
  using hook = hooked();
  const thread = new classes.HalfDone(4, 5);
  await run(thread);
  assertEquals([thread.sum, hook.messages], [9, ["adder: half done"]]);
});

Deno.test("Thread: what is #private is not in the thread, and what cannot be cloned does not come back", async () => {
  using hook = hooked();
  const secretive = new classes.Secretive(1);
  await run(secretive);
  assertInstanceOf(secretive.exception, TypeError);
  const uncloneable = new classes.Uncloneable();
  await run(uncloneable);
  assertEquals([uncloneable.other, uncloneable.field], ["set", null]);
  assert(hook.messages[1]!.includes("the field field of"), hook.messages[1]!);
});

Deno.test("Thread: super.run() of a subclass calls the target", async () => {
  const event = new threading.Event();
  const target = targets.wait_for;
  await using thread = await started(new classes.Twice({ target, args: [event], module }));
  await event.set();
  await soon(thread.join());
  assertEquals([thread.times, thread.exception], [2, null]);
});

for (const name of ["wait", "loop"] as const) {
  Deno.test(`Thread: terminate() ends one that is to ${name} for ever`, async () => {
    using hook = hooked();
    const there = new threading.Event();
    const thread = new threading.Thread({ target: targets[name], args: [there], module });
    await soon(thread.start());
    await soon(there.wait());
    thread.terminate();
    thread.terminate();
    await soon(thread.join());
    assertEquals([thread.is_alive(), thread.exception, hook.calls], [false, null, []]);
  });
}

Deno.test("Thread: one that starts can be terminated, and start() resolves", async () => {
  const there = new threading.Event();
  const thread = new threading.Thread({ target: targets.loop, args: [there], module });
  const start = thread.start();
  thread.terminate();
  await soon(start);
  await soon(thread.join());
  assertEquals([thread.is_alive(), thread.exception], [false, null]);
});

Deno.test("Thread: the fields of one that is terminated stay as they are", async () => {
  const thread = new classes.Looping(1, 2);
  await soon(thread.start());
  await soon(thread.done.wait());
  thread.terminate();
  await soon(thread.join());
  assertEquals(thread.sum, 0);
});

Deno.test("Thread: the lock of one that is terminated in a loop comes back, abandoned", async () => {
  using reports = silent_reports();
  const [there, lock] = [new threading.Event(), new threading.Lock()];
  const thread = new threading.Thread({ target: targets.loop, args: [there, lock], module });
  await soon(thread.start());
  await soon(there.wait());
  const waiting = lock.hold();
  assertEquals(await is_pending(waiting, 20), true);
  thread.terminate();
  using hold = await soon(waiting);
  assertEquals([hold.abandoned, reports.count], [true, 1]);
  await soon(thread.join());
});

Deno.test("Thread: 20 at once count together, and all of them end", async () => {
  const [lock, numbers] = [new threading.Lock(), new Queue<number>()];
  await numbers.put(0);
  const threads = Array.from(
    { length: 20 },
    () => new threading.Thread({ target: targets.count, args: [lock, numbers, 5], module }),
  );
  await soon(Promise.all(threads.map((thread) => thread.start())), 100_000);
  await soon(Promise.all(threads.map((thread) => thread.join())), 100_000);
  assertEquals(await numbers.get(false), 100);
  assertEquals(new Set(threads.map(({ ident }) => ident)).size, 20);
});

Deno.test("Thread: may start others; it is alive until these have ended", async () => {
  const [told, event] = [new Queue<unknown>(), new threading.Event()];
  const thread = new threading.Thread({
    target: targets.start_one,
    args: [told, event, false],
    name: "outer",
    module,
  });
  await soon(thread.start());
  assertEquals(await soon(told.get()), ["MainThread", "outer", "Thread-1 (tell_late)"]);
  assertEquals(await is_pending(thread.join(), 50), true);
  await event.set();
  assertEquals(await soon(told.get()), "late");
  await soon(thread.join());
});

Deno.test("Thread: what it has started may start others when its own run is over", async () => {
  const [told, event] = [new Queue<unknown>(), new threading.Event()];
  const { start_late } = targets;
  await using thread = await started(
    new threading.Thread({ target: start_late, args: [told, event], module }),
  );
  assertEquals(await is_pending(thread.join(), 50), true);
  await event.set();
  await soon(told.get());
  assertEquals(await soon(told.get()), "late");
});

Deno.test("Thread: the daemons that it has started end with it", async () => {
  const [told, event] = [new Queue<unknown>(), new threading.Event()];
  const args = [told, event, true] as const;
  await run(new threading.Thread({ target: targets.start_one, args: [...args], module }));
  await event.set();
  assertEquals(await told.qsize(), 1);
});

Deno.test("Thread: when it is terminated, those that it has started end, in a loop, too", async () => {
  using _reports = silent_reports();
  const [there, lock] = [new threading.Event(), new threading.Lock()];
  const thread = new threading.Thread({ target: targets.start_inner, args: [there, lock], module });
  await soon(thread.start());
  await soon(there.wait());
  thread.terminate();
  await soon(thread.join());
  using hold = await soon(lock.hold());
  assertEquals(hold.abandoned, true);
});

Deno.test("Thread: an AsyncThread in it is a thread of its own", async () => {
  const told = new Queue<unknown>();
  const { two_in_one } = targets;
  await run(new threading.Thread({ target: two_in_one, args: [told], name: "outer", module }));
  assertEquals(await told.get(), ["inner", "inner", "of the module"]);
  assertEquals(await told.get(), ["outer", "outer", "of the module"]);
});

/** Keeps reports of abandoned locks off the screen, and counts them. */
function silent_reports(): Disposable & { count: number } {
  const { error } = console;
  const reports = {
    count: 0,
    [Symbol.dispose]() {
      console.error = error;
    },
  };
  console.error = () => reports.count++;
  return reports;
}
