/** What a queue in Redis promises besides the cases of all queues. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Empty, Full, ShutDown } from "@socketserver/socketserver/queue";
import { TimeoutError } from "@socketserver/socketserver/threading";
import { createClient, ErrorReply } from "@redis/client";
import { is_pending, soon, until } from "../../../tests/fixtures/tools/waiting.ts";
import { RedisQueue, type RedisQueueOptions } from "../mod.ts";
import { RIGHTS } from "./fixtures/rights.ts";
import { redis_test } from "./fixtures/with_redis.ts";

/** A timeout that passes. */
const A_WHILE = 30;

const JSON_ITEMS = [
  null,
  true,
  "",
  "snow ☃ and \u0000",
  "\ud800",
  0,
  -1.5e300,
  [],
  {},
  [[], { a: [null] }],
  { "": 1, nested: { deep: [1, "2", false] } },
  Object.assign(Object.create(null), { bare: 1 }),
  JSON.parse('{"__proto__": {"polluted": true}}'),
];

redis_test("items come out as they went in", async (bench) => {
  const jobs = bench.queue();
  for (const item of JSON_ITEMS) await jobs.put(item);
  for (const item of JSON_ITEMS) assertEquals(await jobs.get(), { ...{ item } }.item);
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
});

redis_test("what JSON cannot carry is refused, and the queue unharmed", async (bench) => {
  const jobs = bench.queue<unknown>();
  const cyclic: unknown[] = [];
  cyclic.push({ cyclic });
  const refused: [item: unknown, words: string][] = [
    [undefined, "the item is undefined"],
    [{ when: undefined }, "the item.when is undefined"],
    [[1, , 3], "the item[1] is undefined"], // deno-lint-ignore no-sparse-arrays
    [NaN, "is NaN"],
    [[Infinity], "the item[0] is Infinity"],
    [10n, "is a bigint"],
    [() => 1, "is a function"],
    [Symbol("odd"), "is a symbol"],
    [{ at: new Date(0) }, "the item.at is a Date"],
    [new Map(), "is a Map"],
    [new Uint8Array(2), "is a Uint8Array"],
    [{ toJSON: () => 1 }, "toJSON"],
    [cyclic, "contains itself"],
  ];
  for (const [item, words] of refused) {
    const error = await assertRejects(() => jobs.put(item), DOMException, words);
    assertEquals(error.name, "DataCloneError");
  }
  // The same object twice is no cycle.
  const twice = { a: 1 };
  await jobs.put([twice, twice]);
  assertEquals([await jobs.qsize(), await jobs.get()], [1, [{ a: 1 }, { a: 1 }]]);
});

Deno.test("options that mean nothing are refused", () => {
  const refused: [options: unknown, error: typeof TypeError | typeof RangeError][] = [
    [{ max_size: 1 }, TypeError],
    [{ maxsize: "1" }, TypeError],
    [{ maxsize: NaN }, TypeError],
    [{ visibility: 0 }, RangeError],
    [{ visibility: 1.5 }, RangeError],
    [{ visibility: 2 ** 31 }, RangeError],
    [{ max_deliveries: 0 }, RangeError],
    [{ namespace: "" }, TypeError],
    [{ group: 1 }, TypeError],
    [{ consumer: "back" }, TypeError],
    [{ url: "http://localhost" }, TypeError],
    [{ url: "redis://localhost", client: {} }, TypeError],
  ];
  for (const [options, error] of refused) {
    assertThrows(() => new RedisQueue("jobs", options as RedisQueueOptions), error);
  }
  assertThrows(() => new RedisQueue(""), TypeError);
});

redis_test("task_done too often; join, and its timeout", async (bench) => {
  const [jobs, other] = [bench.queue(), bench.queue()];
  await jobs.join();
  await assertRejects(() => jobs.task_done(), RangeError, "called too many times");
  await jobs.put(1);
  await assertRejects(() => jobs.task_done(), RangeError, "called too many times");
  await assertRejects(() => other.join(A_WHILE), TimeoutError);
  await assertRejects(() => other.join(0), TimeoutError);
  await jobs.get();
  await assertRejects(() => other.join({ timeout: A_WHILE }), TimeoutError);
  await jobs.task_done();
  await assertRejects(() => jobs.task_done(), RangeError, "called too many times");
  await other.join(0);
});

