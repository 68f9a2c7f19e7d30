/** Calls that are cut while they are made, and what Redis refuses. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TimeoutError } from "@socketserver/socketserver/threading";
import { ErrorReply } from "@redis/client";
import { write_bytes } from "../../../tests/fixtures/tools/bytes.ts";
import { is_pending, soon, until } from "../../../tests/fixtures/tools/waiting.ts";
import { RedisQueue } from "../mod.ts";
import { RIGHTS } from "./fixtures/rights.ts";
import type { RedisServer } from "./fixtures/redis_server.ts";
import { redis_test } from "./fixtures/with_redis.ts";

const KEY = "socketserver:jobs";

/** A timeout that passes. */
const A_WHILE = 30;

/** Much less than a read waits in Redis. */
const QUICK = 5000;

/** Has Redis keep all that writes waiting, while something is done. */
async function paused(redis: RedisServer, run: () => Promise<void>): Promise<void> {
  await redis.ask("CLIENT", "PAUSE", "60000", "WRITE");
  await run();
  await redis.ask("CLIENT", "UNPAUSE");
}

/** Resolves when Redis keeps as many clients waiting. */
async function keeps_waiting(redis: RedisServer, count: number): Promise<void> {
  const wanted = `blocked_clients:${count}\r`;
  await until(async () => (await redis.ask("INFO", "clients")).includes(wanted));
}

redis_test("task_done() is counted once, though its answer never came", async (bench) => {
  const [jobs, other] = [bench.queue(), bench.queue()];
  for (const item of [1, 2]) await jobs.put(item);
  for (const item of [1, 2]) assertEquals(await jobs.get(), item);
  let done!: Promise<void>;
  await paused(bench.redis, async () => {
    done = jobs.task_done();
    await keeps_waiting(bench.redis, 1);
    await bench.redis.ask("CLIENT", "KILL", "TYPE", "normal");
  });
  await soon(done);
  await assertRejects(() => other.join(A_WHILE), TimeoutError);
  await jobs.task_done();
  await other.join();
});

redis_test("a connection that is cut while it says what it has is made again", async (bench) => {
  let putting!: Promise<void>;
  await paused(bench.redis, async () => {
    putting = bench.queue().put("first");
    await keeps_waiting(bench.redis, 1);
    await bench.redis.ask("CLIENT", "KILL", "TYPE", "normal");
  });
  await soon(putting);
  assertEquals(await bench.queue().get(), "first");
});

redis_test("close: a wait that is only being asked for ends at once", async (bench) => {
  const jobs = bench.queue();
  // Who has waited once hears of news: nothing is left to be done between asking and waiting.
  const first = jobs.take();
  await keeps_waiting(bench.redis, 1);
  await jobs.put(1);
  await (await first).done();
  await keeps_waiting(bench.redis, 0);
  let waiting!: Promise<unknown>;
  let closing!: Promise<void>;
  await paused(bench.redis, async () => {
    waiting = assertRejects(() => jobs.take(), Deno.errors.BadResource);
    await keeps_waiting(bench.redis, 1);
    closing = jobs.close();
  });
  await soon(closing, QUICK);
  await waiting;
});

redis_test("close: a read that Redis cannot be told to end is cut", async (bench) => {
  const jobs = bench.queue();
  const waiting = assertRejects(() => jobs.take(), Deno.errors.BadResource);
  await keeps_waiting(bench.redis, 1);
  const list = await bench.redis.ask("CLIENT", "LIST", "TYPE", "pubsub");
  await bench.redis.ask("CLIENT", "KILL", "ID", /\bid=(\d+)/.exec(list)![1]!);
  await until(() => bench.reports.length > 0);
  await soon(jobs.close(), QUICK);
  await waiting;
});

redis_test("close: what is put meanwhile was put, or is told of the end", async (bench) => {
  const jobs = bench.queue();
  await jobs.put(0);
  const puts: Promise<string>[] = [];
  let is_closed = false;
  const closing = jobs.close().then(() => is_closed = true);
  await until(() => {
    const put = jobs.put(0);
    puts.push(put.then(() => "put", (error) => error.name));
    return is_closed;
  });
  await closing;
  assertEquals(new Set(await Promise.all(puts)), new Set(["put", "BadResource"]));
});

redis_test("a job that is left while Redis is away is given up without a word", async (bench) => {
  const jobs = bench.queue();
  await jobs.put(1);
  const job = await jobs.take();
  await bench.redis.stop();
  await until(() => bench.reports.length > 0);
  job[Symbol.dispose]();
  await soon(jobs.close());
  assertEquals(bench.reports.length, 1);
});

