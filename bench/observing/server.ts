/**
 * A server with an observer, or with none. Prints its port, then serves until it is ended.
 *
 * ```sh
 * deno run --allow-net --allow-read bench/observing/server.ts AsyncTCPServer json_log
 * ```
 *
 * @module
 */
import { AsyncTCPServer, type ServerObserver, ThreadingTCPServer } from "../../mod.ts";
import { json_log, text_log } from "../../operation/monitor/mod.ts";
import { opentelemetry } from "../../packages/opentelemetry/mod.ts";
import { LinesHandler } from "../servers/ours.ts";

export { LinesHandler };

const SERVERS: Record<string, typeof AsyncTCPServer> = { AsyncTCPServer, ThreadingTCPServer };
const OBSERVERS: Record<string, () => ServerObserver | null> = {
  none: () => null,
  empty: () => () => {},
  json_log: () => json_log(),
  text_log: () => text_log(),
  metrics: () => opentelemetry({ spans: false }),
  spans: () => opentelemetry(),
};

if (import.meta.main) {
  const [server_name, observer_name] = Deno.args as [string, string];
  const observer = OBSERVERS[observer_name]!();
  await using server = new SERVERS[server_name]!(["127.0.0.1", 0], LinesHandler, { observer });
  console.log(server.server_address.port);
  await server.serve_forever();
}
