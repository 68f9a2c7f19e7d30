/** Dicts, lists and namespaces: at home here, in a process of its own, and in another program. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  Condition,
  type DictProxy,
  type Event,
  ListProxy,
  Manager,
  Queue,
} from "../../../../concurrency/multiprocessing/mod.ts";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../../../concurrency/futures/mod.ts";
import { Thread } from "../../../../concurrency/threading/mod.ts";
import { Managing } from "../../../fixtures/managers/managing.ts";
import { fill_dict } from "../../../fixtures/managers/tasks.ts";
import { soon } from "../../../fixtures/tools/waiting.ts";

type Dict = DictProxy<string, unknown>;

async function dicts(dict: DictProxy<string | number, unknown>): Promise<void> {
  assertEquals([await dict.size(), await dict.keys()], [0, []]);
  await dict.set("a", { n: 1 });
  await dict.set(1, [2]);
  await dict.set("1", undefined);
  assertEquals(await dict.items(), [["a", { n: 1 }], [1, [2]], ["1", undefined]]);
  assertEquals(await dict.values(), [{ n: 1 }, [2], undefined]);
  assertEquals([await dict.has("1"), await dict.has(2)], [true, false]);
  assertEquals(await dict.get("none"), undefined);
  assertEquals(await dict.get("none", 5), 5);
  assertEquals(await dict.get("1", 5), undefined);
  assertEquals([await dict.delete("1"), await dict.delete("1")], [true, false]);
  assertEquals([await dict.pop(1), await dict.pop(1), await dict.pop(1, 7)], [[2], undefined, 7]);
  await dict.update(new Map([["b", 1], ["a", 2]]));
  assertEquals(await dict.items(), [["a", 2], ["b", 1]]);
  await assertRejects(() => dict.set({} as never, 1), TypeError, "A key cannot be an object");
  await assertRejects(
    () => dict.update([[{} as never, 1]]),
    TypeError,
    "A key cannot be an object",
  );
  await assertRejects(
    () => dict.update({ a: 1 } as never),
    TypeError,
    "with { a: 1 }: give it pairs",
  );
  await dict.clear();
  assertEquals(await dict.size(), 0);
}

async function lists(list: ListProxy<unknown>): Promise<void> {
  assertEquals([await list.length(), await list.copy()], [0, []]);
  await list.append("a");
  await list.extend(new Set(["b", "c"]));
  await list.insert(1, { n: 1 });
  await list.insert(-1, "before the last");
  await list.insert(100, "last");
  assertEquals(await list.copy(), ["a", { n: 1 }, "b", "before the last", "c", "last"]);
  assertEquals([await list.get(0), await list.get(-1)], ["a", "last"]);
  await list.set(-1, "z");
  assertEquals([await list.pop(), await list.pop(0)], ["z", "a"]);
  assertEquals(await list.index({ n: 1 }), 0);
  await list.remove({ n: 1 });
  assertEquals(await list.copy(), ["b", "before the last", "c"]);
  for (const index of [3, -4, 0.5, NaN]) {
    await assertRejects(() => list.get(index), RangeError, "There is no place");
  }
  await assertRejects(
    () => list.set(3, 1),
    RangeError,
    "There is no place 3 in the list, which has 3",
  );
  await assertRejects(() => list.remove("none"), RangeError, "no such value");
  await assertRejects(() => list.index("none"), RangeError, "no such value");
  for (let left = 3; left > 0; left--) await list.pop();
  await assertRejects(() => list.pop(), RangeError, "There is no place -1");
}

/** What is in a dict or a list changes only where it is set. */
async function copies(dict: Dict, list: ListProxy<number[]>): Promise<void> {
  const value = { n: 1 };
  const set = dict.set("value", value);
  value.n = 2;
  await set;
  const got = await dict.get("value") as typeof value;
  got.n = 3;
  assertEquals(await dict.get("value"), { n: 1 });
  await list.append([1]);
  (await list.copy())[0]!.push(2);
  assertEquals(await list.get(0), [1]);
  await assertRejects(() => dict.set("value", Symbol("s")), DOMException);
}

async function nested(dict: Dict, list: ListProxy<unknown>): Promise<void> {
  await dict.set("list", [list, new Queue<string>()]);
  const [same, queue] = await dict.get("list") as [ListProxy<unknown>, Queue<string>];
  assertInstanceOf(same, ListProxy);
  await same.append("far inside");
  assertEquals(await list.get(-1), "far inside");
  await queue.put("item");
  const [, again] = await dict.get("list") as [unknown, Queue<string>];
  assertEquals(await again.get(), "item");
}