redis_test("for await ends with the error of a queue that is closed", async (bench) => {
  const jobs = bench.queue();
  const items: unknown[] = [];
  const reading = assertRejects(
    async () => {
      for await (const item of jobs) items.push(item);
    },
    Deno.errors.BadResource,
    "closed",
  );
  await jobs.put(1);
  await until(() => items.length === 1);
  await jobs.close();
  await reading;
});

redis_test("get() gives no item that was claimed before it could be got", async (bench) => {
  const jobs = bench.queue({ visibility: 200 });
  const getting = jobs.get();
  await keeps_waiting(bench.redis, 1);
  using conn = await Deno.connect({ transport: "unix", path: bench.redis.path });
  // In one piece: nothing of the queue comes in between.
  const commands = [
    `XADD ${KEY} 1-1 item 5`,
    `XCLAIM ${KEY} workers gone 0 1-1 JUSTID`,
    "",
  ];
  await write_bytes(conn, new TextEncoder().encode(commands.join("\r\n")));
  assert(await is_pending(getting, A_WHILE));
  assertEquals(await soon(getting), 5);
  await jobs.task_done();
  await jobs.join();
});

redis_test("take() passes over an item that cannot be read", async (bench) => {
  const jobs = bench.queue({ visibility: 50 });
  await jobs.qsize();
  await bench.redis.ask("XADD", KEY, "*", "item", "{broken");
  await jobs.put("good");
  using job = await jobs.take();
  assertEquals(job.item, "good");
  await job.done();
  await jobs.join();
  assertEquals(await bench.redis.ask("XLEN", `${KEY}:dead`), ":1");
  // Nobody gives signs of life for it: else it would be told of as lost.
  await bench.redis.ask("XCLAIM", KEY, "workers", "gone", "0", "1-1", "JUSTID");
  assert(await is_pending(jobs.take(true, 200).catch(() => {}), 150));
  assertEquals(bench.reports.map((report) => report.split(":")[0]), [
    "An item of jobs cannot be read",
  ]);
});

redis_test("who waits is told that the key is used for something else", async (bench) => {
  const jobs = bench.queue();
  const waiting = assertRejects(() => jobs.take(), ErrorReply, "WRONGTYPE");
  await keeps_waiting(bench.redis, 1);
  await bench.redis.ask("SET", KEY, "a text");
  await soon(waiting);
  await bench.redis.ask("DEL", KEY);
  await jobs.put(1);
  assertEquals(await jobs.get(), 1);
});

redis_test("who may not hear of news is told so, and others go on", async (bench) => {
  await bench.redis.ask("ACL", "SETUSER", "deaf", "on", "nopass", ...RIGHTS, "resetchannels");
  const url = `unix://deaf:any@${bench.redis.path}`;
  const [deaf, jobs] = [bench.queue({ url, maxsize: 1 }), bench.queue({ maxsize: 1 })];
  await deaf.put(1);
  for (const wait of [() => deaf.put(2), () => deaf.join()]) {
    await assertRejects(() => soon(wait()), ErrorReply, "NOPERM");
  }
  const putting = jobs.put(2);
  assert(await is_pending(putting, A_WHILE));
  assertEquals(await jobs.get(), 1);
  await putting;
});

redis_test("a sign of life that Redis refuses is told", async (bench) => {
  await bench.redis.ask("ACL", "SETUSER", "worker", "on", "nopass", ...RIGHTS);
  const jobs = bench.queue({ url: `unix://worker:any@${bench.redis.path}`, visibility: 90 });
  await jobs.put(1);
  await jobs.take();
  assertEquals(bench.reports, []);
  await bench.redis.ask("ACL", "SETUSER", "worker", "-evalsha");
  await until(() => bench.reports.some((report) => report.startsWith("NOPERM")));
});

redis_test("a limit of the client is told to who calls", async (bench) => {
  const options = { socket: { path: bench.redis.path }, commandsQueueMaxLength: 20 };
  const jobs = bench.queue({ client: { options } });
  assertEquals(await jobs.qsize(), 0);
  const calls = await Promise.allSettled(Array.from({ length: 50 }, () => jobs.qsize()));
  const refused = calls.filter((call) => call.status === "rejected");
  assert(refused.length > 0 && refused.length < 50, `${refused.length} were refused`);
  for (const { reason } of refused) assertEquals(reason.message, "The queue is full");
  // Not even what is said first has room.
  const none = bench.queue({ client: { options: { ...options, commandsQueueMaxLength: 5 } } });
  await assertRejects(() => soon(none.qsize()), Error, "The queue is full");
});

Deno.test("without the permission calls reject, and it is not tried again", {
  permissions: { net: false, env: true },
}, async () => {
  const reports: Error[] = [];
  const on_error = (error: Error) => void reports.push(error);
  await using jobs = new RedisQueue("jobs", { url: "redis://127.0.0.1:1", on_error });
  await assertRejects(() => soon(jobs.put(1)), Deno.errors.NotCapable);
  assertEquals(reports, []);
});
