/**
 * What servers, executors and queues do, for those who run them: a live page, a log, and metrics for Prometheus.
 *
 * ```sh
 * deno add jsr:@socketserver/socketserver
 * ```
 *
 * Or add nothing, and import `jsr:@socketserver/socketserver/monitor`.
 *
 * | name | what it is for |
 * |---|---|
 * | {@linkcode Monitor} | a page in a browser that shows all of it, live; JSON, metrics and health for programs |
 * | {@linkcode text_log} | an `observer` that writes lines for people |
 * | {@linkcode json_log} | an `observer` that writes lines of JSON |
 * | {@linkcode prometheus} | the text that Prometheus reads |
 *
 * [docs/observing.md](../../docs/observing.md) has all events and metrics; `@socketserver/opentelemetry` is a package of its
 * own.
 *
 * ## Permissions
 *
 * None but `--allow-net` for the address of a {@linkcode Monitor}.
 *
 * @example A server with a log
 * ```ts ignore
 * import { StreamRequestHandler, ThreadingTCPServer } from "@socketserver/socketserver";
 * import { text_log } from "@socketserver/socketserver/monitor";
 *
 * export class EchoHandler extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) await this.wfile.write(line);
 *   }
 * }
 *
 * if (import.meta.main) {
 *   const options = { observer: text_log() };
 *   await using server = new ThreadingTCPServer(["127.0.0.1", 8080], EchoHandler, options);
 *   await server.serve_forever({ stop_on: ["SIGINT", "SIGTERM"] });
 * }
 * ```
 *
 * @module
 */
export { json_log } from "./json_log.ts";
export { Monitor, type MonitorOptions } from "./monitor.ts";
export type { LogOptions } from "./log_options.ts";
export type { Observed, ObservedEvent, ObservedGroup } from "./observed.ts";
export { prometheus } from "./prometheus.ts";
export { text_log } from "./text_log.ts";
