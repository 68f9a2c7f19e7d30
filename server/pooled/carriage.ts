import type net from "node:net";
import {
  close_descriptor,
  open_descriptor,
  reopen_socket,
} from "../../internal/runtime/deno_internals.ts";
import { DatagramSocket } from "../sockets/datagram_socket.ts";
import { NodeConn } from "../sockets/node_conn.ts";
import {
  type ByteConn,
  close_gracefully,
  detach,
  end_input,
  socket_over,
  StreamSocket,
} from "../sockets/stream_socket.ts";
import type { DescriptorTable } from "../../internal/runtime/descriptor_table.ts";
import type { Parcel } from "../../internal/workers/messages.ts";

/** Calls a method of a relayed request in the server's thread. */
export type Call = (method: string, args: unknown[]) => Promise<unknown>;

/** A request as a worker has it, and what ends it there. */
export interface Carried {
  request: unknown;
  /** Ends its input: see `server_close()`. */
  interrupt(): void;
  /** Closes it at once. */
  close(): void;
  /** Closes it after its handler. */
  finish(linger: number): Promise<void>;
}

/** What a worker has of the server's. */
export interface ServerSide {
  /** Calls a method of this request in the server's thread. */
  call: Call;
  /** Stands for the socket of a datagram server. */
  socket: DatagramSocket<Deno.Addr>;
  /** Where descriptors are noted, in a thread. */
  table?: DescriptorTable | undefined;
}

/**
 * Packs a request for another worker: a connection as a descriptor where that is possible, and as a
 * relay where it is not; a datagram without its socket; anything else as a copy.
 */
export function pack(request: unknown, relay_only = false): Parcel {
  // A copy: cloning a view would clone the whole pool that it is a part of.
  if (is_datagram(request)) return { kind: "datagram", packet: new Uint8Array(request[0]) };
  if (!(request instanceof StreamSocket)) return { kind: "value", value: request };
  const { localAddr: local, remoteAddr: remote } = request;
  const detached = relay_only ? undefined : detach(request);
  if (!detached) return { kind: "relay", local, remote };
  const { fd, unread, no_delay } = detached;
  return {
    kind: "descriptor",
    fd,
    no_delay,
    local,
    remote,
    ...(unread.length > 0 && { unread: unread.slice() }),
  };
}

/**
 * Unpacks a request in a worker.
 *
 * @param parcel The request as it came.
 * @param server What it needs of the server.
 * @param handle The socket that came with it, if that was from another process.
 */
export function unpack(
  parcel: Parcel,
  { call, socket, table }: ServerSide,
  handle?: net.Socket,
): Carried {
  switch (parcel.kind) {
    case "descriptor": {
      const { fd, local, remote, unread, no_delay } = parcel;
      const open = (options: net.SocketConstructorOpts) =>
        handle ? reopen_socket(handle, options) : open_descriptor(fd, options, table);
      return new CarriedSocket(socket_over(new NodeConn(open, local, remote, no_delay), unread));
    }
    case "datagram":
      return value([parcel.packet, socket]);
    case "relay": {
      const conn = new RelayedConn(parcel.local, parcel.remote, call);
      return new RelayedSocket(new StreamSocket(conn));
    }
    case "value":
      return value(parcel.value);
  }
}

/** Closes the descriptor of a parcel that no worker has opened. */
export function discard(parcel: Parcel): void {
  if (parcel.kind === "descriptor" && parcel.fd >= 0) close_descriptor(parcel.fd);
}

function is_datagram(request: unknown): request is [Uint8Array, DatagramSocket<Deno.Addr>] {
  return Array.isArray(request) && request[1] instanceof DatagramSocket;
}

/** A request that is nothing to be closed. */
function value(request: unknown): Carried {
  return { request, interrupt() {}, close() {}, async finish() {} };
}

/** A connection that is in this worker. */
class CarriedSocket implements Carried {
  request: StreamSocket;

  constructor(socket: StreamSocket) {
    this.request = socket;
  }

  interrupt(): void {
    end_input(this.request);
  }

  close(): void {
    this.request.close();
  }

  finish(linger: number): Promise<void> {
    return close_gracefully(this.request, linger);
  }
}

/** A connection that the server's thread has, and closes. */
class RelayedSocket extends CarriedSocket {
  override close(): void {}

  override async finish(): Promise<void> {}
}

/**
 * A connection that stays in the server's thread: each read and write is a call there, answered when
 * it is done, so that neither side can run ahead of the other.
 */
class RelayedConn implements ByteConn {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  #call: Call;

  constructor(localAddr: Deno.Addr, remoteAddr: Deno.Addr, call: Call) {
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
    this.#call = call;
  }

  async read(p: Uint8Array): Promise<number | null> {
    const bytes = await this.#call("recv", [p.length]) as Uint8Array;
    p.set(bytes);
    return bytes.length || null;
  }

  async write(p: Uint8Array): Promise<number> {
    // Cloning a view would clone all that is behind it.
    await this.#call("sendall", [p.byteLength < p.buffer.byteLength ? p.slice() : p]);
    return p.length;
  }

  async closeWrite(): Promise<void> {
    await this.#call("closeWrite", []);
  }

  close(): void {
    this.#tell("close");
  }

  [Symbol.dispose](): void {
    this.close();
  }

  setNoDelay(no_delay?: boolean): void {
    this.#tell("setNoDelay", no_delay);
  }

  setKeepAlive(keep_alive?: boolean): void {
    this.#tell("setKeepAlive", keep_alive);
  }

  ref(): void {
    this.#tell("ref");
  }

  unref(): void {
    this.#tell("unref");
  }

  /** A call whose outcome nobody waits for. */
  #tell(method: string, ...args: unknown[]): void {
    this.#call(method, args).catch(() => {});
  }
}
