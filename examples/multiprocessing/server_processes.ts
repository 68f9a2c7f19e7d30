/**
 * A server in two processes, each of which serves many clients at once: what Python does with a pool of processes and
 * threads, or gevent, in each of them. Both listen at the same port, and the system deals connections out. (A
 * `ForkingTCPServer` has one client at a time in each child.) Six clients talk to it at once, and hear which process has
 * served them, and as which of its clients. Then it stops both in good order.
 *
 * ```sh
 * deno run --unstable-net --allow-net=127.0.0.1 --allow-read=. --allow-run=deno \
 *   examples/multiprocessing/server_processes.ts
 * ```
 *
 * It prints, in any order:
 *
 * ```text
 * Received: process …, client …: Hello World 1
 * Received: process …, client …: Hello World 2
 * Received: process …, client …: Hello World 3
 * Received: process …, client …: Hello World 4
 * Received: process …, client …: Hello World 5
 * Received: process …, client …: Hello World 6
 * exit codes: 0 0
 * ```
 *
 * On Linux only: elsewhere one of the processes gets all connections.
 *
 * @module
 */
import * as multiprocessing from "../../concurrency/multiprocessing/mod.ts";
import { AsyncTCPServer, BufferedReader, StreamRequestHandler } from "../../mod.ts";

let clients = 0;

/** Answers each line with the number of the process, and of the client there. */
export class NumberHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    const number = ++clients;
    for await (const line of this.rfile) {
      const text = new TextDecoder().decode(line);
      await this.wfile.write(`process ${Deno.pid}, client ${number}: ${text}`);
    }
  }
}

/** Serves at a port, or any free one, until it is told to stop. */
export async function serve(
  port: number,
  ports: multiprocessing.Queue<number>,
  stop: multiprocessing.Event,
): Promise<void> {
  const options = { allow_reuse_port: true };
  await using server = new AsyncTCPServer(["127.0.0.1", port], NumberHandler, options);
  await ports.put(server.server_address.port);
  await server.serve_forever({ signal: stop.as_signal() });
}

/** Says something, and hears the answer; the connection stays open. */
async function say(conn: Deno.Conn, message: string): Promise<void> {
  await conn.write(new TextEncoder().encode(`${message}\n`));
  const received = await new BufferedReader(conn).readline();
  console.log(`Received: ${new TextDecoder().decode(received).trimEnd()}`);
}

if (import.meta.main) {
  const ports = new multiprocessing.Queue<number>();
  const stop = new multiprocessing.Event();
  const servers: multiprocessing.Process<Parameters<typeof serve>>[] = [];
  let port = 0;
  for (let number = 0; number < 2; number++) {
    const server = new multiprocessing.Process({ target: serve, args: [port, ports, stop] });
    await server.start();
    port = await ports.get();
    servers.push(server);
  }

  const address = { hostname: "127.0.0.1", port };
  const conns = await Promise.all([1, 2, 3, 4, 5, 6].map(() => Deno.connect(address)));
  await Promise.all(conns.map((conn, at) => say(conn, `Hello World ${at + 1}`)));
  conns.forEach((conn) => conn.close());

  await stop.set();
  for (const server of servers) await server.join();
  console.log("exit codes:", ...servers.map(({ exitcode }) => exitcode));
}
