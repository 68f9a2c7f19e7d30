/**
 * A server with an observer, or with none. Prints its port, then serves until it is ended.
 *
 * ```sh
 * deno run --allow-net --allow-read bench/observing/server.ts AsyncTCPServer json_log
 * ```
 *
 * @module
 */
import { AsyncTCPServer, ThreadingTCPServer } from "../../mod.ts";
import { LinesHandler } from "../servers/ours.ts";
import { OBSERVERS } from "./observers.ts";

export { LinesHandler };

const SERVERS: Record<string, typeof AsyncTCPServer> = { AsyncTCPServer, ThreadingTCPServer };
if (import.meta.main) {
  const [server_name, observer_name] = Deno.args as [string, string];
  const observer = OBSERVERS[observer_name]!();
  await using server = new SERVERS[server_name]!(["127.0.0.1", 0], LinesHandler, { observer });
  console.log(server.server_address.port);
  await server.serve_forever();
}
