import type { WorkerInfo } from "../internal/workers/worker_info.ts";

export type { WorkerInfo };

/**
 * What a server is doing: it takes no requests (`"idle"`), takes them (`"serving"`), is being stopped or
 * closed (`"stopping"`), or is closed for good (`"closed"`).
 */
export type ServerState = "idle" | "serving" | "stopping" | "closed";

/**
 * Why a request is refused: `verify_request()` says so, or an override of `process_request()` drops it;
 * there is no room (`max_requests`); its client has too many under way; a list of addresses says so; it came
 * while the server was closing.
 */
export type RefusalReason = OverflowReason | "verify" | "denied" | "closing";

/** Why `handle_overflow()` is called: there is no room, or the client has too many requests under way. */
export type OverflowReason = "overflow" | "per_client";

/** How a request ended. */
export type Outcome = "completed" | "failed" | "refused" | "timed_out";

/** How what was accepted ended: `"unsecured"` if its first TLS handshake failed, so that it was no request. */
export type Ending = Outcome | "unsecured";

/** How many bytes there were, where that is known. */
export interface Traffic {
  /** From the client. */
  bytes_in?: number;
  /** To the client. */
  bytes_out?: number;
}

/** How long requests took, from when they were taken until they were over. */
export interface Durations {
  /** The upper ends of the ranges in which they are counted, in ms; the last range has none. */
  bounds: readonly number[];
  /** How many there are in each range: one more than there are bounds. */
  counts: number[];
  /** All of them together, in ms. */
  sum: number;
}

/** What `info()` tells. Numbers are counts of requests since the server was made, unless said otherwise. */
export interface ServerInfo {
  /** What the server is doing. */
  state: ServerState;
  /** Where it listens. */
  address: unknown;
  /** Whether `suspend()` was called, and `resume()` not yet. */
  suspended: boolean;
  /** When the server was made, as `Date.now()` gives it. */
  since: number;
  /** Requests being handled now. */
  active: number;
  /** The most that were at one time. */
  most_active: number;
  /** How many may be at one time: with `max_requests`, or as many as there are workers for. */
  max_active: number;
  /** Requests that were taken and have no handler yet: they wait for a place, or are being verified. */
  waiting: number;
  /** Requests taken so far, and those that `process_request()` has made of one. */
  accepted: number;
  /** Requests whose handler ended well. */
  completed: number;
  /** Requests whose handler, or a hook of the server, threw, and those cut at `server_close()`. */
  failed: number;
  /** Requests turned away. */
  refused: number;
  /** The same by their reasons, which add up to `refused`. */
  refused_by: Record<RefusalReason, number>;
  /** Requests that took longer than `request_timeout`. */
  timed_out: number;
  /** How long they took, by how they ended. */
  durations: Record<Outcome, Durations>;
  /**
   * How many bytes came from clients, in requests that are over, where that is known: not of a worker that was
   * killed.
   */
  bytes_in?: number;
  /** How many bytes handlers have sent to them. For stream servers. */
  bytes_out?: number;
  /** TLS handshakes that ended well; there where the server, or a handler, speaks TLS. */
  handshakes?: number;
  /**
   * TLS handshakes that failed or took too long. A connection that begins with one was accepted, but is no request, and
   * in no other count.
   */
  handshakes_failed?: number;
  /**
   * With `proxy_protocol: "required"`: connections closed because their header was bad or late, or came from none
   * of the `trusted_proxies`, or from one on `deny`. They are no requests, and in no other count.
   */
  proxy_rejected?: number;
  /** For servers with workers: each worker, what it is doing, and its counts of requests. */
  workers?: WorkerInfo[];
}

/** How `server_close()` went. */
export interface CloseResult {
  /** How many requests were under way and ended by themselves. */
  drained: number;
  /** How many were cut. */
  aborted: number;
}