for (const process of [false, true]) {
  const where = process ? "in a process of its own" : "in this process";
  Deno.test(`${where}: dicts, lists, namespaces`, async () => {
    await using manager = new Manager({ process });
    await dicts(await manager.dict());
    await lists(await manager.list());
    await copies(await manager.dict(), await manager.list());
    await nested(await manager.dict(), await manager.list());
    const namespace = await manager.Namespace({ depth: 1, name: "a" });
    await namespace.set("depth", 2);
    assertEquals([await namespace.get("depth"), await namespace.get("name")], [2, "a"]);
    assertEquals([await namespace.delete("name"), await namespace.has("name")], [true, false]);
    assertEquals(await (await manager.dict([["a", 1]])).items(), [["a", 1]]);
    assertEquals(await (await manager.list("ab")).copy(), ["a", "b"]);
    assertEquals(Deno.inspect(namespace), "NamespaceProxy {}");
  });

  Deno.test(`${where}: what else a manager makes`, async () => {
    await using manager = new Manager({ process });
    const queue = await manager.PriorityQueue<number>(2);
    await queue.put(2);
    await queue.put(1);
    assertEquals([await queue.full(), await queue.get(), await queue.get()], [true, 1, 2]);
    const lock = await manager.Lock();
    {
      using _hold = await lock.hold();
      assertEquals(await lock.acquire(false), false);
    }
    const condition = await manager.Condition(lock);
    assertInstanceOf(condition, Condition);
    await condition.run(() => condition.notify());
    const semaphore = await manager.BoundedSemaphore(1);
    await assertRejects(() => semaphore.release(), RangeError);
    const event: Event = await manager.Event();
    await event.set();
    assertEquals(await event.wait(), true);
    const barrier = await manager.Barrier(1);
    assertEquals(await barrier.wait(), 0);
    assertEquals(await (await manager.SimpleQueue()).empty(), true);
    assertEquals(await (await manager.LifoQueue()).empty(), true);
    assertEquals(await (await manager.RLock()).acquire(), true);
    assertEquals(await (await manager.Semaphore(2)).acquire(), true);
    await assertRejects(() => manager.Semaphore(-1), RangeError);
    const value = await manager.Value("q", 2n ** 40n, { lock });
    assertEquals(await value.add(1), 2n ** 40n + 1n);
    assertEquals(await value.get_lock().acquire(), true);
    assertEquals(await lock.acquire(false), false);
    const array = await manager.Array("d", new Set([1.5, 2]));
    await array.set(-1, Infinity);
    assertEquals([array.length, await array.slice()], [2, [1.5, Infinity]]);
    assertEquals(await (await manager.Array("i", 3)).slice(), [0, 0, 0]);
    assertEquals(await (await manager.Value("i")).update((number) => number + 1), 1);
    await assertRejects(() => manager.Value("b", 128), RangeError);
    await assertRejects(() => manager.Array("x" as "b", 1), TypeError, "typecode");
  });

  Deno.test(`${where}: proxies go to threads and children`, async () => {
    await using manager = new Manager({ process });
    const dict = await manager.dict<string, unknown>();
    await using threads = new ThreadPoolExecutor(1);
    await using processes = new ProcessPoolExecutor(1);
    assertEquals(await soon(threads.submit(fill_dict, dict, 2)), 2);
    assertEquals(await soon(processes.submit(fill_dict, dict, 3)), 3);
    const thread = new Thread({ target: fill_dict, args: [dict, 4] });
    thread.start();
    await soon(thread.join());
    assertEquals(await dict.keys(), ["0", "1", "2", "3"]);
  });

  Deno.test(`${where}: at its end, all that it made is gone`, async () => {
    const manager = new Manager({ process });
    const [dict, queue] = [await manager.dict(), await manager.Queue()];
    const waiting = assertRejects(() => queue.get(), Deno.errors.BadResource);
    await soon(manager.shutdown());
    await soon(waiting);
    await assertRejects(() => dict.size(), Deno.errors.BadResource);
    await assertRejects(() => manager.list(), Deno.errors.BadResource, "was shut down");
  });
}

Deno.test("Manager: a dict of an object, as in Python, is refused with a word on pairs", async () => {
  await using manager = new Manager();
  await assertRejects(() => manager.dict({ a: 1 } as never), TypeError, "Object.entries()");
  assertEquals(await (await manager.dict(Object.entries({ a: 1 }))).items(), [["a", 1]]);
});

Deno.test("in another program: dicts and lists", async () => {
  await using managing = new Managing();
  await using client = await managing.connect();
  await dicts(await client.new_dict() as DictProxy<string | number, unknown>);
  await lists(await client.new_list());
  await copies(await client.new_dict(), await client.new_list() as ListProxy<number[]>);
  await nested(await client.new_dict(), await client.new_list());
});

Deno.test("in another program: what only one of its clients knew is forgotten with it", async () => {
  await using managing = new Managing();
  await using other = await managing.connect();
  const queue = await other.get_jobs();
  {
    await using client = await managing.connect();
    for (let count = 0; count < 100; count++) await client.new_dict();
    const shared = await client.new_dict();
    await shared.set("a", 1);
    await (await client.get_jobs()).put(shared);
  }
  const kept = await queue.get() as Dict;
  assertEquals(await kept.items(), [["a", 1]]);
  await queue.task_done();
  const { hub } = await import("../../../../internal/shared/hub.ts");
  assert(hub.size < 20, `${hub.size} are known`);
});

Deno.test("options of a manager that make no sense are refused", () => {
  assertThrows(() => new Manager({ process: 1 as never }), TypeError, "must be true or false");
  assertThrows(() => new Manager({ procces: true } as never), TypeError, "procces");
});
