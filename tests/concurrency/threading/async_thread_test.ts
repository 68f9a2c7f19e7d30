import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import * as threading from "../../../concurrency/threading/mod.ts";
import { hooked } from "../../fixtures/threads/hooked.ts";
import { is_pending, soon } from "../../fixtures/tools/waiting.ts";

Deno.test("AsyncThread: runs a closure, as a thread of its own, when start() has returned", async () => {
  const seen: unknown[] = [];
  const thread: threading.AsyncThread<[a: number, b?: string]> = new threading.AsyncThread({
    target: async (a: number, b?: string) => {
      seen.push(a, b, threading.current_thread() === thread);
      await undefined;
      seen.push(threading.current_thread() === thread, thread.is_alive());
      seen.push(await thread.join().catch(({ message }) => message));
    },
    args: [1, "b"],
  });
  assertEquals([thread.is_alive(), thread.ident], [false, null]);
  const start = thread.start();
  assertEquals([seen, thread.is_alive()], [[], true]);
  assertEquals(threading.enumerate(), [threading.main_thread(), thread]);
  await soon(start);
  await soon(thread.join());
  assertEquals(seen, [1, "b", true, true, true, "Cannot join current thread"]);
  assertEquals([thread.is_alive(), threading.active_count()], [false, 1]);
});

Deno.test("AsyncThread: cannot be started twice or joined early; names and numbers", async () => {
  const [one, other] = [
    new threading.AsyncThread({ target: function work() {} }),
    new threading.AsyncThread({ target: () => {}, name: "other" }),
  ];
  assert(/^AsyncThread-\d+ \(work\)$/.test(one.name), one.name);
  assertEquals(other.name, "other");
  await assertRejects(() => one.join(), TypeError, "Cannot join thread before it is started");
  await one.start();
  await other.start();
  assert(one.ident !== other.ident && one.ident !== threading.main_thread().ident);
  await assertRejects(() => one.start(), TypeError, "Threads can only be started once");
  await soon(Promise.all([one.join(), other.join()]));
  await assertRejects(() => one.start(), TypeError, "Threads can only be started once");
});

Deno.test("AsyncThread: errors go to the hook, and join() resolves", async () => {
  using hook = hooked();
  const error = new RangeError("wrong");
  const thread = new threading.AsyncThread({ target: () => Promise.reject(error) });
  await thread.start();
  await soon(thread.join());
  assertEquals([hook.calls, thread.exception], [[{ error, thread }], error]);
});

Deno.test("AsyncThread: a hook that throws does no harm", async () => {
  const { error } = console;
  const printed: string[] = [];
  console.error = (text) => printed.push(text);
  try {
    threading.set_excepthook(() => {
      throw new Error("the hook");
    });
    const target = () => {
      throw new Error("the thread");
    };
    const thread = new threading.AsyncThread({ target, name: "thrower" });
    await thread.start();
    await soon(thread.join());
  } finally {
    console.error = error;
    threading.set_excepthook(null);
  }
  assertEquals(printed.length, 2);
  assertStringIncludes(printed[0]!, "Exception in thrower: Error: the thread\n");
  assertStringIncludes(printed[1]!, "The hook of set_excepthook() has failed: Error: the hook\n");
});

Deno.test("AsyncThread: a call of a shared object that nobody awaits goes to the hook", async () => {
  using hook = hooked();
  const event = new threading.Event();
  const thread = new threading.AsyncThread({
    target: async () => {
      void event.wait(-1);
      await event.wait();
    },
  });
  await thread.start();
  await soon(hook.called());
  assertInstanceOf(hook.calls[0]!.error, RangeError);
  await event.set();
  await soon(thread.join());
});

Deno.test("AsyncThread: two exclude each other, and a hold ends with its thread", async () => {
  const lock = new threading.Lock();
  const holds: threading.Hold[] = [];
  const target = async () => void holds.push(await lock.hold());
  const [one, other] = [
    new threading.AsyncThread({ target }),
    new threading.AsyncThread({ target }),
  ];
  await one.start();
  await other.start();
  await soon(Promise.all([one.join(), other.join()]));
  assertEquals(holds.length, 2);
  assertEquals(await lock.locked(), false);
});

Deno.test("AsyncThread: a subclass with run() keeps its fields, as it is here", async () => {
  class Adder extends threading.AsyncThread {
    sum = 0;
    #numbers: number[];
    constructor(...numbers: number[]) {
      super();
      this.#numbers = numbers;
    }
    override async run(): Promise<void> {
      for (const number of this.#numbers) this.sum += await Promise.resolve(number);
    }
  }
  const thread = new Adder(1, 2, 3);
  await thread.start();
  await soon(thread.join());
  assertEquals(thread.sum, 6);
});

Deno.test("AsyncThread: those that it makes are daemons if it is one", async () => {
  const daemons: boolean[] = [];
  const target = () => void daemons.push(new threading.AsyncThread({ target }).daemon);
  for (const daemon of [true, false]) {
    const thread = new threading.AsyncThread({ target, daemon });
    await thread.start();
    await soon(thread.join());
  }
  assertEquals(daemons, [true, false]);
});

Deno.test("AsyncThread: does not run in the context of who starts it", async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const target = async () => {
    seen.push(storage.getStore());
    await undefined;
    seen.push(storage.getStore());
  };
  const thread = new threading.AsyncThread({ target });
  await storage.run("of the starter", () => thread.start());
  await soon(thread.join());
  assertEquals(seen, [undefined, undefined]);
});

Deno.test("AsyncThread: join() has a timeout", async () => {
  const event = new threading.Event();
  const thread = new threading.AsyncThread({ target: () => event.wait() });
  await thread.start();
  await soon(thread.join(5));
  assertEquals(thread.is_alive(), true);
  assertEquals(await is_pending(thread.join(), 5), true);
  await event.set();
  await soon(thread.join());
});
