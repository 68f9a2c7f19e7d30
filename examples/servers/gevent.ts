/**
 * An echo server for hundreds of clients at once, in one thread: gevent's `StreamServer` with a `Pool`. Nothing needs to be
 * patched, as all that waits here is awaited. Who comes while there are 500 clients waits.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 examples/servers/gevent.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * 200 clients at once; each has heard its own line
 * ```
 *
 * In several processes: see `../multiprocessing/server_processes.ts`.
 *
 * @module
 */
import { AsyncTCPServer, StreamRequestHandler } from "../../mod.ts";
import { ask_all } from "./clients.ts";

/** Sends each line back. */
class EchoHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(line);
  }
}

await using server = new AsyncTCPServer(["127.0.0.1", 0], EchoHandler, { max_requests: 500 });
void server.serve_forever();
const lines = Array.from({ length: 200 }, (_, client) => `Hello from client ${client}`);
const answers = await ask_all(server.server_address, lines);
if (answers.every((answer, client) => answer === lines[client])) {
  console.log(`${answers.length} clients at once; each has heard its own line`);
}
