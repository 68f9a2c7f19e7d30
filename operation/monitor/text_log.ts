import { printable } from "../../internal/runtime/error_text.ts";
import { address_text } from "./address_text.ts";
import { type LogOptions, writer_of } from "./log_options.ts";
import type { ObservedEvent } from "./observed.ts";

/**
 * Makes an observer that writes lines for people: one for each request, when it is over, and one for all else that
 * happens. What begins and ends, as a request, a task or a handshake, has one line at its end.
 *
 * @param options Where lines go.
 * @throws {TypeError} If `write` is no function.
 *
 * @example
 * ```ts
 * import { AsyncTCPServer, BaseRequestHandler } from "@socketserver/socketserver";
 * import { text_log } from "@socketserver/socketserver/monitor";
 *
 * const observer = text_log({ write: console.log });
 * await using server = new AsyncTCPServer(["127.0.0.1", 0], BaseRequestHandler, { observer });
 * const { hostname, port } = server.server_address;
 * (await Deno.connect({ hostname, port })).close();
 * await server.handle_request();
 * // 2025-11-28T00:00:00.000Z AsyncTCPServer listens at 127.0.0.1:40000
 * // 2025-11-28T00:00:00.002Z AsyncTCPServer request 1 of 127.0.0.1:40001 completed in 1.2 ms: waited 0.1 ms, ...
 * ```
 */
export function text_log(options: LogOptions = {}): (event: ObservedEvent) => void {
  const write = writer_of(options);
  return (event) => {
    const said = said_of(event);
    if (said === undefined) return;
    const who = "server" in event ? `${printable(event.server)} ` : "";
    write(`${new Date(event.time).toISOString()} ${who}${said}`);
  };
}

/** What there is to say of an event; nothing where more is said at the end of what begins. */
function said_of(event: ObservedEvent): string | undefined {
  switch (event.type) {
    case "request.start":
    case "request.run":
    case "handshake.start":
    case "task.start":
    case "item.start":
      return undefined;
    case "server.start":
      return `listens at ${address_text(event.address)}`;
    case "server.stop": {
      const { duration, drained, aborted } = event;
      return `closed after ${ms(duration)}: ${drained} requests drained, ${aborted} cut`;
    }
    case "server.suspend":
      return "suspended";
    case "server.resume":
      return "resumed";
    case "accept.error": {
      const { code, error_type, count } = event;
      return `could not accept: ${printable(code ?? error_type)}, ${event.class} (${count} so far)`;
    }
    case "request.stop":
      return request(event);
    case "handshake.stop":
      return handshake(event);
    case "proxy.rejected":
      return `closed a connection of ${address_text(event.peer)}: its PROXY header gave ` +
        printable(event.error_type);
    case "tls.reload":
      return event.ok
        ? `has new certificates, until ${new Date(event.not_after).toISOString()}`
        : `keeps its certificates: the new ones gave ${printable(event.error_type ?? "Error")}`;
    case "worker.start":
      return `${worker(event)} started`;
    case "worker.stop": {
      const { reason, error_type, lost, duration } = event;
      const why = error_type === undefined ? reason : `${reason}, ${printable(error_type)}`;
      return `${worker(event)} ended after ${ms(duration)}: ${why}, ${lost} lost`;
    }
    case "task.stop": {
      const { task, outcome, duration, wait } = event;
      return `task ${task} ${outcome} in ${ms(duration)}: waited ${ms(wait)}`;
    }
    case "item.stop": {
      const { item, outcome, duration, deliveries } = event;
      return `item ${item} ${outcome} after ${ms(duration)}: taken ${deliveries} times`;
    }
  }
}

function request(
  event: Extract<ObservedEvent, { type: "request.stop" }>,
): string {
  const { id, client, outcome, reason, error_type, duration, wait, bytes_in, bytes_out } = event;
  const why = reason ?? error_type;
  const parts = [
    `waited ${ms(wait)}`,
    bytes_in !== undefined && `${bytes_in} bytes in`,
    bytes_out !== undefined && `${bytes_out} bytes out`,
    event.worker !== undefined && `worker ${event.worker}`,
  ];
  const how = why === undefined ? outcome : `${outcome} (${printable(why)})`;
  return `request ${id} of ${address_text(client)} ${how} in ${ms(duration)}: ` +
    parts.filter(Boolean).join(", ");
}

function handshake(
  event: Extract<ObservedEvent, { type: "handshake.stop" }>,
): string {
  const { id, duration, protocol, alpn, resumed, error_type } = event;
  if (error_type !== undefined) {
    return `handshake of request ${id} failed (${printable(error_type)}) in ${ms(duration)}`;
  }
  const parts = [protocol, alpn, resumed && "resumed"].filter(Boolean).map(String);
  return `handshake of request ${id} done in ${ms(duration)}: ${printable(parts.join(", "))}`;
}

function worker({ worker, pid }: { worker: number; pid?: number }): string {
  return pid === undefined ? `worker ${worker}` : `worker ${worker} (process ${pid})`;
}

/** A time as people read it: with one digit where it is short. */
function ms(duration: number): string {
  return duration < 100 ? `${duration.toFixed(1)} ms` : `${Math.round(duration)} ms`;
}
