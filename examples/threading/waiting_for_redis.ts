/**
 * Clients that wait until a server is there: an event says when. The server is a thread that takes a while to start, so
 * no Redis is needed. Each client tells how often it has looked.
 *
 * ```sh
 * deno run --allow-read=. examples/threading/waiting_for_redis.ts
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * redis: ready to accept connections
 * client 1: connected, at attempt …
 * client 2: connected, at attempt …
 * ```
 *
 * @module
 */
import { delay } from "@std/async/delay";
import * as threading from "../../concurrency/threading/mod.ts";

/** Connects when the server is there. */
export async function connect(is_ready: threading.Event): Promise<void> {
  const { name } = threading.current_thread();
  let attempts = 1;
  while (!await is_ready.wait(100)) attempts++;
  console.log(`${name}: connected, at attempt ${attempts}`);
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
