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
import { refuse_unknown, run, UsageError, whole_number } from "./command_line.ts";

const USAGE = "Usage: tcp_client.ts [--host 127.0.0.1] [--port 8080] WORDS";

async function main(args: string[]): Promise<void> {
  const unknown: string[] = [];
  const { host, port, help, _: words } = parseArgs(args, {
    string: ["host", "port", "_"],
    boolean: ["help"],
    default: { host: "127.0.0.1", port: "8080" },
    unknown: (word, option) => void (option !== undefined && unknown.push(word)),
  });
  if (help) return console.error(USAGE);
  refuse_unknown(unknown);
  if (words.length === 0) throw new UsageError("There is nothing to send");
  const number = whole_number("--port", port, 1, 65_535);
  try {
    await talk(host, number, words.join(" "));
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) {
      throw new Error(`Nothing listens at ${host}:${port}: start a server, or write its --port`);
    }
    throw new Error(`Cannot talk to ${host}:${port}: ${(error as Error).message}`);
  }
}

async function talk(hostname: string, port: number, data: string): Promise<void> {
  using conn = await Deno.connect({ hostname, port });
  await conn.write(new TextEncoder().encode(`${data}\n`));
  const received = await new BufferedReader(conn).readline();

  console.log(`Sent:     ${data}`);
  console.log(`Received: ${new TextDecoder().decode(received).trimEnd()}`);
}

await run(USAGE, () => main(Deno.args));
