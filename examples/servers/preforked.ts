/**
 * A server in two processes, started before the first client comes, with two threads each: what Python does with
 * `os.fork()` after `listen()`. Both listen at the same port, and the system deals connections out.
 *
 * ```sh
 * deno run --unstable-net --allow-net=127.0.0.1 --allow-read=. --allow-run=deno examples/servers/preforked.ts
 * ```
 *
 * It prints:
 *
 * ```text
 * one, says thread … of process …
 * two, says thread … of process …
 * three, says thread … of process …
 * four, says thread … of process …
 * exit codes: 0 0
 * ```
 *
 * On Linux only: elsewhere one of the processes gets all connections. Where clients mostly wait, each process needs one
 * thread only: see `../multiprocessing/server_processes.ts`.
 *
 * @module
 */
import { threadId } from "node:worker_threads";
import * as multiprocessing from "../../concurrency/multiprocessing/mod.ts";
import { StreamRequestHandler, ThreadingTCPServer } from "../../mod.ts";
import { ask_all } from "./clients.ts";

/** Sends each line back, with who does so. */
export class SignedHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) {
      const text = new TextDecoder().decode(line).trimEnd();
      await this.wfile.write(`${text}, says thread ${threadId} of process ${Deno.pid}\n`);
    }
  }
}

/** Serves at a port, or at any that is free, until it is told to stop. */
export async function serve(
  port: number,
  addresses: multiprocessing.Queue<Deno.NetAddr>,
  stop: multiprocessing.Event,
): Promise<void> {
  const options = { allow_reuse_port: true, max_workers: 2 };
  await using server = new ThreadingTCPServer(["127.0.0.1", port], SignedHandler, options);
  await addresses.put(server.server_address);
  await server.serve_forever({ signal: stop.as_signal() });
}

if (import.meta.main) {
  const addresses = new multiprocessing.Queue<Deno.NetAddr>();
  const stop = new multiprocessing.Event();
  const start = async (port: number) => {
    const server = new multiprocessing.Process({ target: serve, args: [port, addresses, stop] });
    await server.start();
    return { server, address: await addresses.get() };
  };
  const { server: first, address } = await start(0);
  const { server: second } = await start(address.port);

  const answers = await ask_all(address, ["one", "two", "three", "four"]);
  for (const answer of answers) console.log(answer);

  await stop.set();
  await first.join();
  await second.join();
  console.log("exit codes:", first.exitcode, second.exitcode);
}
