import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../../concurrency/futures/mod.ts";
import { Array as Numbers, Event, Lock, Value } from "../../../concurrency/multiprocessing/mod.ts";
import * as tasks from "../../fixtures/tasks/number_tasks.ts";
import { LONG, soon } from "../../fixtures/tools/waiting.ts";

const module = tasks.MODULE;

function new_numbers(): tasks.Numbers {
  const codes = [..."bBhHiIlLqQfd"] as "i"[];
  return {
    ...Object.fromEntries(codes.map((code) => [code, new Value(code)])),
    list: new Numbers("d", 5),
    whole: new Numbers("B", [1, 2]),
  } as unknown as tasks.Numbers;
}

for (const [name, run] of Object.entries(tasks.NUMBER_CASES)) {
  Deno.test(`Value, Array: ${name}`, () => soon(run(new_numbers())));
}

Deno.test("Value, Array: what they are made with", async () => {
  assertEquals(await new Value("i").get(), 0);
  assertEquals(await new Value("q", 5).get(), 5n);
  assertEquals(await new Numbers("h", new Set([3, 4])).slice(), [3, 4]);
  assertEquals(await new Numbers("d", 0).slice(), []);
  for (const code of ["c", "x", "", 1, undefined]) {
    assertThrows(() => new Value(code as never), TypeError, "there are b B h H");
  }
  assertThrows(() => new Value("b", 128), RangeError, "out of its range");
  assertThrows(() => new Value("b", "1" as never), TypeError);
  for (const size of [-1, 0.5, NaN]) {
    assertThrows(() => new Numbers("b", size), RangeError, "whole number");
  }
  assertThrows(() => new Value("i", 0, { lock: 1 as never }), TypeError, "a boolean, or a lock");
  assertThrows(() => new Value("i", 0, { look: true } as never), TypeError, "no option");
  const value = new Value("i") as unknown as { value: number };
  assertThrows(() => value.value, TypeError, "await its get()");
  assertThrows(() => (value.value = 1), TypeError, "await its get()");
});

Deno.test("Value, Array: their lock is their own, a given one, or none", async () => {
  const lock = new Lock();
  const given = new Value("i", 0, { lock });
  assertEquals(given.get_lock() === lock, true);
  const none = new Numbers("i", 1, { lock: false });
  assertThrows(() => none.get_lock(), TypeError, "{ lock: false }");
  const own = new Value("i");
  const its_lock = own.get_lock();
  own[Symbol.dispose]();
  await assertRejects(() => own.get(), Deno.errors.BadResource);
  await assertRejects(() => own.add(1), Deno.errors.BadResource);
  await assertRejects(() => its_lock.acquire(), Deno.errors.BadResource);
  given[Symbol.dispose]();
  assertEquals(await lock.acquire(), true);
});

for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  const way = Executor === ThreadPoolExecutor ? "thread" : "child";

  Deno.test(`Value, Array: the same cases in a ${way}, with numbers that are at home here (87)`, async () => {
    await using executor = new Executor(1, { module });
    for (const name of Object.keys(tasks.NUMBER_CASES)) {
      await soon(executor.submit(tasks.try_number_case, name, new_numbers()).result());
    }
  });

  Deno.test(`Value: a ${way} sees what is stored here, and not when it is withdrawn`, async () => {
    await using executor = new Executor(1, { module });
    const [value, there] = [new Value("d"), new Event()];
    const seen = executor.submit(tasks.wait_for_number, value, there);
    await soon(there.wait());
    await value.set(0.5);
    assertEquals(await soon(seen.result()), 0.5);
    await value.set(0);
    const next = executor.submit(tasks.wait_for_number, value, there);
    await there.clear();
    await soon(there.wait());
    value[Symbol.dispose]();
    await assertRejects(() => soon(next.result()), Deno.errors.BadResource);
  });
}

Deno.test("Value, Array: the function of update() cannot change what it is of: it would never end", async () => {
  const [value, array] = [new Value("i", 1), new Numbers("i", [1, 2])];
  const told: Promise<unknown>[] = [];
  const note = (change: Promise<unknown>) => told.push(assertRejects(() => change, TypeError));
  assertEquals(await value.update((n) => (note(value.set(7)), n + 1)), 2);
  assertEquals(await value.update((n) => (note(value.add(7)), n + 1)), 3);
  assertEquals(await array.update(0, (n) => (note(array.update(1, () => 7)), n + 1)), 2);
  assertEquals((await Promise.all(told)).length, 3);
});

for (const how of ["add", "update", "lock"] as const) {
  for (const code of ["i", "d", "q"] as const) {
    if (how !== "add" && code === "q") continue;
    // A lock takes messages each time that it changes hands.
    const times = how === "lock" ? 1000 : 10_000;
    Deno.test(`Value, Array: "${code}" is exact by ${how} in 3 threads and 2 children (87)`, async () => {
      await using threads = new ThreadPoolExecutor(3, { module });
      await using children = new ProcessPoolExecutor(2, { module });
      const value = new Value<"i" | "d" | "q">(code);
      const list = new Numbers<"i" | "d" | "q">(code, 3);
      const workers = [threads, threads, threads, children, children];
      const counting = workers.map((workers) =>
        workers.submit(tasks.count, how, times, value, list)
      );
      await soon(Promise.all(counting), LONG);
      const number = (n: number): number | bigint => code === "q" ? BigInt(n) : n;
      assertEquals(await value.get(), number(5 * times));
      assertEquals(await list.slice(), [0, times / 2, 0].map(number));
    });
  }
}
