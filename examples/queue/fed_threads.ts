/**
 * A server as one writes it by hand: the main thread accepts connections and puts them into a queue, and threads take
 * them out and talk to the clients. A thread has a descriptor of its own for each, and runs on a core of its own. It has
 * four clients itself, and ends when these are gone.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 --allow-read=. examples/queue/fed_threads.ts
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * ONE (server …)
 * TWO (server …)
 * THREE (server …)
 * FOUR (server …)
 * ```
 *
 * A server class does the same, and knows what to do with slow and rude clients: see `upper_tcp_server.ts`.
 *
 * @module
 */
import { Queue } from "../../concurrency/queue/mod.ts";
import { current_thread, Thread } from "../../concurrency/threading/mod.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Talks to one client after the other. */
export async function serve(connections: Queue<Deno.Conn>): Promise<void> {
  for await (const connection of connections) {
    using open = connection;
    for await (const bytes of open.readable) {
      const text = decoder.decode(bytes).toUpperCase();
      await open.write(encoder.encode(`${text} (${current_thread().name})`));
    }
  }
}

async function ask(port: number, text: string): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(encoder.encode(text));
  const bytes = new Uint8Array(100);
  const count = await connection.read(bytes);
  console.log(decoder.decode(bytes.subarray(0, count!)));
}

if (import.meta.main) {
  const connections = new Queue<Deno.Conn>(10);
  const threads = [1, 2].map((number) =>
    new Thread({ target: serve, args: [connections], name: `server ${number}` })
  );
  for (const thread of threads) await thread.start();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asking = ["one", "two", "three", "four"].map((text) => ask(listener.addr.port, text));
  for (let clients = 0; clients < asking.length; clients++) {
    await connections.put(await listener.accept());
  }
  await Promise.all(asking);
  await connections.shutdown();
  for (const thread of threads) await thread.join();
}
