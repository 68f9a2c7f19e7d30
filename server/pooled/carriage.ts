import type { OpenSocket } from "../../internal/runtime/deno_internals.ts";
import { SOCKET_OPTIONS } from "../../internal/runtime/tls_internals.ts";
import type { WorkerJob } from "../../internal/workers/worker_job.ts";
import type { Traffic } from "../info.ts";
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
import type { Parcel } from "./request_messages.ts";

const NOTHING = new Uint8Array(0);

/**
 * Datagrams of no more bytes than this go as text with a character for each byte: an array has a price of its own
 * on the way, several times that of the rest.
 */
const MAX_TEXT = 1024;

/** A request as a worker has it, and what ends it there. */
export interface Carried {
  request: unknown;
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
  parcel: Parcel;
  fd?: number;
}

/**
 * Packs a request for a worker: a connection as a descriptor where that is possible, and as a relay
 * where it is not; a datagram without its socket; anything else as a copy.
 */
export function pack(request: unknown): Packed {
  if (is_datagram(request)) return { parcel: { kind: "datagram", packet: packed(request[0]) } };
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
 * @param parcel The request as it came.
 * @param job The job that it came with.
 * @param socket Gives what stands for the socket of a datagram server.
 * @param tls What its connections are secured with, if they are.
 */
export function unpack(
  parcel: Parcel,
  job: WorkerJob,
  socket: () => DatagramSocket<Deno.Addr>,
  tls: TlsSettings | undefined,
): Carried {
  switch (parcel.kind) {
    case "connection": {
      const { local, remote, header, unread, no_delay, patience } = parcel;
      const open: OpenSocket = (options) => job.open(options);
      if (parcel.is_secured) {
        return new CarriedSocket(introduced(secured(parcel, job, tls!), header));
      }
      const handle = job.open_bare();
      const conn = handle
        ? new BareConn(handle, local, remote, no_delay)
        : new NodeConn(open, local, remote, no_delay);
      conn.patience = patience;
      return new CarriedSocket(introduced(socket_over(conn, unread), header));
    }
    case "datagram":
      return value([unpacked(parcel.packet), socket()]);
    case "relay": {
      const call: Call = (method, args) => job.call("request", method, args);
      const socket = new StreamSocket(new RelayedConn(parcel.local, parcel.remote, call));
      return new RelayedSocket(introduced(socket, parcel.header));
    }
    case "value":
      return value(parcel.value);
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

/** A datagram as it travels. */
function packed(packet: Uint8Array): Uint8Array | string {
  // A copy: cloning a view would clone the whole pool that it is a part of.
  if (packet.length > MAX_TEXT) return new Uint8Array(packet);
  return String.fromCharCode.apply(null, packet as unknown as number[]);
}

function unpacked(packet: Uint8Array | string): Uint8Array {
  if (typeof packet !== "string") return packet;
  const bytes = new Uint8Array(packet.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = packet.charCodeAt(at);
  return bytes;
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
function value(request: unknown): Carried {
  return { request, traffic: () => undefined, interrupt() {}, close() {}, finish: () => undefined };
}

/** A connection that is in this worker. */
class CarriedSocket implements Carried {
  request: StreamSocket;

  constructor(socket: StreamSocket) {
    this.request = socket;
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
