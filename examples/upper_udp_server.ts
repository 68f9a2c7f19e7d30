/**
 * A UDP server that prints each datagram and answers it in upper case, as the server in Python's
 * documentation does. It runs without a flag; `--unstable-net` makes it faster.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1 examples/upper_udp_server.ts --port 8080
 * deno run --allow-net=127.0.0.1 --unstable-net examples/upper_udp_server.ts --port 8080
 * nc -u 127.0.0.1 8080
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { DatagramRequestHandler, UDPServer } from "../mod.ts";

/** Prints who wrote what, and answers in upper case. */
export class UpperHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    const data = new TextDecoder().decode(this.packet).trim();
    console.log(`${this.client_address.hostname} wrote:`);
    console.log(Deno.inspect(data));
    await this.wfile.write(data.toUpperCase());
  }
}

if (import.meta.main) {
  const { port } = parseArgs(Deno.args, { string: ["port"], default: { port: "8080" } });
  await using server = new UDPServer(["127.0.0.1", Number(port)], UpperHandler);
  const { hostname, port: bound } = server.server_address;
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Serving on ${hostname}:${bound}; Ctrl-C ends it`);
  await serving;
}
