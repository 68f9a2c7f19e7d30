/**
 * Sends its arguments as a datagram and prints the answer, as the client in Python's documentation
 * does. Datagrams get lost silently: without an answer it gives up after two seconds. `0.0.0.0:0` in
 * the command is for its own socket.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1,0.0.0.0:0 examples/udp_client.ts hello world
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

const { host, port, _: words } = parseArgs(Deno.args, {
  string: ["host", "port", "_"],
  default: { host: "127.0.0.1", port: "8080" },
});
const data = words.join(" ");

const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
try {
  const answer = once(socket, "message", { signal: AbortSignal.timeout(2000) });
  socket.send(`${data}\n`, Number(port), host);
  const [received] = await answer;

  console.log(`Sent:     ${data}`);
  console.log(`Received: ${new TextDecoder().decode(received).trimEnd()}`);
} catch (error) {
  if (!(error instanceof Error && error.name === "AbortError")) throw error;
  console.error(`No answer came from ${host}:${port} within 2 seconds`);
  Deno.exitCode = 1;
} finally {
  socket.close();
}
