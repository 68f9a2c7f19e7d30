/**
 * A server for programs on the same machine that answers each line in upper case. They find it by its
 * path: its argument, or `./socketserver.sock`. Ctrl-C ends it and removes the path.
 *
 * ```sh
 * deno run --allow-net="unix:$PWD/socketserver.sock" --allow-read=socketserver.sock \
 *   --allow-write=socketserver.sock examples/upper_unix_server.ts socketserver.sock
 * socat - UNIX-CONNECT:socketserver.sock
 * nc -U socketserver.sock
 * ```
 *
 * @module
 */
import { AsyncUnixStreamServer, StreamRequestHandler } from "../mod.ts";
import { LOCAL } from "./limits.ts";

/** Answers each line in upper case. */
export class UpperHandler extends StreamRequestHandler<AsyncUnixStreamServer, Deno.UnixAddr> {
  static override timeout = 300_000; // ms that a client may be silent
  static override read_deadline = 30_000; // ms that a line may take, once it has begun

  override async handle(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const line of this.rfile) {
      await this.wfile.write(decoder.decode(line).toUpperCase());
    }
  }
}

if (import.meta.main) {
  const [path = "./socketserver.sock"] = Deno.args;
  await using server = new AsyncUnixStreamServer(path, UpperHandler, LOCAL);
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Serving at ${path}; Ctrl-C ends it`);
  await serving;
}
