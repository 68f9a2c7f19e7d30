/** Random calls of three objects, as on three machines, against a model of what a queue is. */
import { assertEquals } from "@std/assert";
import { Empty, Full, ShutDown } from "@socketserver/socketserver/queue";
import { TimeoutError } from "@socketserver/socketserver/threading";
import { Random } from "../../../tests/fixtures/tools/random.ts";
import type { RedisJob, RedisQueue } from "../mod.ts";
import { redis_test } from "./fixtures/with_redis.ts";

const MAXSIZE = 4;
const MAX_DELIVERIES = 3;
const ROUNDS = 600;

/** A queue in a few words: items are numbers, in the order in which they were put. */
class Model {
  waiting: number[] = [];
  /** How often each one was taken. */
  deliveries = new Map<number, number>();
  taken = new Set<number>();
  got = [0, 0, 0];
  dead: number[] = [];

  put(item: number): string {
    if (this.waiting.length >= MAXSIZE) return "Full";
    this.waiting.push(item);
    return "put";
  }

  get(client: number): string {
    const item = this.waiting.shift();
    if (item === undefined) return "Empty";
    this.got[client]!++;
    return `${item}`;
  }

  take(): string {
    const item = this.waiting.shift();
    if (item === undefined) return "Empty";
    const deliveries = (this.deliveries.get(item) ?? 0) + 1;
    this.deliveries.set(item, deliveries);
    this.taken.add(item);
    return `${item} ${deliveries}`;
  }

  done(item: number): string {
    this.taken.delete(item);
    return "done";
  }

  leave(item: number): string {
    this.taken.delete(item);
    if (this.deliveries.get(item) === MAX_DELIVERIES) this.dead.push(item);
    else this.waiting = [...this.waiting, item].sort((one, other) => one - other);
    return "left";
  }

  task_done(client: number): string {
    if (this.got[client] === 0) return "RangeError";
    this.got[client]!--;
    return "done";
  }

  join(): string {
    const unfinished = this.waiting.length + this.taken.size + Math.max(...this.got);
    return unfinished === 0 ? "joined" : "TimeoutError";
  }
}

const ERRORS = [Empty, Full, ShutDown, TimeoutError, RangeError];

/** What a call gives, or the name of its error. */
async function outcome(call: () => Promise<unknown>): Promise<string> {
  try {
    return String(await call());
  } catch (error) {
    if (ERRORS.some((Class) => error instanceof Class)) return (error as Error).name;
    throw error;
  }
}

for (const seed of [1, 2, 3, 4]) {
  redis_test(`random calls do what the model does: seed ${seed}`, async (bench) => {
    const random = new Random(seed);
    const settings = { maxsize: MAXSIZE, max_deliveries: MAX_DELIVERIES };
    const clients = [1, 2, 3].map(() => bench.queue<number>(settings));
    // Short waits are for room, not for the first connection.
    for (const client of clients) await client.qsize();
    const jobs: RedisJob<number>[] = [];
    const model = new Model();

    async function take(queue: RedisQueue<number>): Promise<string> {
      const job = await queue.take(false);
      jobs.push(job);
      return `${job.item} ${job.deliveries}`;
    }

    async function done(job: RedisJob<number>): Promise<string> {
      jobs.splice(jobs.indexOf(job), 1);
      await job.done();
      return "done";
    }

    async function leave(job: RedisJob<number>): Promise<string> {
      jobs.splice(jobs.indexOf(job), 1);
      job[Symbol.dispose]();
      // What its object sends afterwards comes after it.
      for (const client of clients) await client.qsize();
      return "left";
    }

    for (let item = 0; item < ROUNDS; item++) {
      const client = random.below(3);
      const queue = clients[client]!;
      const calls: [real: () => Promise<string>, expected: () => string][] = [
        [() => queue.put_nowait(item).then(() => "put"), () => model.put(item)],
        [() => queue.put(item, true, 1).then(() => "put"), () => model.put(item)],
        [() => queue.get_nowait().then(String), () => model.get(client)],
        [() => take(queue), () => model.take()],
        [() => queue.task_done().then(() => "done"), () => model.task_done(client)],
        [() => queue.join(0).then(() => "joined"), () => model.join()],
        [() => queue.qsize().then(String), () => `${model.waiting.length}`],
        [() => queue.full().then(String), () => `${model.waiting.length >= MAXSIZE}`],
      ];
      if (jobs.length > 0) {
        const job = random.pick(jobs);
        calls.push([() => done(job), () => model.done(job.item)]);
        calls.push([() => leave(job), () => model.leave(job.item)]);
      }
      const [real, expected] = random.pick(calls);
      assertEquals(await outcome(real), expected(), `round ${item}`);
    }
    const length = await bench.redis.ask("XLEN", "socketserver:jobs:dead");
    assertEquals(length, `:${model.dead.length}`);
    assertEquals(bench.reports.length, model.dead.length);
  });
}
