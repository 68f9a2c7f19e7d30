import type { WorkerStarted, WorkerStopped } from "../internal/workers/worker_event.ts";
import type { Ending, RefusalReason } from "./info.ts";

/**
 * What a server's `observer` is told, when it happens, in the server's own thread. Each start has exactly one
 * stop. There is nothing in it of what clients send, of certificates and keys.
 */
export type ServerEvent =
  & {
    /** When, as `Date.now()` gives it. */
    time: number;
    /** The name of the server's class. */
    server: string;
  }
  & (
    | {
      /** It begins to take requests, for the first time. */
      type: "server.start";
      /** Where it listens. */
      address: unknown;
    }
    | {
      /** It is closed, and all requests are over. */
      type: "server.stop";
      /** How long after its start, in ms. */
      duration: number;
      /** How many requests were under way when it was closed, and ended by themselves. */
      drained: number;
      /** How many were cut. */
      aborted: number;
    }
    | {
      /** `suspend()` was called. */
      type: "server.suspend";
    }
    | {
      /** `resume()` was called. */
      type: "server.resume";
    }
    | {
      /** A request could not be taken. */
      type: "accept.error";
      /** What the server does: it goes on at once, pauses, or stops. */
      class: "retry" | "pause" | "stop";
      /** The system's name of the error, such as `"EMFILE"`, where it has one. */
      code?: string;
      /** The name of the error's class. */
      error_type: string;
      /** How many such errors there were so far, this one included. */
      count: number;
    }
    | {
      /** A request was taken. */
      type: "request.start";
      /** Its number, counted from 1 for each server. */
      id: number;
      /** The client's address. */
      client: unknown;
      /**
       * The trace that the request belongs to, as W3C Trace Context writes it. An observer may set it: handlers
       * have it as `this.traceparent`, wherever they run.
       */
      traceparent?: string;
    }
    | {
      /** Its handler begins. Where it is refused, or ends before that, it has none. */
      type: "request.run";
      /** Its number. */
      id: number;
      /** How long it was verified, and waited for a place, in ms. */
      wait: number;
    }
    | {
      /** It is over, and being closed. */
      type: "request.stop";
      /** Its number. */
      id: number;
      /** The client's address. */
      client: unknown;
      /** How it ended. `"unsecured"` if its TLS handshake failed: it was no request then, and `info()` counts it as none. */
      outcome: Ending;
      /** Why it was refused, if it was. */
      reason?: RefusalReason;
      /** How long it was there, in ms. */
      duration: number;
      /** How long of that it had no handler: it was verified, and waited for a place, in ms. */
      wait: number;
      /** The number of the worker that handled it, where the server has workers. */
      worker?: number;
      /** How many bytes came from the client, where that is known. */
      bytes_in?: number;
      /** How many bytes its handler sent, where that is known. */
      bytes_out?: number;
      /** The name of the class of what it failed with. */
      error_type?: string;
    }
    | {
      /** The TLS handshake of a request begins. */
      type: "handshake.start";
      /** The number of the request. */
      id: number;
    }
    | {
      /** It is over: well, unless there is an `error_type`. */
      type: "handshake.stop";
      /** The number of the request. */
      id: number;
      /** How long it took, in ms. */
      duration: number;
      /** What was agreed on, such as `"TLSv1.3"`. */
      protocol?: string;
      /** The protocol of the application that was agreed on, if one was. */
      alpn?: string;
      /** Whether an earlier session was resumed. */
      resumed?: boolean;
      /** The name of the class of what it failed with. */
      error_type?: string;
    }
    | {
      /** A connection was closed because its PROXY header was bad or late, or came from nobody to be trusted. */
      type: "proxy.rejected";
      /** Who connected. */
      peer: unknown;
      /** The name of the class of what was wrong. */
      error_type: string;
    }
    | {
      /** Certificates were read again. */
      type: "tls.reload";
      /** Whether they are in use: otherwise the old ones go on. */
      ok: boolean;
      /** When those in use end, as `Date.now()` gives it. */
      not_after: number;
      /** The name of the class of what was wrong. */
      error_type?: string;
    }
    | WorkerStarted
    | WorkerStopped
  );

/** Is told what happens to a server. What it throws is printed once, and harms nothing. */
export type ServerObserver = (event: ServerEvent) => void;
