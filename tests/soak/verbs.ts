/** What handlers of the fire can be asked for: a line with a word, numbers, and perhaps bytes behind it. */
import type { Remote, StreamRequestHandler } from "../../mod.ts";
import { RedisQueue } from "../../packages/redis/mod.ts";
import { pattern, same_bytes } from "../fixtures/tools/bytes.ts";
import type { BurningServer } from "./burning.ts";
import { mixed } from "./task.ts";

type Handler = StreamRequestHandler<Remote<BurningServer>, Deno.Addr>;

/** An error that a client has asked for. */
export class Planned extends Error {
  override name = "Planned";
}

/** How much a handler writes at once. */
const CHUNK = 16_384;

/** The queue in Redis: each worker has one object. */
let redis: RedisQueue<number> | undefined;

function redis_queue(): RedisQueue<number> {
  return redis ??= new RedisQueue<number>("fire", {
    url: Deno.env.get("FIRE_REDIS")!,
    visibility: 5000,
    max_deliveries: 1_000_000,
    // It is restarted all the time.
    on_error: () => {},
  });
}

/** Ends the queue of this thread. */
export async function close_redis(): Promise<void> {
  await redis?.close();
}

/** What each word has the handler do; what it gives is the answer. */
export const VERBS: Record<
  string,
  (handler: Handler, one: number, other: number) => Promise<string | void> | never
> = {
  async echo({ rfile, wfile }, length) {
    await wfile.write(await rfile.readexactly(length));
  },
  async give({ wfile }, length, seed) {
    const bytes = pattern(length, seed);
    for (let at = 0; at < length; at += CHUNK) await wfile.write(bytes.subarray(at, at + CHUNK));
  },
  async take({ rfile }, length, seed) {
    const bytes = await rfile.readexactly(length);
    return same_bytes(bytes, pattern(length, seed)) ? `took ${length}` : "took wrong bytes";
  },
  async count({ server }) {
    using _hold = await server.lock.hold();
    const value = await server.value() + 1;
    await server.set_value(value);
    return `counted ${value}`;
  },
  async add({ server }) {
    return `added ${await server.counter.add(1)}`;
  },
  async room({ server }, ms) {
    using _hold = await server.room.hold();
    await pause(ms);
    return "was inside";
  },
  /** Waits for a job, of which one more comes in a while. */
  async job({ server }, job, ms) {
    await server.feed(job, ms);
    using taken = await server.jobs.take();
    await taken.done();
    return `job ${taken.item}`;
  },
  /** Puts a job, and gets one. */
  async swap({ server }, job) {
    await server.jobs.put(job);
    const got = await server.jobs.get();
    await server.jobs.task_done();
    return `job ${got}`;
  },
  async send({ server }, count) {
    for (let item = 0; item < count; item++) await server.line.put(item);
    return `sent ${count}`;
  },
  async pool({ server }, seed, rounds) {
    try {
      return `pooled ${await server.pool.submit(mixed, seed, rounds)}`;
    } catch (error) {
      if ((error as Error).name !== "WorkerDied") throw error;
      return "pooled lost";
    }
  },
  async store(_handler, job) {
    await redis_queue().put(job);
    return `stored ${job}`;
  },
  async fetch() {
    using job = await redis_queue().take();
    await job.done();
    return `fetched ${job.item}`;
  },
  async sleep(_handler, ms) {
    await pause(ms);
    return "slept";
  },
  async throw({ wfile }) {
    await wfile.write("throwing\n");
    throw new Planned("as a client has asked");
  },
  async stall({ wfile, signal }) {
    await wfile.write("stalling\n");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  },
  /** Who loops, and who exits, has what others wait for. */
  async loop({ wfile, server }) {
    await server.lock.acquire();
    await server.room.acquire();
    await wfile.write("looping\n");
    for (;;);
  },
  async reject({ wfile }) {
    await wfile.write("rejecting\n");
    void Promise.reject(new Planned("which nobody awaits"));
  },
  async exit({ wfile, server }) {
    await server.lock.acquire();
    await server.room.acquire();
    await wfile.write("exiting\n");
    Deno.exit(3);
  },
};

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
