/**
 * What events cost a request, without the network: the least time of a thousand requests that do nothing. Prints it in us,
 * for the observer that is named.
 *
 * ```sh
 * deno run --config packages/opentelemetry/deno.json bench/observing/events.ts json_log 2> log
 * ```
 *
 * @module
 */
import { BaseRequestHandler, BaseServer } from "../../mod.ts";
import { OBSERVERS } from "./observers.ts";

/** A request, and its client. */
const REQUEST: [object, Deno.NetAddr] = [{}, {
  transport: "tcp",
  hostname: "127.0.0.1",
  port: 5000,
}];
const ROUNDS = 60;

class EmptyServer extends BaseServer<null, object, Deno.NetAddr> {
  override get_request(): [object, Deno.NetAddr] {
    return REQUEST;
  }
}

const observer = OBSERVERS[Deno.args[0]!]!();
await using server = new EmptyServer(null, BaseRequestHandler, { observer });
let least = Infinity;
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now();
  for (let count = 0; count < 1000; count++) await server.handle_request();
  least = Math.min(least, performance.now() - start);
  // What is logged and exported has its time.
  await new Promise((resolve) => setTimeout(resolve, 5));
}
console.log(least.toFixed(1));
