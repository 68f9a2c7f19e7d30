import {
  type Attributes,
  type BatchObservableResult,
  type Meter,
  metrics,
} from "@opentelemetry/api";
import type { ServerEvent } from "@socketserver/socketserver";
import { address_attributes, network_attributes } from "./attributes.ts";

/** The ranges of durations, in seconds: those that OpenTelemetry has for requests. */
const RANGES = {
  advice: {
    explicitBucketBoundaries: [
      ...[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    ],
  },
};

/** The metrics of one server. What is under way is counted here, and told when it is asked for. */
export class ServerMetrics {
  #meter: Meter = metrics.getMeter("@socketserver/opentelemetry");
  #durations = this.#meter.createHistogram("socketserver.request.duration", {
    unit: "s",
    description: "How long requests took, from when they were taken until they were over.",
    ...RANGES,
  });
  #handshakes = this.#meter.createHistogram("socketserver.tls_handshake.duration", {
    unit: "s",
    description: "How long TLS handshakes took.",
    ...RANGES,
  });
  #rejected = this.#meter.createCounter("socketserver.rejected_requests", {
    unit: "{request}",
    description: "Requests that were refused.",
  });
  #accept_errors = this.#meter.createCounter("socketserver.accept_errors", {
    unit: "{error}",
    description: "Requests that could not be taken.",
  });
  #active = this.#meter.createObservableUpDownCounter("socketserver.active_requests", {
    unit: "{request}",
    description: "Requests being handled.",
  });
  #queued = this.#meter.createObservableUpDownCounter("socketserver.queued_requests", {
    unit: "{request}",
    description: "Requests that have no handler yet.",
  });
  #workers = this.#meter.createObservableUpDownCounter("socketserver.workers", {
    unit: "{worker}",
    description: "Workers.",
  });
  #observables = [this.#active, this.#queued, this.#workers];
  /** What is the same for all that is told of the server. */
  #common: Attributes = {};
  /** The requests that have no handler yet. */
  #waiting: Set<number> = new Set();
  /** Those that have one. A server may tell the end of what it was not asked to tell the start of. */
  #running: Set<number> = new Set();
  #living = 0;
  #has_workers = false;

  /** Something has happened. */
  add(event: ServerEvent): void {
    switch (event.type) {
      case "server.start":
        this.#common = {
          ...network_attributes(event.address),
          ...address_attributes("server", event.address),
        };
        this.#meter.addBatchObservableCallback(this.#tell, this.#observables);
        break;
      case "server.stop":
        this.#meter.removeBatchObservableCallback(this.#tell, this.#observables);
        break;
      case "request.start":
        this.#waiting.add(event.id);
        break;
      case "request.run":
        if (this.#waiting.delete(event.id)) this.#running.add(event.id);
        break;
      case "request.stop":
        this.#request_stopped(event);
        break;
      case "handshake.stop":
        this.#handshake_stopped(event);
        break;
      case "accept.error":
        this.#accept_errors.add(1, {
          ...this.#common,
          "error.type": event.code ?? event.error_type,
        });
        break;
      case "worker.start":
        this.#has_workers = true;
        this.#living++;
        break;
      case "worker.stop":
        this.#living--;
        break;
    }
  }

  #request_stopped(event: Extract<ServerEvent, { type: "request.stop" }>): void {
    const { id, outcome, reason, duration, error_type } = event;
    if (!this.#waiting.delete(id)) this.#running.delete(id);
    // Its handshake is measured: it was no request.
    if (outcome === "unsecured") return;
    this.#durations.record(duration / 1000, {
      ...this.#common,
      "socketserver.outcome": outcome,
      ...(error_type !== undefined && { "error.type": error_type }),
    });
    if (reason !== undefined) {
      this.#rejected.add(1, { ...this.#common, "socketserver.reason": reason });
    }
  }

  #handshake_stopped(event: Extract<ServerEvent, { type: "handshake.stop" }>): void {
    const { duration, protocol, error_type } = event;
    this.#handshakes.record(duration / 1000, {
      ...this.#common,
      ...(protocol !== undefined && { "tls.protocol.version": protocol.replace(/^TLSv/, "") }),
      ...(error_type !== undefined && { "error.type": error_type }),
    });
  }

  #tell = (result: BatchObservableResult): void => {
    result.observe(this.#active, this.#running.size, this.#common);
    result.observe(this.#queued, this.#waiting.size, this.#common);
    if (this.#has_workers) result.observe(this.#workers, this.#living, this.#common);
  };
}
