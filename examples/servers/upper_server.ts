/**
 * The first server that one writes with `socketserver`, a class with `recv()` and `sendall()`: it sends back in upper case
 * what it receives, and has threads for that. Ctrl-C ends it. `upper_client.ts` talks to it.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:8080 --allow-read=. examples/servers/upper_server.ts --port 8080
 * ```
 *
 * It prints:
 *
 * ```text
 * Serving on 127.0.0.1:8080; Ctrl-C ends it
 * Client 127.0.0.1:… comes
 * Client 127.0.0.1:… leaves
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { BaseRequestHandler, ThreadingTCPServer } from "../../mod.ts";
import { BRIEF } from "../limits.ts";

/** Sends back in upper case what it receives. */
export class UpperHandler extends BaseRequestHandler {
  override setup(): void {
    this.request.settimeout(300_000); // ms that a client may be silent
  }

  override async handle(): Promise<void> {
    const { hostname, port } = this.client_address;
    console.log(`Client ${hostname}:${port} comes`);
    const decoder = new TextDecoder();
    for (;;) {
      const data = await this.request.recv(1024);
      if (data.length === 0) break;
      const text = decoder.decode(data, { stream: true }).toUpperCase();
      await this.request.sendall(new TextEncoder().encode(text));
    }
    console.log(`Client ${hostname}:${port} leaves`);
  }
}

if (import.meta.main) {
  const { port } = parseArgs(Deno.args, { string: ["port"], default: { port: "8080" } });
  await using server = new ThreadingTCPServer(["127.0.0.1", Number(port)], UpperHandler, BRIEF);
  const { hostname, port: bound } = server.server_address;
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Serving on ${hostname}:${bound}; Ctrl-C ends it`);
  await serving;
}
