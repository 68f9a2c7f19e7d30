import { context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import type { Constructor } from "@socketserver/socketserver";
import { parse_traceparent } from "./traceparent.ts";

/** What a handler must have: every one of `@socketserver/socketserver` has it. */
export interface Traceable {
  /** The trace of its request. */
  readonly traceparent: string | undefined;
  /** Serves the request. */
  run(): Promise<void>;
}

/**
 * Has what a handler does belong to the span of its request, in workers and child processes, too: spans that it starts,
 * calls of `fetch()`, and what it prints with `console`.
 *
 * @typeParam T The class of the handler.
 * @param Handler The class of the handler, which is extended.
 */
export function TracingMixIn<T extends Constructor<Traceable>>(Handler: T): T {
  const Traced = class extends (Handler as Constructor<Traceable>) {
    override run(): Promise<void> {
      const span = this.traceparent === undefined ? undefined : parse_traceparent(this.traceparent);
      if (!span) return super.run();
      return context.with(trace.setSpanContext(ROOT_CONTEXT, span), () => super.run());
    }
  };
  return Traced as unknown as T;
}
