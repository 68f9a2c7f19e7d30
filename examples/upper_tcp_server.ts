/**
 * A threaded TCP server that answers each line in upper case.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:8080 --allow-read=. examples/upper_tcp_server.ts --port 8080 \
 *   --workers 2
 * deno task start --port 8081   # for any --host and --port
 * nc 127.0.0.1 8080
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { type ServerOptions, StreamRequestHandler, ThreadingTCPServer } from "../mod.ts";
import { refuse_unknown, run, whole_number } from "./command_line.ts";
import { BRIEF } from "./limits.ts";

/** Answers each line in upper case. */
export class UpperHandler extends StreamRequestHandler {
  static override module = import.meta.url;
  static override timeout = 300_000; // ms that a client may be silent
  static override read_deadline = 30_000; // ms that a line may take, once it has begun

  override async handle(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const line of this.rfile) {
      await this.wfile.write(decoder.decode(line).toUpperCase());
    }
  }
}

const USAGE = "Usage: upper_tcp_server.ts [--host 127.0.0.1] [--port 8080] [--workers N]";

async function main(args: string[]): Promise<void> {
  const { host, port, workers, help, unknown } = options_of(args);
  if (help) return console.error(USAGE);
  refuse_unknown(unknown);
  const options = workers === undefined
    ? {}
    : { max_workers: whole_number("--workers", workers, 1) };
  await using server = bound(host, whole_number("--port", port, 0, 65_535), options);
  const { hostname, port: real } = server.server_address;
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Serving on ${hostname}:${real}; try: printf 'hello\\n' | nc -N ${hostname} ${real}`);
  await serving;
}

function bound(host: string, port: number, options: ServerOptions): ThreadingTCPServer {
  try {
    return new ThreadingTCPServer([host, port], UpperHandler, { ...BRIEF, ...options });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      const other = port < 65_535 ? port + 1 : 0;
      throw new Error(`Port ${port} is taken: deno task start --port ${other}`);
    }
    throw new Error(`Cannot listen: ${(error as Error).message}`);
  }
}

function options_of(args: string[]) {
  const unknown: string[] = [];
  const options = parseArgs(args, {
    string: ["host", "port", "workers"],
    boolean: ["help"],
    default: { host: "127.0.0.1", port: "8080" },
    unknown: (arg) => void unknown.push(arg),
  });
  return { ...options, unknown };
}

if (import.meta.main) await run(USAGE, () => main(Deno.args));
