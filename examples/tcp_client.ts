/**
 * Sends its arguments as a line and prints the answer, as the client in Python's documentation does.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:8080 examples/tcp_client.ts hello world
 * deno task client "hello world"
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { BufferedReader } from "../mod.ts";

const USAGE = "Usage: tcp_client.ts [--host 127.0.0.1] [--port 8080] WORDS";

async function main(args: string[]): Promise<void> {
  const { host, port, help, _: words } = parseArgs(args, {
    string: ["host", "port", "_"],
    boolean: ["help"],
    default: { host: "127.0.0.1", port: "8080" },
  });
  if (help) return console.error(USAGE);
  try {
    await talk(host, Number(port), words.join(" "));
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    console.error(`Nothing listens at ${host}:${port}: run deno task start first`);
    Deno.exitCode = 1;
  }
}

async function talk(hostname: string, port: number, data: string): Promise<void> {
  using conn = await Deno.connect({ hostname, port });
  await conn.write(new TextEncoder().encode(`${data}\n`));
  const received = await new BufferedReader(conn).readline();

  console.log(`Sent:     ${data}`);
  console.log(`Received: ${new TextDecoder().decode(received).trimEnd()}`);
}

await main(Deno.args);
