import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type ExceptHook,
  Lock,
  set_excepthook,
  Timer,
} from "../../../concurrency/threading/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { ending_of } from "../../fixtures/programs/programs.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

const THREADING = new URL("../../../concurrency/threading/mod.ts", import.meta.url).href;

/** Has errors of timers noted until the block is left. */
function noting(): { told: Parameters<ExceptHook>[0][] } & Disposable {
  const told: Parameters<ExceptHook>[0][] = [];
  set_excepthook((args) => void told.push(args));
  return { told, [Symbol.dispose]: () => set_excepthook(null) };
}

Deno.test("Timer: it calls its function once, after the interval, with its arguments", async () => {
  const calls: unknown[] = [];
  const start = performance.now();
  const timer = new Timer(50, (one: number, two: string) => void calls.push([one, two]), [1, "b"]);
  assertEquals(timer.is_alive(), false);
  timer.start();
  assertEquals([timer.is_alive(), calls], [true, []]);
  await soon(timer.join());
  // Timers may be early by less than 2 ms.
  assert(performance.now() - start > 48);
  assertEquals([timer.is_alive(), calls], [false, [[1, "b"]]]);
  await timer.join();
});

Deno.test("Timer: keyword arguments come last, as one object", async () => {
  const calls: unknown[] = [];
  const note = (...args: unknown[]) => void calls.push(args);
  const timers = [
    new Timer(0, note, [1], { b: 2 }),
    new Timer(0, note, null, { c: 3 }),
    new Timer(0, note),
  ];
  for (const timer of timers) {
    timer.start();
    await soon(timer.join());
  }
  assertEquals(calls, [[1, { b: 2 }], [{ c: 3 }], []]);
});

Deno.test("Timer: cancel() stops it while it waits only", async () => {
  let calls = 0;
  const waiting = new Timer(60_000, () => calls++);
  waiting.start();
  const joined = waiting.join();
  waiting.cancel();
  await soon(joined);
  assertEquals(waiting.is_alive(), false);
  const gate = Promise.withResolvers<void>();
  const running = new Timer(0, async () => {
    calls++;
    await gate.promise;
  });
  running.start();
  await until(() => calls === 1);
  running.cancel();
  assertEquals(running.is_alive(), true);
  gate.resolve();
  await soon(running.join());
  const fresh = new Timer(0, () => calls++);
  fresh.cancel();
  fresh.start();
  await soon(fresh.join());
  assertEquals(calls, 1);
});

Deno.test("Timer: what makes no sense is refused", async () => {
  for (const interval of [-1, NaN, Infinity, 2 ** 31, "1" as never, undefined as never]) {
    assertThrows(() => new Timer(interval, () => {}), RangeError, "ms");
  }
  assertThrows(() => new Timer(1, "call" as never), TypeError, "must be a function");
  const timer = new Timer(60_000, () => {});
  await assertRejects(() => timer.join(), TypeError, "not started");
  timer.start();
  assertThrows(() => timer.start(), TypeError, "twice");
  assertThrows(() => timer.daemon = true, TypeError, "was started");
  await assertRejects(() => timer.join(-1), RangeError);
  timer.cancel();
  assertThrows(() => timer.start(), TypeError, "twice");
});

Deno.test("Timer: join() takes a timeout and a signal, and not from its own function", async () => {
  const timer = new Timer(60_000, () => {});
  timer.start();
  await soon(timer.join(1));
  await soon(timer.join({ timeout: 0 }));
  const controller = new AbortController();
  const joined = timer.join({ signal: controller.signal });
  controller.abort(new URIError("no longer"));
  await assertRejects(() => joined, URIError, "no longer");
  await assertRejects(() => timer.join({ signal: controller.signal }), URIError);
  assertEquals(timer.is_alive(), true);
  timer.cancel();
  using hook = noting();
  const itself: Timer = new Timer(0, () => itself.join());
  itself.start();
  await soon(itself.join());
  assertEquals(hook.told.map(({ error }) => (error as Error).name), ["TypeError"]);
});

Deno.test("Timer: what its function throws goes to the hook, and join() resolves", async () => {
  using hook = noting();
  const error = new RangeError("no good");
  const throwing = new Timer(0, () => {
    throw error;
  });
  const rejecting = new Timer(0, () => Promise.reject(error));
  for (const timer of [throwing, rejecting]) {
    timer.start();
    await soon(timer.join());
  }
  assertEquals(hook.told, [{ error, thread: throwing }, { error, thread: rejecting }]);
  assert(throwing.name.startsWith("Timer-"));
});

Deno.test("Timer: its function is a task, which what it holds ends with", async () => {
  using hook = noting();
  const lock = new Lock();
  const queue = new Queue<number>();
  const timer = new Timer(0, async () => {
    await lock.hold();
    // Nobody awaits it.
    void queue.get_nowait();
  });
  timer.start();
  await soon(timer.join());
  assertEquals(await lock.locked(), false);
  await until(() => hook.told.length > 0);
  assertEquals(hook.told.map(({ error }) => (error as Error).name), ["Empty"]);
});

Deno.test("Timer: one that waits keeps a program, a daemon does not; errors are printed", async () => {
  const code = `
    import { Timer, set_excepthook } from "${THREADING}";
    const daemon = new Timer(600_000, () => {});
    daemon.daemon = true;
    daemon.start();
    new Timer(100, console.log, ["It rang"]).start();
    const failing = new Timer(0, () => { throw new RangeError("no good") });
    failing.name = "the alarm";
    failing.start();
    await failing.join();
    set_excepthook(() => { throw new Error("nor is this") });
    const other = new Timer(0, () => { throw new RangeError("bad, too") });
    other.start();
  `;
  const { code: exit, output, errors } = await ending_of(Deno.execPath(), ["eval", code], {
    env: { NO_COLOR: "1" },
  });
  assertEquals([exit, output], [0, "It rang\n"]);
  for (const told of ["Exception in the alarm: RangeError: no good", "bad, too", "nor is this"]) {
    assert(errors.includes(told), errors);
  }
});
