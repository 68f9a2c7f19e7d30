/**
 * A server in the shape of a loop over Python's `select()`: one place that hears of all clients, one after the other, and
 * has variables for all of them. What is ready next comes out of a queue, into which one function for each client puts it.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 examples/servers/select.ts
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * Client 1 comes
 * Client 2 comes
 * Client 3 comes
 * Line …: one
 * Line …: two
 * Line …: three
 * Client … leaves
 * Client … leaves
 * Client … leaves
 * ```
 *
 * Without such a loop it is shorter: see `selectors.ts`.
 *
 * @module
 */
import { Queue } from "../../concurrency/queue/mod.ts";
import { BufferedReader } from "../../mod.ts";
import { ask_all } from "./clients.ts";

/** Something happened to a client. It has left if there is no line. */
interface Ready {
  client: number;
  line?: string;
}

const WORDS = ["one", "two", "three"];

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What happened. While there is no room, clients wait. */
const ready = new Queue<Ready>(100);
const connections = new Map<number, Deno.Conn>();

/** Says when a client sends something, and when it leaves. */
async function watch(client: number, connection: Deno.Conn): Promise<void> {
  try {
    for await (const line of new BufferedReader(connection)) {
      await ready.put({ client, line: decoder.decode(line) });
    }
  } catch {
    // It broke off, which is leaving, too.
  }
  await ready.put({ client });
}

/** Accepts clients, as many as there will be. */
async function accept(listener: Deno.Listener): Promise<void> {
  for (let client = 1; client <= WORDS.length; client++) {
    const connection = await listener.accept();
    console.log(`Client ${client} comes`);
    connections.set(client, connection);
    void watch(client, connection);
  }
}

using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const accepting = accept(listener);
const asking = ask_all(listener.addr, WORDS);
let lines = 0;
let left = 0;
while (left < WORDS.length) {
  const { client, line } = await ready.get();
  if (line === undefined) {
    connections.get(client)!.close();
    console.log(`Client ${client} leaves`);
    left++;
  } else {
    console.log(`Line ${++lines}: ${line.trimEnd()}`);
    await connections.get(client)!.write(encoder.encode(line));
  }
}
await accepting;
await asking;
