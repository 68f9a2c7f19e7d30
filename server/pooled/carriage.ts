import type { OpenSocket } from "../../internal/runtime/deno_internals.ts";
import { SOCKET_OPTIONS } from "../../internal/runtime/tls_internals.ts";
import { is_small_and_plain } from "../../internal/workers/look.ts";
import type { WorkerJob } from "../../internal/workers/worker_job.ts";
import type { Traffic } from "../info.ts";
import type { Exchange } from "../requests/exchange.ts";
import { BareConn } from "../sockets/bare_conn.ts";
import { DatagramSocket } from "../sockets/datagram_socket.ts";
import type { TlsSettings } from "../sockets/expected_tls.ts";
import { NodeConn } from "../sockets/node_conn.ts";
import type { ProxyHeader } from "../sockets/proxy_header.ts";
import { type Call, RelayedConn } from "../sockets/relayed_conn.ts";
import {
  close_gracefully,
  detach,
  end_input,
  introduce,
  origin_of,
  socket_over,
  StreamSocket,
  traffic_of,
} from "../sockets/stream_socket.ts";
import { TlsConn } from "../sockets/tls_conn.ts";
import { address_of, is_bare, is_bare_host, letter_of, packet_of } from "./letter.ts";
import type { ConnectionMessage, Parcel, RequestMessage } from "./request_messages.ts";

const NOTHING = new Uint8Array(0);

/** A request as a worker has it, and what ends it there. */
export interface Carried {
  request: unknown;
  client_address: unknown;
  /** How many bytes it was, where that is known. */
  traffic(): Traffic | undefined;
  /** Ends its input: see `server_close()`. */
  interrupt(): void;
  /** Closes it at once. */
  close(): void;
  /** Closes it after its handler, if there is something to close. */
  finish(linger: number): Promise<void> | undefined;
}

/** A request that is packed, and the descriptor that goes with it, if there is one. */
export interface Packed {
  message: RequestMessage;
  fd?: number;
  /** Whether it can surely be cloned. */
  is_plain: boolean;
  /** Whether a worker secures it by TLS. */
  is_secured?: boolean;
  /** Whether this thread reads and writes it. */
  is_relayed?: boolean;
}

type ConnectionParcel = Extract<Parcel, { kind: "connection" }>;

/** Packs a request for a worker. */
export function pack({ request, client_address, traceparent }: Exchange): Packed {
  if (is_datagram(request) && is_bare(client_address)) {
    const letter = letter_of(request[0], client_address);
    return { message: ["datagram", traceparent, ...letter], is_plain: true };
  }
  const is_known = request instanceof StreamSocket && request.remoteAddr === client_address;
  const { parcel, fd } = parcel_of(request);
  const { kind } = parcel;
  const short = is_known && kind === "connection" && shortened(parcel, traceparent);
  if (short) return { message: short, is_plain: true, is_secured: short[8], fd: fd! };
  const message = is_known ? parcel : { ...parcel, client_address };
  return {
    message: traceparent === undefined ? message : { ...message, traceparent },
    // A hook may have put anything onto the addresses, too.
    is_plain: (is_known || kind === "datagram") && is_small_and_plain(client_address) &&
      is_small_and_plain("local" in parcel ? [parcel.local, parcel.header] : null),
    is_secured: kind === "connection" && parcel.is_secured === true,
    is_relayed: kind === "relay",
    ...(fd !== undefined && { fd }),
  };
}

/** Most connections, in few words. */
function shortened(
  { local, remote, no_delay, patience, is_secured = false, unread, header }: ConnectionParcel,
  traceparent: string | undefined,
): ConnectionMessage | undefined {
  if (unread || header || !is_bare_host(local, "tcp") || !is_bare_host(remote, "tcp")) return;
  const { hostname, port } = remote;
  const place = [hostname, port, local.hostname, local.port] as const;
  return ["connection", traceparent, ...place, no_delay, patience, is_secured];
}

/** What was shortened. */
function in_full(
  [, , hostname, port, local_hostname, local_port, no_delay, patience, is_secured]:
    ConnectionMessage,
): ConnectionParcel {
  const local = { transport: "tcp", hostname: local_hostname, port: local_port } as const;
  const remote = { transport: "tcp", hostname, port } as const;
  return { kind: "connection", local, remote, no_delay, patience, is_secured };
}

/**
 * A connection becomes a descriptor where that is possible, and a relay where it is not; a datagram is without its
 * socket; of anything else there is a copy.
 */