redis_test("join on one machine waits for consumers on others", async (bench) => {
  const [producer, joiner] = [bench.queue<number>(), bench.queue<number>()];
  const numbers = Array.from({ length: 60 }, (_, number) => number);
  await Promise.all(numbers.map((number) => producer.put(number)));
  const joining = [producer.join(), joiner.join()];
  const seen: number[] = [];
  const consumers = [1, 2, 3].map(async () => {
    const jobs = bench.queue<number>();
    for (let count = 0; count < 20; count++) {
      using job = await jobs.take();
      seen.push(job.item);
      // The last one takes its time.
      if (seen.length === 60) assert(await is_pending(Promise.race(joining), A_WHILE));
      await job.done();
    }
  });
  await Promise.all([...consumers, ...joining]);
  assertEquals(seen.toSorted((one, other) => one - other), numbers);
});

redis_test("what a closed object got counts as done", async (bench) => {
  const [jobs, joiner] = [bench.queue(), bench.queue()];
  await jobs.put(1);
  await jobs.put(2);
  await jobs.get();
  const joining = joiner.join();
  assert(await is_pending(joining, A_WHILE));
  await (await joiner.take()).done();
  await jobs.close();
  await joining;
});

redis_test("close: waits reject, jobs go back, the queue stays", async (bench) => {
  const [jobs, other] = [bench.queue({ maxsize: 1 }), bench.queue({ maxsize: 1 })];
  await jobs.put("first");
  const job = await jobs.take();
  await jobs.put("second");
  const waits = [jobs.put("third"), jobs.join()];
  assert(await is_pending(Promise.race(waits), A_WHILE));
  await jobs.close();
  await jobs.close();
  for (const wait of waits) await assertRejects(() => wait, Deno.errors.BadResource, "closed");
  for (
    const call of [
      () => jobs.put(1),
      () => jobs.get(),
      () => jobs.get(false),
      () => jobs.take(true, 10),
      () => jobs.join(),
      () => jobs.qsize(),
      () => jobs.shutdown(),
    ]
  ) await assertRejects(call, Deno.errors.BadResource, "closed");
  await job.done();
  const again = await other.take();
  assertEquals([again.item, again.deliveries, again.id], ["first", 2, job.id]);
  assertEquals(await other.get(), "second");
  const getters = bench.queue();
  const gets = [getters.get(), getters.take({ timeout: 60_000 })];
  assert(await is_pending(Promise.race(gets), A_WHILE));
  await getters.close();
  for (const get of gets) await assertRejects(() => get, Deno.errors.BadResource, "closed");
  assertEquals(await other.qsize(), 0);
});

redis_test("get is at most once, take at least once", async (bench) => {
  const [jobs, other] = [bench.queue(), bench.queue()];
  for (const item of ["got", "taken"]) await jobs.put(item);
  assertEquals(await jobs.get(), "got");
  assertEquals((await jobs.take()).item, "taken");
  await jobs.close();
  const job = await other.take();
  assertEquals([job.item, job.deliveries, await other.qsize()], ["taken", 2, 0]);
});

redis_test("a job that is left wakes who waits elsewhere", async (bench) => {
  const [jobs, other] = [bench.queue(), bench.queue()];
  await jobs.put("sweep");
  const job = await jobs.take();
  const waiting = other.take();
  assert(await is_pending(waiting, A_WHILE));
  job[Symbol.dispose]();
  const again = await soon(waiting, 5000);
  assertEquals([again.item, again.deliveries], ["sweep", 2]);
});

redis_test("poison goes to the dead letters, which are a queue", async (bench) => {
  const jobs = bench.queue({ max_deliveries: 3 });
  const dead = bench.queue({}, "jobs:dead");
  await jobs.put({ poison: true });
  await jobs.put("good");
  for (let deliveries = 1; deliveries <= 3; deliveries++) {
    using job = await jobs.take();
    assertEquals([job.item, job.deliveries], [{ poison: true }, deliveries]);
  }
  assertEquals(await jobs.get(), "good");
  await jobs.task_done();
  await jobs.join();
  await until(() => bench.reports.length > 0);
  assertEquals(bench.reports, [
    "An item of jobs came back 3 times without being done: see the dead letters in " +
    "socketserver:jobs:dead",
  ]);
  const text = await bench.redis.ask("XRANGE", "socketserver:jobs:dead", "-", "+");
  assert(text.includes("taken 3 times and never done"), text);
  assertEquals(await dead.get(), { poison: true });
});

