/**
 * A threaded server and three clients, one after the other, in one program, as in Python's
 * documentation. Each reply names the worker that served it.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 --allow-read=. examples/threaded_server.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * Received: worker …: Hello World 1
 * Received: worker …: Hello World 2
 * Received: worker …: Hello World 3
 * ```
 *
 * @module
 */
import { threadId } from "node:worker_threads";
import { BufferedReader, StreamRequestHandler, ThreadingTCPServer } from "../mod.ts";

/** Answers a line with the number of the worker and the line. */
export class WorkerHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    const line = new TextDecoder().decode(await this.rfile.readline());
    await this.wfile.write(`worker ${threadId}: ${line}`);
  }
}

async function client({ hostname, port }: Deno.NetAddr, message: string): Promise<void> {
  using conn = await Deno.connect({ hostname, port });
  await conn.write(new TextEncoder().encode(`${message}\n`));
  const received = await new BufferedReader(conn).readline();
  console.log(`Received: ${new TextDecoder().decode(received).trimEnd()}`);
}

if (import.meta.main) {
  // Port 0: the system chooses one.
  await using server = new ThreadingTCPServer(["127.0.0.1", 0], WorkerHandler);
  const serving = server.serve_forever();
  await client(server.server_address, "Hello World 1");
  await client(server.server_address, "Hello World 2");
  await client(server.server_address, "Hello World 3");
  await server.shutdown();
  await serving;
}
