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

const { host, port, _: words } = parseArgs(Deno.args, {
  string: ["host", "port", "_"],
  default: { host: "127.0.0.1", port: "8080" },
});
const data = words.join(" ");

using conn = await Deno.connect({ hostname: host, port: Number(port) });
await conn.write(new TextEncoder().encode(`${data}\n`));
const received = await new BufferedReader(conn).readline();

console.log(`Sent:     ${data}`);
console.log(`Received: ${new TextDecoder().decode(received).trimEnd()}`);
