import {
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { ServerEvent } from "@socketserver/socketserver";
import { address_attributes, network_attributes } from "./attributes.ts";
import { format_traceparent } from "./traceparent.ts";

/** The spans of one server: one for each request. */
export class RequestSpans {
  #tracer: Tracer = trace.getTracer("@socketserver/opentelemetry");
  #spans: Map<number, Span> = new Map();
  #server: Record<string, unknown> = {};

  /** Something has happened. */
  add(event: ServerEvent): void {
    if (event.type === "server.start") {
      this.#server = {
        ...network_attributes(event.address),
        ...address_attributes("server", event.address),
      };
    } else if (event.type === "request.start") this.#start(event);
    else if (event.type === "request.stop") this.#stop(event);
  }

  /** A request is a trace of its own: nobody has said that it belongs to another one. */
  #start(event: Extract<ServerEvent, { type: "request.start" }>): void {
    const attributes = { ...this.#server, ...address_attributes("client", event.client) };
    const span = this.#tracer.startSpan(
      event.server,
      { kind: SpanKind.SERVER, attributes },
      ROOT_CONTEXT,
    );
    const context = span.spanContext();
    // Where nothing is exported, spans are none.
    if (!isSpanContextValid(context)) return;
    event.traceparent = format_traceparent(context);
    this.#spans.set(event.id, span);
  }

  #stop(event: Extract<ServerEvent, { type: "request.stop" }>): void {
    const span = this.#spans.get(event.id);
    if (!span) return;
    this.#spans.delete(event.id);
    const { outcome, reason, error_type, wait, worker, bytes_in, bytes_out } = event;
    span.setAttributes({
      "socketserver.outcome": outcome,
      "socketserver.wait": wait / 1000,
      ...(reason !== undefined && { "socketserver.reason": reason }),
      ...(worker !== undefined && { "socketserver.worker": worker }),
      ...(bytes_in !== undefined && { "socketserver.bytes_in": bytes_in }),
      ...(bytes_out !== undefined && { "socketserver.bytes_out": bytes_out }),
      ...(error_type !== undefined && { "error.type": error_type }),
    });
    if (["failed", "timed_out", "unsecured"].includes(outcome)) {
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  }
}