redis_test(
  "an item that cannot be read goes to the dead letters, and harms nobody",
  async (bench) => {
    const jobs = bench.queue();
    await jobs.put(1);
    const key = "socketserver:jobs";
    await bench.redis.ask("XADD", key, "*", "item", "{broken");
    await bench.redis.ask("XADD", key, "*", "other", "field");
    await bench.redis.ask("XADD", key, "*", "note", "more fields", "item", "2");
    await jobs.put(3);
    assertEquals(await jobs.get(), 1);
    await jobs.task_done();
    assertEquals(await jobs.get(), 2); // over the broken one
    await jobs.task_done();
    using job = await jobs.take();
    assertEquals(job.item, 3);
    await job.done();
    await jobs.join();
    assertEquals(await bench.redis.ask("XLEN", `${key}:dead`), ":2");
    assertEquals(bench.reports.length, 2);
  },
);

redis_test("two producers at maxsize, and consumers", async (bench) => {
  const producers = [bench.queue<number>({ maxsize: 5 }), bench.queue<number>({ maxsize: 5 })];
  const consumers = [bench.queue<number>({ maxsize: 5 }), bench.queue<number>({ maxsize: 5 })];
  const seen: number[] = [];
  let most = 0;
  const watcher = bench.queue();
  const putting = producers.map(async (jobs, producer) => {
    for (let item = producer; item < 200; item += 2) {
      await jobs.put(item);
      if (item % 20 === 0) most = Math.max(most, await watcher.qsize());
    }
  });
  const consuming = consumers.map(async (jobs, number) => {
    for (let count = 0; count < 100; count++) {
      using job = number === 0 ? await jobs.take() : undefined;
      seen.push(job ? job.item : await jobs.get());
      await (job ? job.done() : jobs.task_done());
    }
  });
  await Promise.all([...putting, ...consuming]);
  assertEquals(
    seen.toSorted((one, other) => one - other),
    Array.from({ length: 200 }, (_, i) => i),
  );
  assert(most <= 5, `${most} items`);
  await watcher.join();
  assertEquals(await bench.redis.ask("XLEN", "socketserver:jobs"), ":0");
  // All at once: exactly as many as there is room for.
  const puts = await Promise.allSettled(
    [...producers, ...producers, ...producers].map((jobs) => jobs.put_nowait(1)),
  );
  assertEquals(puts.filter(({ status }) => status === "fulfilled").length, 5);
  const [refused] = puts.filter((put) => put.status === "rejected");
  assert(refused!.reason instanceof Full);
});

redis_test("shutdown is for all, now and later, until it is undone", async (bench) => {
  const [jobs, other] = [bench.queue(), bench.queue()];
  const waiting = other.take();
  assert(await is_pending(waiting, A_WHILE));
  await jobs.shutdown();
  await assertRejects(() => waiting, ShutDown);
  for (const queue of [other, bench.queue()]) {
    await assertRejects(() => queue.put(2), ShutDown);
    await assertRejects(() => queue.get(), ShutDown);
  }
  await jobs.reopen();
  await other.put(2);
  assertEquals(await jobs.get(), 2);
});

redis_test("namespaces and names keep apart", async (bench) => {
  const queues = [bench.queue(), bench.queue({}, "others"), bench.queue({ namespace: "mine" })];
  for (const [number, jobs] of queues.entries()) await jobs.put(number);
  for (const [number, jobs] of queues.entries()) {
    assertEquals([await jobs.qsize(), await jobs.get()], [1, number]);
  }
});

redis_test("settings of a client, with the user of an ACL", async (bench) => {
  await bench.redis.ask("ACL", "SETUSER", "worker", "on", ">s3cret/%", ...RIGHTS);
  const { path } = bench.redis;
  const client = createClient({
    username: "worker",
    password: "s3cret/%",
    socket: { path, tls: false },
  });
  const url = `unix://worker:${encodeURIComponent("s3cret/%")}@${path}`;
  for (const options of [{ client }, { url }]) {
    const jobs = bench.queue(options);
    await jobs.put(1);
    assertEquals(await jobs.take().then((job) => job.done()), undefined);
    const waiting = jobs.get();
    assert(await is_pending(waiting, A_WHILE));
    await jobs.put(2);
    assertEquals(await waiting, 2);
  }
  const wrong = bench.queue({ url: `unix://worker:wrong@${path}` });
  await assertRejects(() => wrong.put(1), Error, "WRONGPASS");
  const nowhere = bench.queue({ client: { options: { socket: { path }, database: 99 } } });
  await assertRejects(() => soon(nowhere.put(1)), Error, "DB index is out of range");
  const elsewhere = bench.queue({ client, namespace: "not-mine" });
  await assertRejects(() => elsewhere.put(1), Error, "NOPERM");
});

