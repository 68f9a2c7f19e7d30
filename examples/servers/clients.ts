/**
 * The clients of the servers in this folder, in the same program.
 *
 * @module
 */
import { BufferedReader } from "../../mod.ts";

/** Sends a line to a server, and gives the line that comes back. */
export async function ask({ hostname, port }: Deno.NetAddr, line: string): Promise<string> {
  using connection = await Deno.connect({ hostname, port });
  await connection.write(new TextEncoder().encode(`${line}\n`));
  const answer = await new BufferedReader(connection).readline();
  return new TextDecoder().decode(answer).trimEnd();
}

/** The same with many clients at once, each with its own line; their answers are in the order of the lines. */
export function ask_all(address: Deno.NetAddr, lines: string[]): Promise<string[]> {
  return Promise.all(lines.map((line) => ask(address, line)));
}
