import net from "node:net";
import { close_descriptor } from "../runtime.ts";
import { NodeConn } from "../sockets/node_conn.ts";
import {
  type ByteConn,
  close_gracefully,
  detach,
  end_input,
  StreamSocket,
} from "../sockets/stream_socket.ts";
import type { Parcel } from "./messages.ts";

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

/**
 * Packs a request for another thread: a connection as a descriptor where that is possible, and as a
 * relay where it is not; anything else as a copy.
 */
export function pack(request: unknown, relay_only = false): Parcel {
  if (!(request instanceof StreamSocket)) return { kind: "value", value: request };
  const { localAddr: local, remoteAddr: remote } = request;
  const detached = relay_only ? undefined : detach(request);
  if (!detached) return { kind: "relay", local, remote };
  const { fd, unread } = detached;
  return {
    kind: "descriptor",
    fd,
    local,
    remote,
    ...(unread.length > 0 && { unread: unread.slice() }),
  };
}

/** Unpacks a request in a worker; `call` reaches the server's thread. */
export function unpack(parcel: Parcel, call: Call): Carried {
  switch (parcel.kind) {
    case "descriptor": {
      const { fd, local, remote, unread } = parcel;
      const conn = new NodeConn((options) => new net.Socket({ ...options, fd }), local, remote);
      return carried(new StreamSocket(conn, unread));
    }
    case "relay": {
      const socket = new StreamSocket(new RelayedConn(parcel.local, parcel.remote, call));
      // The server's thread has the connection, and closes it.
      return { ...carried(socket), close: () => {}, finish: async () => {} };
    }
    case "value":
      return { request: parcel.value, interrupt() {}, close() {}, async finish() {} };
  }
}

/** Closes the descriptor of a parcel that no worker has opened. */
export function discard(parcel: Parcel): void {
  if (parcel.kind === "descriptor") close_descriptor(parcel.fd);
}

function carried(socket: StreamSocket): Carried {
  return {
    request: socket,
    interrupt: () => end_input(socket),
    close: () => socket.close(),
    finish: (linger) => close_gracefully(socket, linger),
  };
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
