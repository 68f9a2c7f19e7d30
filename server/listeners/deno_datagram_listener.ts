import { peer_addr } from "../address.ts";
import { type DatagramRequest, DatagramSocket, port_error } from "../sockets/datagram_socket.ts";
import { BytePool, PACKETS } from "../sockets/byte_pool.ts";
import { SocketPath } from "../sockets/socket_path.ts";
import { type DatagramConn, UnixDatagramConn } from "../sockets/unix_datagram_conn.ts";
import type { DatagramListener, DatagramListenOptions } from "./listener.ts";
import { refusal_of } from "./unwanted_datagram.ts";

/** Whether this Deno has datagram sockets of its own: with its flag `--unstable-net`. */
export function has_deno_datagrams(): boolean {
  return typeof Deno.listenDatagram === "function";
}

/**
 * A datagram listener over `Deno.listenDatagram`. It reads into one buffer, and what it has not read
 * waits in the system.
 */
export class DenoDatagramListener<A extends Deno.Addr> implements DatagramListener<A> {
  readonly addr: A;
  #conn: DatagramConn;
  #path: SocketPath | undefined;
  #socket: DatagramSocket<A>;
  #pool: BytePool = new BytePool();
  #max: number;
  /** One byte more than a datagram may have, to know of those that have more. */
  #buffer: Uint8Array;
  /** The receiving under way: the address is free only when it has settled. */
  #receiving: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** Binds at once; throws what `Deno.listenDatagram` throws. */
  constructor({ addr, reuse_address, max_packet_size }: DatagramListenOptions<A>) {
    if (addr.transport === "unixpacket") {
      [this.#conn, this.#path] = SocketPath.bind(
        addr as Deno.UnixAddr,
        (path) => new UnixDatagramConn(Deno.listenDatagram({ transport: "unixpacket", path })),
      );
      this.addr = addr;
    } else {
      const { hostname, port } = addr as Deno.NetAddr;
      const options = { hostname, port, reuseAddress: reuse_address };
      this.#conn = Deno.listenDatagram({ transport: "udp", ...options });
      this.addr = this.#conn.addr as A;
    }
    this.#socket = new DatagramSocket(this.addr, this);
    this.#max = max_packet_size;
    this.#buffer = new Uint8Array(max_packet_size + 1);
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  accept(): Promise<[DatagramRequest<A>, A]> {
    if (this.#closed) return Promise.reject(closed_error());
    this.ref();
    const receiving = this.#conn.receive(this.#buffer).then(this.#received, this.#failed);
    this.#receiving = receiving;
    return receiving;
  }

  send(data: Uint8Array, address: A): Promise<number> {
    const error = address.transport === "udp" && port_error(address);
    return error ? Promise.reject(error) : this.#conn.send(data, address);
  }

  ref(): void {
    this.#conn.ref?.();
  }

  unref(): void {
    this.#conn.unref?.();
  }

  close(): Promise<void> {
    const close = async () => {
      this.#conn.close();
      await this.#receiving.catch(() => {});
    };
    return this.#closed ??= this.#path ? this.#path.release(close) : close();
  }

  #received = ([packet, from]: [Uint8Array, Deno.Addr]): [DatagramRequest<A>, A] => {
    const sender = peer_addr(from as A);
    const refusal = refusal_of(sender, packet.length, this.#conn.addr, this.#max);
    if (refusal) throw refusal;
    return [[this.#pool.copy(packet, PACKETS), this.#socket], sender];
  };

  #failed = (error: unknown): never => {
    throw this.#closed ? closed_error() : error;
  };
}

function closed_error(): Error {
  return new Deno.errors.BadResource("The socket is closed");
}