redis_test("an idle consumer asks next to nothing", async (bench) => {
  const jobs = Array.from({ length: 5 }, () => bench.queue());
  const waits = jobs.map((queue) => queue.take());
  await until(async () => (await bench.redis.ask("INFO", "clients")).includes("blocked_clients:5"));
  const count = async () => {
    const info = await bench.redis.ask("INFO", "stats");
    return Number(/total_commands_processed:(\d+)/.exec(info)![1]);
  };
  const before = await count();
  assert(await is_pending(Promise.race(waits), 1000));
  // INFO is one of them.
  assert(await count() - before <= 6, `${await count() - before} commands`);
  for (const [number] of jobs.entries()) await jobs[0]!.put(number);
  await Promise.all(waits);
});

redis_test(
  "a wait that is over leaves nothing behind: the next one has the item",
  async (bench) => {
    const [jobs, other] = [bench.queue(), bench.queue()];
    for (let round = 0; round < 20; round++) {
      const controller = new AbortController();
      const waiting = assertRejects(() => jobs.take({ signal: controller.signal }), DOMException);
      if (round % 2) assert(await is_pending(waiting, 5));
      controller.abort();
      await waiting;
      await jobs.put(round);
      const job = await soon(other.take(), 5000);
      // Nobody saw it before, wherever it has been.
      assertEquals([job.item, job.deliveries], [round, 1]);
      await job.done();
    }
    await assertRejects(() => jobs.take(true, 1), Empty);
  },
);

redis_test("what comes for one who has left is for the next in line", async (bench) => {
  const jobs = bench.queue();
  await jobs.put(1);
  await bench.redis.ask("CLIENT", "PAUSE", "500");
  const controller = new AbortController();
  const leaving = assertRejects(() => jobs.take({ signal: controller.signal }), DOMException);
  const waiting = jobs.take();
  controller.abort();
  await leaving;
  assertEquals((await soon(waiting)).deliveries, 1);
  const info = await bench.redis.ask("INFO", "commandstats");
  assert(!info.includes("xclaim"), "it went back");
});

redis_test("another group of the same name, deleted keys, forgotten scripts", async (bench) => {
  const jobs = bench.queue();
  const waiting = jobs.get();
  assert(await is_pending(waiting, A_WHILE));
  await bench.redis.ask("DEL", "socketserver:jobs");
  await bench.redis.ask("SCRIPT", "FLUSH");
  await jobs.put(1);
  assertEquals(await soon(waiting, 5000), 1);
  await bench.redis.ask("FLUSHALL");
  await assertRejects(() => jobs.get(false), Empty);
});

redis_test("Redis has no memory: put fails, and all that makes room goes on", async (bench) => {
  const [jobs, other] = [bench.queue({ visibility: 200 }), bench.queue({ visibility: 200 })];
  for (const item of ["got", "taken", "lost"]) await jobs.put(item);
  assertEquals(await jobs.get(), "got");
  using job = await jobs.take();
  const lost = await jobs.take();
  await bench.redis.ask("CONFIG", "SET", "maxmemory", "1mb");
  await bench.redis.ask("XCLAIM", "socketserver:jobs", "workers", "gone", "0", lost.id, "JUSTID");
  await assertRejects(() => jobs.put("more"), Error, "OOM");
  const again = await soon(other.take());
  assertEquals([again.item, again.deliveries], ["lost", 2]);
  await Promise.all([again.done(), job.done(), jobs.task_done()]);
  await soon(other.join());
  const waiting = bench.queue({}, "new").take();
  assert(await is_pending(waiting, A_WHILE));
  await bench.redis.ask("CONFIG", "SET", "maxmemory", "0");
  await bench.queue({}, "new").put("room again");
  assertEquals((await soon(waiting)).item, "room again");
});

redis_test("who may not make the group is told so", async (bench) => {
  await bench.redis.ask("ACL", "SETUSER", "worker", "on", ">secret", ...RIGHTS, "-xgroup");
  const jobs = bench.queue({ url: `unix://worker:secret@${bench.redis.path}` });
  await assertRejects(() => soon(jobs.take()), ErrorReply);
});
