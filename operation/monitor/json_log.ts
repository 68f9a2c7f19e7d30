import { with_address_texts } from "./address_text.ts";
import { type LogOptions, writer_of } from "./log_options.ts";
import type { ObservedEvent } from "./observed.ts";

/**
 * Makes an observer that writes each event as a line of JSON, as it is. Of an executor's error it writes the name of
 * its class only.
 *
 * @param options Where lines go.
 * @throws {TypeError} If `write` is no function.
 *
 * @example
 * ```ts
 * import { AsyncTCPServer, BaseRequestHandler } from "@socketserver/socketserver";
 * import { json_log } from "@socketserver/socketserver/monitor";
 *
 * const observer = json_log({ write: console.log });
 * await using server = new AsyncTCPServer(["127.0.0.1", 0], BaseRequestHandler, { observer });
 * const { hostname, port } = server.server_address;
 * (await Deno.connect({ hostname, port })).close();
 * await server.handle_request();
 * // {"time":1764288000000,"server":"AsyncTCPServer","type":"server.start","address":{"transport":"tcp", ...
 * ```
 */
export function json_log(options: LogOptions = {}): (event: ObservedEvent) => void {
  const write = writer_of(options);
  return (event) => write(json_of(event));
}

function json_of(event: ObservedEvent): string {
  const safe = "cause" in event ? { ...event, cause: undefined } : event;
  try {
    return JSON.stringify(safe);
  } catch {
    // A hook may have put anything onto an address, and requests of a program's own have any.
    return JSON.stringify(with_address_texts(safe));
  }
}
