/** The clients of Python's suite: each sends one line and gives the reply. */
import { bytes_of, read_to_end, text_of, write_bytes } from "../fixtures/tools/bytes.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/** Connects to a TCP or Unix stream server. */
export function connect(address: Deno.Addr): Promise<Deno.Conn> {
  return Deno.connect(address as Deno.ConnectOptions);
}

/** Sends a text over a connection, and reads to its end. */
export async function ask_stream(address: Deno.Addr, text: string): Promise<string> {
  using conn = await connect(address);
  await write_bytes(conn, bytes_of(text));
  return text_of(await soon(read_to_end(conn)));
}

/** A datagram socket that talks to one server. */
export class PacketClient implements Disposable {
  readonly #conn: Deno.DatagramConn;
  readonly #server: Deno.Addr;

  /**
   * @param server The server's address.
   * @param path Where a Unix socket binds: one without a name gets no replies.
   */
  constructor(server: Deno.Addr, path?: string) {
    this.#server = server;
    this.#conn = path === undefined
      ? Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 })
      : Deno.listenDatagram({ transport: "unixpacket", path });
  }

  async send(data: string | Uint8Array): Promise<void> {
    await this.#conn.send(typeof data === "string" ? bytes_of(data) : data, this.#server);
  }

  /** The next datagram. */
  async receive(): Promise<string> {
    const [packet] = await soon(this.#conn.receive(new Uint8Array(65_536)));
    return text_of(packet);
  }

  async ask(data: string): Promise<string> {
    await this.send(data);
    return await this.receive();
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

/** Sends a text over UDP. */
export async function ask_udp(address: Deno.Addr, text: string): Promise<string> {
  using client = new PacketClient(address);
  return await client.ask(text);
}

/** Sends a text over a Unix datagram socket, from a path next to the server's. */
export async function ask_unix_datagram(address: Deno.Addr, text: string): Promise<string> {
  const path = `${(address as Deno.UnixAddr).path}.client`;
  try {
    using client = new PacketClient(address, path);
    return await client.ask(text);
  } finally {
    await Deno.remove(path);
  }
}