function parcel_of(request: unknown): { parcel: Parcel; fd?: number } {
  // A copy: cloning a view would clone the whole pool that it is a part of.
  if (is_datagram(request)) {
    return { parcel: { kind: "datagram", packet: new Uint8Array(request[0]) } };
  }
  if (!(request instanceof StreamSocket)) return { parcel: { kind: "value", value: request } };
  const { local, remote, header } = origin_of(request);
  const proxied = header && { header };
  const detached = detach(request);
  if (!detached) return { parcel: { kind: "relay", local, remote, ...proxied } };
  const { fd, unread, no_delay, patience, is_secured } = detached;
  const left = unread.length > 0 && { unread: unread.slice() };
  const patient = patience !== undefined && { patience };
  return {
    parcel: {
      kind: "connection",
      no_delay,
      local,
      remote,
      ...proxied,
      ...left,
      ...patient,
      ...(is_secured && { is_secured }),
    },
    fd,
  };
}

/**
 * Unpacks a request in a worker.
 *
 * @param message The request as it came.
 * @param job The job that it came with.
 * @param socket Gives what stands for the socket of a datagram server.
 * @param tls What its connections are secured with, if they are.
 */
export function unpack(
  message: RequestMessage,
  job: WorkerJob,
  socket: () => DatagramSocket<Deno.Addr>,
  tls: TlsSettings | undefined,
): Carried {
  if (!("kind" in message)) {
    if (message[0] === "connection") return unpack(in_full(message), job, socket, tls);
    const [, , packet, name, port] = message;
    return new CarriedValue([packet_of(packet), socket()], address_of(name, port));
  }
  switch (message.kind) {
    case "connection": {
      const { local, remote, header, unread, no_delay, patience } = message;
      const open: OpenSocket = (options) => job.open(options);
      if (message.is_secured) {
        return new CarriedSocket(introduced(secured(message, job, tls!), header), message);
      }
      const handle = job.open_bare();
      const conn = handle
        ? new BareConn(handle, local, remote, no_delay)
        : new NodeConn(open, local, remote, no_delay);
      conn.patience = patience;
      return new CarriedSocket(introduced(socket_over(conn, unread), header), message);
    }
    case "datagram":
      return new CarriedValue([message.packet, socket()], message.client_address);
    case "relay": {
      const call: Call = (method, args) => job.call("request", method, args);
      const socket = new StreamSocket(new RelayedConn(message.local, message.remote, call));
      return new RelayedSocket(introduced(socket, message.header), message);
    }
    case "value":
      return new CarriedValue(message.value, message.client_address);
  }
}

/** A connection whose handshake begins now. */
function secured(
  { local: localAddr, remote: remoteAddr, unread = NOTHING, patience }: Extract<
    Parcel,
    { kind: "connection" }
  >,
  job: WorkerJob,
  settings: TlsSettings,
): StreamSocket {
  const beneath = job.open_bare() ?? job.open(SOCKET_OPTIONS);
  return socket_over(
    new TlsConn({ beneath, localAddr, remoteAddr, unread, patience, ...settings }),
  );
}

function is_datagram(request: unknown): request is [Uint8Array, DatagramSocket<Deno.Addr>] {
  return Array.isArray(request) && request[1] instanceof DatagramSocket;
}

/** The socket, as the header of its proxy says, if it had one. */
function introduced(socket: StreamSocket, header: ProxyHeader | undefined): StreamSocket {
  if (header) introduce(socket, header);
  return socket;
}

/** A request that is nothing to be closed. */
class CarriedValue implements Carried {
  request: unknown;
  client_address: unknown;

  constructor(request: unknown, client_address: unknown) {
    this.request = request;
    this.client_address = client_address;
  }

  traffic(): undefined {}
  interrupt(): void {}
  close(): void {}
  finish(): undefined {}
}

/** A connection that is in this worker. */
class CarriedSocket implements Carried {
  request: StreamSocket;
  client_address: unknown;

  constructor(socket: StreamSocket, message: { client_address?: unknown }) {
    this.request = socket;
    this.client_address = "client_address" in message ? message.client_address : socket.remoteAddr;
  }

  traffic(): Traffic | undefined {
    return traffic_of(this.request);
  }

  interrupt(): void {
    end_input(this.request);
  }

  close(): void {
    this.request.close();
  }

  finish(linger: number): Promise<void> | undefined {
    return close_gracefully(this.request, linger);
  }
}

/** A connection that the server's thread has, and closes. */
class RelayedSocket extends CarriedSocket {
  override close(): void {}

  override finish(): undefined {}
}
