import { assertEquals, fail } from "@std/assert";
import { RequestQueue } from "../../../server/requests/request_queue.ts";
import { turn } from "../../fixtures/tools/waiting.ts";

/** Requests that end when they are told to. */
class Requests {
  /** Those that were started, in that order. */
  readonly started: string[] = [];
  /** How many run now, and how many ran at once at most. */
  running = 0;
  most = 0;
  #ends = new Map<string, () => void>();

  /** Starts a request, which goes on. */
  start(name: string): boolean {
    this.started.push(name);
    this.most = Math.max(this.most, ++this.running);
    return true;
  }

  /** Has something called when a request has ended. */
  on_ran(name: string, watch: () => void): void {
    this.#ends.set(name, () => {
      this.running--;
      watch();
    });
  }

  /** Ends a request, and lets what waits for it go on. */
  async end(name: string): Promise<void> {
    this.#ends.get(name)!();
    await turn();
  }
}

/** Submits requests; which of them there was room for. */
function submit(queue: RequestQueue, requests: Requests, names: string): string {
  return [...names].filter((name) => submit_one(queue, requests, name)).join("");
}

function submit_one(queue: RequestQueue, requests: Requests, name: string): boolean {
  const request = { on_ran: (watch: () => void) => requests.on_ran(name, watch) };
  return queue.submit(request, () => requests.start(name));
}

/** Submits a request that is what a promise says. */
function submit_async(queue: RequestQueue, start: () => Promise<unknown>): void {
  let running: Promise<unknown>;
  const request = { on_ran: (watch: () => void) => void running.then(watch) };
  queue.submit(request, () => {
    running = start();
    return true;
  });
}

Deno.test("RequestQueue starts a request at once while there are places", () => {
  const requests = new Requests();
  const queue = new RequestQueue(2, 10, "queue");
  assertEquals(submit(queue, requests, "abc"), "abc");
  assertEquals(requests.started, ["a", "b"]);
});

Deno.test("RequestQueue starts the next one whenever one ends, in their order", async () => {
  const requests = new Requests();
  const queue = new RequestQueue(2, 10, "queue");
  submit(queue, requests, "abcde");
  await requests.end("b");
  assertEquals(requests.started.join(""), "abc");
  await requests.end("c");
  assertEquals(requests.started.join(""), "abcd");
  await requests.end("a");
  assertEquals(requests.started.join(""), "abcde");
  await requests.end("d");
  await requests.end("e");
  assertEquals([requests.running, requests.most], [0, 2]);
});

Deno.test("RequestQueue refuses what is beyond its places and its size", async () => {
  const requests = new Requests();
  const queue = new RequestQueue(1, 2, "queue");
  assertEquals(submit(queue, requests, "abcde"), "abc");
  await requests.end("a");
  assertEquals(submit(queue, requests, "fg"), "f");
  for (const name of "bcf") await requests.end(name);
  assertEquals(requests.started.join(""), "abcf");
  assertEquals(submit(queue, requests, "h"), "h");
  assertEquals(requests.started.join(""), "abcfh");
});

Deno.test('RequestQueue lets none wait with "refuse"', async () => {
  const requests = new Requests();
  const queue = new RequestQueue(2, 10, "refuse");
  assertEquals(submit(queue, requests, "abc"), "ab");
  await requests.end("a");
  assertEquals(submit(queue, requests, "de"), "d");
  assertEquals(requests.started.join(""), "abd");
});

Deno.test("RequestQueue starts all where the places are without end", () => {
  const requests = new Requests();
  const queue = new RequestQueue(Infinity, 1, "queue");
  for (let count = 0; count < 1000; count++) submit_one(queue, requests, `${count}`);
  assertEquals(requests.running, 1000);
});

Deno.test("RequestQueue takes requests from a request that it runs", async () => {
  const requests = new Requests();
  const queue = new RequestQueue(1, 10, "queue");
  const order: string[] = [];
  submit_async(queue, () => {
    order.push("outer");
    submit_async(queue, () => Promise.resolve(order.push("inner")));
    order.push("outer ends");
    return Promise.resolve();
  });
  await turn();
  assertEquals(order, ["outer", "outer ends", "inner"]);
  assertEquals(requests.running, 0);
});

Deno.test("RequestQueue runs those that are over at once one after the other, however many wait", () => {
  const queue = new RequestQueue(1, 20_000, "queue");
  const ended = { on_ran: () => fail() };
  let order = "";
  queue.submit(ended, () => {
    queue.submit(ended, () => {
      order += "b";
      return false;
    });
    for (let count = 0; count < 20_000; count++) queue.submit(ended, () => false);
    order += "a";
    return false;
  });
  queue.submit(ended, () => {
    order += "c";
    return false;
  });
  assertEquals(order, "abc");
});

Deno.test("RequestQueue never runs more than it may, with many that end at once", async () => {
  const queue = new RequestQueue(7, 2000, "queue");
  let running = 0;
  let most = 0;
  let ended = 0;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  for (let count = 0; count < 1000; count++) {
    submit_async(queue, async () => {
      most = Math.max(most, ++running);
      for (let turns = count % 3; turns >= 0; turns--) await Promise.resolve();
      running--;
      if (++ended === 1000) resolve();
    });
  }
  await all;
  assertEquals([running, most], [0, 7]);
});

Deno.test("RequestQueue takes another size at once: those that wait are started, those that run go on", async () => {
  const requests = new Requests();
  const queue = new RequestQueue(1, 10, "queue");
  submit(queue, requests, "abcde");
  queue.resize(3, 10, "queue");
  assertEquals(requests.started.join(""), "abc");
  queue.resize(1, 1, "refuse");
  await requests.end("a");
  await requests.end("b");
  assertEquals(submit(queue, requests, "f"), "");
  assertEquals(requests.started.join(""), "abc");
  await requests.end("c");
  assertEquals(requests.started.join(""), "abcd");
  await requests.end("d");
  await requests.end("e");
  assertEquals(submit(queue, requests, "gh"), "g");
});
