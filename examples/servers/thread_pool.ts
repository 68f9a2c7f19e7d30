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
import { AsyncExecutor, type Executor, ThreadPoolExecutor } from "../../concurrency/futures/mod.ts";
import { ask_all } from "./clients.ts";

const WORDS = ["one", "two", "three", "four"];

/** Sends all back that it receives. Runs in a thread: that is why it is exported. */
export async function echo(connection: Deno.Conn): Promise<void> {
  await connection.readable.pipeTo(connection.writable);
}

/** Serves so many clients by an executor. */
async function serve(listener: Deno.Listener, executor: Executor, clients: number): Promise<void> {
  for (let client = 1; client <= clients; client++) {
    executor.submit(echo, await listener.accept());
  }
}

/** Has the clients talk to a server over an executor, until the last of them is served. */
async function run(name: string, executor: Executor): Promise<void> {
  await using _until_done = executor;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = serve(listener, executor, WORDS.length);
  console.log(`${name}: ${(await ask_all(listener.addr, WORDS)).join(" ")}`);
  await serving;
}

if (import.meta.main) {
  await run("ThreadPoolExecutor(4)", new ThreadPoolExecutor(4));
  await run("AsyncExecutor(128)", new AsyncExecutor(128));
}
