import { SocketPath } from "./socket_path.ts";

/** A datagram that waits to be sent. */
interface Outgoing {
  data: Uint8Array;
  address: Deno.UnixAddr;
  resolve(count: number): void;
  reject(error: unknown): void;
}

/** What {@linkcode UnixDatagramConn} and Deno's own sockets have in common. */
export interface DatagramConn extends Pick<Deno.DatagramConn, "addr" | "close" | "send"> {
  /** Deno's sockets have both, and its types have not. A Unix socket that receives heeds neither. */
  ref?(): void;
  unref?(): void;
  /** Receives a datagram into an array. */
  receive(p: Uint8Array): Promise<[Uint8Array, Deno.Addr]>;
}

/**
 * A Unix datagram socket that sends while it receives. Deno's own refuses that ("Socket already in
 * use"): it must be brought to receive something first. So a second socket, the bell, sends it an empty
 * datagram whenever something is to be sent; that one is passed over.
 */
export class UnixDatagramConn implements DatagramConn {
  readonly addr: Deno.UnixAddr;
  #conn: Deno.DatagramConn;
  #bell: { conn: Deno.DatagramConn; path: SocketPath } | undefined;
  #receiving = false;
  #ringing = false;
  #closed = false;
  #outgoing: Outgoing[] = [];
  /** The sending under way. */
  #sending: Promise<void> | undefined;

  /**
   * @param conn The socket, which belongs to the new object from then on.
   */
  constructor(conn: Deno.DatagramConn) {
    this.#conn = conn;
    this.addr = conn.addr as Deno.UnixAddr;
  }

  async receive(p: Uint8Array): Promise<[Uint8Array, Deno.Addr]> {
    for (;;) {
      while (this.#sending) await this.#sending;
      const received = await this.#receive(p);
      if (!this.#is_bell(received[1])) return received;
      this.#ringing = false;
    }
  }

  send(data: Uint8Array, address: Deno.Addr): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#outgoing.push({ data, address: address as Deno.UnixAddr, resolve, reject });
      if (this.#receiving) void this.#ring();
      else this.#sending ??= this.#send_all();
    });
  }

  close(): void {
    this.#closed = true;
    this.#conn.close();
    const { conn, path } = this.#bell ?? {};
    void path?.release(() => conn!.close());
    for (const { reject } of this.#outgoing.splice(0)) {
      reject(new Deno.errors.Interrupted("The socket was closed"));
    }
  }

  async #receive(p: Uint8Array): Promise<[Uint8Array, Deno.Addr]> {
    this.#receiving = true;
    try {
      return await this.#conn.receive(p);
    } finally {
      this.#receiving = false;
      if (this.#outgoing.length > 0) this.#sending ??= this.#send_all();
    }
  }

  async #send_all(): Promise<void> {
    for (let next; (next = this.#outgoing.shift());) {
      const { data, address, resolve, reject } = next;
      await this.#conn.send(data, address).then(resolve, reject);
    }
    this.#sending = undefined;
  }

  /** Ends the receiving under way, which sends what waits. */
  async #ring(): Promise<void> {
    if (this.#ringing || this.#closed) return;
    this.#ringing = true;
    try {
      this.#bell ??= hang_bell(this.addr);
      await this.#bell.conn.send(new Uint8Array(0), this.addr);
    } catch (cause) {
      this.#ringing = false;
      const error = new Deno.errors.BadResource(
        `Cannot send while receiving, without ${this.addr.path}.bell: ${cause}`,
        { cause },
      );
      for (const { reject } of this.#outgoing.splice(0)) reject(error);
    }
  }

  #is_bell(from: Deno.Addr): boolean {
    return this.#bell !== undefined &&
      (from as Deno.UnixAddr).path === (this.#bell.conn.addr as Deno.UnixAddr).path;
  }
}

/** Binds a bell beside the socket. */
function hang_bell({ path }: Deno.UnixAddr): { conn: Deno.DatagramConn; path: SocketPath } {
  const transport = "unixpacket";
  const addr: Deno.UnixAddr = { transport, path: `${path}.bell` };
  const listen = (path: string) => Deno.listenDatagram({ transport, path });
  const [conn, bell_path] = SocketPath.bind(addr, listen);
  return { conn, path: bell_path };
}
