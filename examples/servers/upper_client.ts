/**
 * Sends what is typed, line by line, and prints what comes back, until `bye` or the end of the input. `upper_server.ts` is
 * there for it, or any server that answers lines.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:8080 examples/servers/upper_client.ts --port 8080
 * ```
 *
 * It prints, if `hello` and `bye` are typed:
 *
 * ```text
 * > HELLO
 * > BYE
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { BufferedReader } from "../../mod.ts";

const { port } = parseArgs(Deno.args, { string: ["port"], default: { port: "8080" } });
const encoder = new TextEncoder();
const decoder = new TextDecoder();

using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
const answers = new BufferedReader(connection);
for await (const line of new BufferedReader(Deno.stdin)) {
  await connection.write(line);
  await Deno.stdout.write(encoder.encode(`> ${decoder.decode(await answers.readline())}`));
  if (decoder.decode(line).trim() === "bye") break;
}
