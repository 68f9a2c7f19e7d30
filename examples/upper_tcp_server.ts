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
import { StreamRequestHandler, ThreadingTCPServer } from "../mod.ts";

/** Answers each line in upper case. */
export class UpperHandler extends StreamRequestHandler {
  static override module = import.meta.url;

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
  if (help || unknown.length > 0) {
    if (unknown.length > 0) console.error(`Unknown: ${unknown.join(" ")}`);
    console.error(USAGE);
    Deno.exit(help ? 0 : 2);
  }
  try {
    await serve(host, Number(port), workers);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    console.error(`Port ${port} is taken: deno task start --port ${Number(port) + 1}`);
    Deno.exitCode = 1;
  }
}

async function serve(host: string, wanted: number, workers?: string): Promise<void> {
  await using server = new ThreadingTCPServer([host, wanted], UpperHandler, {
    ...(workers !== undefined && { max_workers: Number(workers) }),
  });
  const { hostname, port } = server.server_address;
  const serving = server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
  console.log(`Serving on ${hostname}:${port}; try: printf 'hello\\n' | nc -N ${hostname} ${port}`);
  await serving;
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

if (import.meta.main) await main(Deno.args);
