/** Redis stops, starts again, or is not there: what calls do meanwhile. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Empty } from "@socketserver/socketserver/queue";
import { TimeoutError } from "@socketserver/socketserver/threading";
import { is_pending, soon, until } from "../../../tests/fixtures/tools/waiting.ts";
import { Connection } from "../connection.ts";
import type { RedisQueue } from "../mod.ts";
import { redis_test } from "./fixtures/with_redis.ts";

const JOBS = 10_000;
const PRODUCERS = 200;
const CONSUMERS = 60;

/** Calls that are looked at later: a failure before that is not a rejection that nobody awaits. */
function later<C extends readonly Promise<unknown>[]>(...calls: C): C {
  for (const call of calls) call.catch(() => {});
  return calls;
}

redis_test(
  "Redis is stopped and started in the middle of 10,000 jobs: none is lost",
  async (bench) => {
    const producer = bench.queue<number>({ maxsize: 2000 });
    /** How often each one may be in the queue: a put whose answer was lost is made again. */
    const puts = new Array<number>(JOBS).fill(0);
    const done = new Array<number>(JOBS).fill(0);
    let finished = 0;

    async function put(item: number): Promise<void> {
      puts[item]!++;
      try {
        await producer.put(item);
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
        await put(item);
      }
    }

    async function produce(from: number): Promise<void> {
      for (let item = from; item < JOBS; item += PRODUCERS) await put(item);
    }

    async function consume(jobs: RedisQueue<number>): Promise<void> {
      for (;;) {
        using job = await jobs.take();
        if (job.deliveries === 1) done[job.item]!++;
        else done[job.item] ||= 1;
        finished++;
        await job.done();
      }
    }

    const [producing] = later(
      Promise.all(Array.from({ length: PRODUCERS }, (_, from) => produce(from))),
    );
    const consuming = [1, 2, 3].flatMap(() => {
      const jobs = bench.queue<number>({ maxsize: 2000, visibility: 1000 });
      return Array.from(
        { length: CONSUMERS },
        () => assertRejects(() => consume(jobs), Deno.errors.BadResource),
      );
    });
    for (const signal of ["SIGTERM", "SIGKILL", "SIGTERM"] as const) {
      const before = finished;
      await until(() => finished > before + 2000);
      await bench.redis.stop(signal);
      await bench.redis.start();
    }
    await producing;
    await producer.join();
    for (const [item, count] of done.entries()) {
      assert(count >= 1 && count <= puts[item]!, `${item}: put ${puts[item]}, done ${count}`);
    }
    await bench[Symbol.asyncDispose]();
    await Promise.all(consuming);
  },
);

redis_test("waits go on when Redis is there again, and what was held stays held", async (bench) => {
  const settings = { maxsize: 1, visibility: 2000 };
  const [jobs, other] = [bench.queue(settings), bench.queue(settings)];
  await jobs.put("held");
  const held = await jobs.take();
  await jobs.put("got");
  assertEquals(await jobs.get(), "got");
  await jobs.put("fills it");
  const [getting, empty] = [bench.queue(settings, "empty"), bench.queue(settings, "empty")];
  const waits = later(other.put("later"), other.join(), getting.take());
  assert(await is_pending(Promise.race(waits), 50));
  await bench.redis.stop();
  // All four, and the reads of one of them.
  await until(() => bench.reports.length === 5);
  // Calls while it is away wait, too, but not for longer than they shall.
  const late = later(other.qsize(), empty.put("for who waits"), jobs.task_done(), held.done());
  await assertRejects(() => jobs.put("timeout", true, 20), TimeoutError, "could not be reached");
  await assertRejects(() => jobs.take(true, 20), Empty);
  const reason = new Error("no longer wanted");
  await assertRejects(() => jobs.join({ signal: AbortSignal.timeout(20) }), DOMException);
  await assertRejects(() => jobs.put(1, { signal: AbortSignal.abort(reason) }), Error, "no longer");
  await bench.redis.start();
  assertEquals(await late[0], 1);
  await Promise.all(late);
  assertEquals((await waits[2]).item, "for who waits");
  assert(await is_pending(waits[1], 50));
  for (const item of ["fills it", "later"]) {
    using job = await jobs.take();
    assertEquals([job.item, job.deliveries], [item, 1]);
    await job.done();
  }
  await waits[0];
  await waits[1];
  assertEquals(bench.reports.length, 5);
  for (const report of bench.reports) assert(report.startsWith("There is no connection to Redis"));
});

redis_test("the connections of a queue are cut, one after the other", async (bench) => {
  const jobs = bench.queue<number>();
  for (let round = 0; round < 20; round++) {
    const waiting = jobs.take();
    if (round % 2) assert(await is_pending(waiting, 5));
    await bench.redis.ask("CLIENT", "KILL", "TYPE", round % 3 ? "normal" : "pubsub");
    await bench.queue<number>().put(round);
    using job = await soon(waiting);
    assertEquals(job.item, round);
    await job.done();
  }
  await jobs.join();
});

redis_test("close does not wait for a Redis that is not there", async (bench) => {
  const jobs = bench.queue();
  await jobs.put(1);
  await jobs.take();
  const waits = later(jobs.take(), jobs.join());
  assert(await is_pending(Promise.race(waits), 20));
  await bench.redis.stop();
  await until(() => bench.reports.length === 2);
  const [putting] = later(jobs.put(2));
  const closing = jobs.close();
  for (const wait of [...waits, putting]) {
    await assertRejects(() => wait, Deno.errors.BadResource);
  }
  await soon(closing);
  // One that was never connected.
  const other = bench.queue();
  const [getting] = later(other.get());
  await other.close();
  await assertRejects(() => getting, Deno.errors.BadResource);
});

redis_test(
  "a Redis that gives no answer is noticed, whatever it is told meanwhile",
  async ({ redis }) => {
    const reports: string[] = [];
    const connection = new Connection({
      options: { url: redis.url },
      greet: () => Promise.resolve(),
      report: ({ message }) => reports.push(message),
      silence: 200,
    });
    const ping = (again: boolean) => connection.call((client) => client.ping(), { again });
    assertEquals(await ping(false), "PONG");
    await redis.ask("CLIENT", "PAUSE", "2000");
    const [unanswered, again] = later(ping(false), ping(true));
    await until(() => {
      later(ping(true));
      return reports.length > 0;
    });
    assert(reports[0]!.includes("no answer for 200 ms"), reports[0]);
    await assertRejects(() => unanswered, Deno.errors.ConnectionReset);
    assertEquals(await soon(again), "PONG");
    await connection.close(new Error("closed"));
  },
);
