/**
 * A forking server and three clients at once, in one program, used like the threaded one. Each reply
 * names the process that served it. There are at most two, so one client waits.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 --allow-read=. --allow-run=deno examples/forking_server.ts
 * deno run --allow-net=127.0.0.1 --allow-read --allow-run=deno examples/forking_server.ts   # not on Linux
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * Received: process …: Hello World 1
 * Received: process …: Hello World 2
 * Received: process …: Hello World 3
 * ```
 *
 * @module
 */
import { BufferedReader, ForkingTCPServer, StreamRequestHandler } from "../mod.ts";

/** Answers a line with the number of the process and the line. */
export class ProcessHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    const line = new TextDecoder().decode(await this.rfile.readline());
    await this.wfile.write(`process ${Deno.pid}: ${line}`);
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
  await using server = new ForkingTCPServer(["127.0.0.1", 0], ProcessHandler, { max_children: 2 });
  const serving = server.serve_forever();
  await Promise.all([
    client(server.server_address, "Hello World 1"),
    client(server.server_address, "Hello World 2"),
    client(server.server_address, "Hello World 3"),
  ]);
  await server.shutdown();
  await serving;
}
