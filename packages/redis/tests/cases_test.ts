/** What every queue promises, over Redis: the cases that all kinds of queues share. */
import { type Queue, SimpleQueue } from "@socketserver/socketserver/queue";
import { CASES, type Maker } from "../../../tests/fixtures/handlers/queue_cases.ts";
import { LONG, soon } from "../../../tests/fixtures/tools/waiting.ts";
import { RedisQueue, type RedisQueueOptions } from "../mod.ts";
import { HAS_REDIS, RedisServer } from "./fixtures/redis_server.ts";

/** Cases of which Redis promises something else: `redis_queue_test.ts` says what. */
const OTHERS = [
  "an item that cannot be cloned",
  "items of all kinds",
  "task_done too often, join of a fresh queue [queue_task_done]",
  "a queue that is withdrawn is no more",
  "SimpleQueue: items, and nothing else",
];

Deno.test({ name: "the cases of all queues", ignore: !HAS_REDIS }, async (test) => {
  await using redis = await RedisServer.start();
  for (const [name, run] of Object.entries(CASES)) {
    if (OTHERS.includes(name)) continue;
    await test.step(name, async () => {
      await using queues = new Made(redis.url);
      await soon(run(queues), LONG);
    });
  }
});

/** Makes the queues of a case, and closes them. */
class Made implements Maker, AsyncDisposable {
  #url: string;
  #queues: RedisQueue<unknown>[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  make = (maxsize?: number, options?: RedisQueueOptions): Promise<Queue<unknown>> => {
    const name = crypto.randomUUID();
    const queue = new RedisQueue(name, { url: this.#url, ...options, ...(maxsize && { maxsize }) });
    this.#queues.push(queue);
    // All that the cases use is there, with the same arguments.
    return Promise.resolve(queue satisfies Pick<Queue<unknown>, Used> as unknown as Queue<unknown>);
  };

  make_simple = (): Promise<SimpleQueue<unknown>> => Promise.resolve(new SimpleQueue());

  async [Symbol.asyncDispose](): Promise<void> {
    for (const queue of this.#queues) await queue.close();
  }
}

/** The methods of a queue, but for what it is to those who share it, and what only its home knows. */
type Used = Exclude<Extract<keyof Queue<unknown>, string>, "info"> | typeof Symbol.asyncIterator;
