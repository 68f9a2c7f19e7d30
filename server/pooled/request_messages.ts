import type { ClassPlace } from "../../internal/workers/class_place.ts";
import type { ProxyHeader } from "../sockets/proxy_header.ts";
import type { WorkerSender } from "../listeners/listener.ts";
import type { TlsMaterial } from "../sockets/tls_material.ts";
import type { Settings } from "../options.ts";
import type { Letter } from "./letter.ts";
import type { ServerImage } from "./server_image.ts";

/** What a worker of a server is told when it starts. */
export interface RequestSettings {
  handler: ClassPlace;
  server: ServerImage;
  /** How long connections linger, in ms. */
  linger: number;
  /** What it sends datagrams with, where it can do so itself. */
  sender?: WorkerSender;
  /** What connections are secured with, if they are. */
  tls?: TlsMaterial | undefined;
}

/** What has changed of it: some settings, or what connections are secured with. */
export type RequestChanges = { settings: Partial<Settings> } | { tls: TlsMaterial };

/** Takes over settings of the server that have changed. */
export function update(told: RequestSettings, changes: Partial<Settings>): void {
  Object.assign(told.server.properties, changes);
  told.linger = changes.linger ?? told.linger;
}

/** Where a connection comes from: its own addresses, and the header of its proxy, if it had one. */
interface Origin {
  local: Deno.Addr;
  remote: Deno.Addr;
  header?: ProxyHeader;
}

/** A request as it travels to a worker. */
export type Parcel =
  /** A connection, whose descriptor goes with the job. */
  | {
    kind: "connection";
    /** What was read from it already, if anything. */
    unread?: Uint8Array;
    /** Whether it has `TCP_NODELAY`. */
    no_delay: boolean;
    /** How long its first bytes may take, if they may. */
    patience?: number | undefined;
    /** Whether it must be secured by TLS before it is used. */
    is_secured?: boolean;
  } & Origin
  /** A connection that stays in the server's thread, which reads and writes for the worker. */
  | { kind: "relay" } & Origin
  /** A datagram: replies go through the server's socket. */
  | { kind: "datagram"; packet: Uint8Array }
  /** Anything that can be cloned. */
  | { kind: "value"; value: unknown };

/** The message of a job that is a request: flat, as each object has its price on the way. */
export type RequestMessage =
  | Parcel & {
    /** Left out where it is the connection's. */
    client_address?: unknown;
    /** The trace that it belongs to, if it does. */
    traceparent?: string;
  }
  | DatagramMessage
  | ConnectionMessage;

/** A datagram of a client whose address is no more than that, and the trace that it belongs to. */
export type DatagramMessage = ["datagram", traceparent: string | undefined, ...letter: Letter];

/** A connection of TCP whose addresses are no more than that, and of which nothing was read. */
export type ConnectionMessage = [
  "connection",
  traceparent: string | undefined,
  remote_hostname: string,
  remote_port: number,
  local_hostname: string,
  local_port: number,
  no_delay: boolean,
  patience: number | undefined,
  is_secured: boolean,
];
