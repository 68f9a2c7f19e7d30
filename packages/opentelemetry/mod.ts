/**
 * What servers of `@socketserver/socketserver` do, as OpenTelemetry has it: metrics, and a span for each request.
 *
 * ```sh
 * deno add jsr:@socketserver/opentelemetry
 * ```
 *
 * | function | what it is for |
 * |---|---|
 * | {@linkcode opentelemetry} | an `observer` for a server |
 * | {@linkcode TracingMixIn} | for handlers: what they do belongs to the span of their request |
 *
 * Deno exports them by itself where the program is started with `OTEL_DENO=true`; without it nothing is measured.
 * [README.md](README.md) has the names of all metrics and attributes.
 *
 * ## Permissions
 *
 * None.
 *
 * @module
 */
export { opentelemetry, type OpenTelemetryOptions } from "./observer.ts";
export { type Traceable, TracingMixIn } from "./tracing_mixin.ts";
