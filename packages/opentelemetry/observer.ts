import type { ServerEvent } from "@socketserver/socketserver";
import { RequestSpans } from "./request_spans.ts";
import { ServerMetrics } from "./server_metrics.ts";

/** What {@linkcode opentelemetry} can be told. */
export interface OpenTelemetryOptions {
  /**
   * Whether there is a span for each request, besides the metrics. Spans cost more than all the metrics.
   *
   * @default {true}
   */
  spans?: boolean;
}

/**
 * Makes the observer of one server, which tells OpenTelemetry what that does. Each server has one of its own.
 *
 * @param options Whether there are spans.
 *
 * @example
 * ```ts
 * import { AsyncTCPServer, StreamRequestHandler } from "@socketserver/socketserver";
 * import { opentelemetry, TracingMixIn } from "@socketserver/opentelemetry";
 *
 * class EchoHandler extends TracingMixIn(StreamRequestHandler) {
 *   override async handle(): Promise<void> {
 *     for await (const line of this.rfile) await this.wfile.write(line);
 *   }
 * }
 *
 * const observer = opentelemetry();
 * await using server = new AsyncTCPServer(["127.0.0.1", 0], EchoHandler, { observer });
 * ```
 */
export function opentelemetry({ spans = true }: OpenTelemetryOptions = {}): (
  event: ServerEvent,
) => void {
  const metrics = new ServerMetrics();
  const requests = spans ? new RequestSpans() : undefined;
  return (event) => {
    metrics.add(event);
    requests?.add(event);
  };
}
