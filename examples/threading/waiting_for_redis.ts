/**
 * Clients that wait until a server is there: an event says when. The server is a thread that takes a while to start, so
 * no Redis is needed. It prints how often each client looked, and that both go on when the server is there.
 *
 * ```sh
 * deno run --allow-read=. examples/threading/waiting_for_redis.ts
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import * as threading from "../../concurrency/threading/mod.ts";

/** Connects when the server is there. */
export async function connect(is_ready: threading.Event): Promise<void> {
  const { name } = threading.current_thread();
  for (let attempt = 1; !await is_ready.wait(100); attempt++) {
    console.log(`${name}: not there yet, attempt ${attempt}`);
  }
  console.log(`${name}: connected`);
}

/** Starts, which takes its time. */
export async function serve(is_ready: threading.Event): Promise<void> {
  await delay(500);
  console.log("redis: ready to accept connections");
  await is_ready.set();
}

if (import.meta.main) {
  const is_ready = new threading.Event();
  const threads = [
    new threading.Thread({ target: connect, args: [is_ready], name: "client 1" }),
    new threading.Thread({ target: connect, args: [is_ready], name: "client 2" }),
    new threading.Thread({ target: serve, args: [is_ready], name: "redis" }),
  ];
  for (const thread of threads) await thread.start();
  for (const thread of threads) await thread.join();
}
