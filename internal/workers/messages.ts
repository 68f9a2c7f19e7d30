import type { ErrorImage } from "./error_image.ts";

/** Where a worker finds the handler class. */
export interface HandlerPlace {
  /** The module's URL. */
  module: string;
  /** The name of the export. */
  name: string;
}

/** What `this.server` is made of in a worker. */
export interface ServerImage {
  /** Properties that were copied: the address and the settings. */
  properties: Record<string, unknown>;
  /** The static properties of the server's class. */
  statics: Record<string, unknown>;
  /** The names of those that cannot be copied. */
  uncopied_statics: string[];
  /** The names of methods, which run in the server's thread. */
  methods: string[];
  /** The names of fields and getters, which stay in the server's thread. */
  fields: string[];
}

/** What a worker is given when it starts. */
export interface WorkerSettings {
  handler: HandlerPlace;
  server: ServerImage;
  /** How long connections linger, in ms. */
  linger: number;
  /** See {@linkcode ClaimCounter}: shared memory; none in a process of its own. */
  claims?: SharedArrayBuffer | undefined;
  /** See {@linkcode DescriptorTable}: likewise. */
  table?: SharedArrayBuffer | undefined;
}

/** A request as it travels to a worker. */
export type Parcel =
  /** A connection, as a file descriptor of this process; -1 in another one, which gets it as a socket. */
  | {
    kind: "descriptor";
    fd: number;
    /** What was read from it already, if anything. */
    unread?: Uint8Array;
    /** Whether it has `TCP_NODELAY`. */
    no_delay: boolean;
    local: Deno.Addr;
    remote: Deno.Addr;
  }
  /** A connection that stays in the server's thread, which reads and writes for the worker. */
  | { kind: "relay"; local: Deno.Addr; remote: Deno.Addr }
  /** A datagram: replies go through the server's socket. */
  | { kind: "datagram"; packet: Uint8Array }
  /** Anything that can be cloned. */
  | { kind: "value"; value: unknown };

/** Whose method a worker calls: the server's, its socket's, or a relayed request's. */
export type CallTarget = "server" | "socket" | number;

/** What the server tells a worker. */
export type ToWorker =
  /** The first message: what to serve. */
  | { type: "start"; settings: WorkerSettings }
  /**
   * Serve this; `claim` is its number for the {@linkcode ClaimCounter}, if there is one. The address
   * is left out where it is the parcel's `remote`.
   */
  | { type: "request"; id: number; claim?: number; parcel: Parcel; client_address?: unknown }
  /** End its input, abort its signal. */
  | { type: "interrupt"; id: number }
  /** Close it at once. */
  | { type: "close"; id: number }
  /** What a call gave. */
  | { type: "answer"; call: number; value?: unknown; error?: ErrorImage }
  /** End, when the last connection has lingered. */
  | { type: "end" }
  /** End at once. */
  | { type: "exit" };

/** What a worker tells the server. */
export type FromWorker =
  /** The handler class is there. */
  | { type: "ready" }
  /** Nobody caught this, so the worker ends; before `ready`: the handler class is not there. */
  | { type: "fault"; error: ErrorImage }
  /** The handler has ended. */
  | { type: "done"; id: number; error?: ErrorImage }
  /** Call this method, and send an answer; with `call` 0 it is the socket's, and none is wanted. */
  | { type: "call"; call: number; target: CallTarget; method: string; args: unknown[] };

/** What a child process says at once when a connection has come, in the place of messages. */
export const TAKEN = "taken";

/** What is asked of a child process before a connection follows on messages, and what it answers. */
export const READ = "read";
