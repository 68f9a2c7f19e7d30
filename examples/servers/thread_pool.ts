/**
 * An echo server over a pool: the program accepts connections, and submits each to an executor. First the pool has
 * threads, as Python's `ThreadPoolExecutor(128)`; a thread takes 15 MB, so here are four. Then it is an `AsyncExecutor`,
 * which takes as many clients as you like in one thread: better where they mostly wait.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 --allow-read=. examples/servers/thread_pool.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * ThreadPoolExecutor(4): one two three four
 * AsyncExecutor(128): one two three four
 * ```
 *
 * A server class bounds both, and knows slow and rude clients: see `../threaded_server.ts`.
 *
 * @module
 */
import {
  AsyncExecutor,
  type Executor,
  type Future,
  ThreadPoolExecutor,
} from "../../concurrency/futures/mod.ts";
import { ask_all } from "./clients.ts";

const WORDS = ["one", "two", "three", "four"];

/** Sends all back that it receives. Runs in a thread: that is why it is exported. */
export async function echo(connection: Deno.Conn): Promise<void> {
  await connection.readable.pipeTo(connection.writable);
}

/** Serves so many clients by an executor, until all have left. */
async function serve(listener: Deno.Listener, executor: Executor, clients: number): Promise<void> {
  const served: Future<void>[] = [];
  while (served.length < clients) served.push(executor.submit(echo, await listener.accept()));
  await Promise.all(served);
}

/** Has clients talk to a server over an executor. */
async function run(name: string, executor: Executor): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = serve(listener, executor, WORDS.length);
  const [answers] = await Promise.all([ask_all(listener.addr, WORDS), serving]);
  console.log(`${name}: ${answers.join(" ")}`);
}

if (import.meta.main) {
  await using threads = new ThreadPoolExecutor(4);
  await run("ThreadPoolExecutor(4)", threads);
  await using loop = new AsyncExecutor(128);
  await run("AsyncExecutor(128)", loop);
}
