import type { BaseServer } from "../server/base_server.ts";
import type { Remote } from "../server/remote.ts";
import { is_receiver_gone } from "../internal/runtime/error_names.ts";
import type { DatagramRequest, DatagramSocket } from "../server/sockets/datagram_socket.ts";
import { BaseRequestHandler } from "./base_request_handler.ts";
import { BufferedReader } from "./buffered_reader.ts";
import { BufferedWriter, take_collected } from "./buffered_writer.ts";

/**
 * A handler for datagram servers, with the datagram to read from as `rfile` and the reply to write to
 * as `wfile`, as in Python's `socketserver.DatagramRequestHandler`. What was written is sent as one
 * datagram by {@linkcode finish}; nothing is sent if nothing was written, where Python would send an
 * empty datagram, and nothing to a client that has no address.
 *
 * @example Upper case
 * ```ts
 * import { DatagramRequestHandler, UDPServer } from "@socketserver/socketserver";
 *
 * class UpperHandler extends DatagramRequestHandler {
 *   override async handle(): Promise<void> {
 *     await this.wfile.write(new TextDecoder().decode(this.packet).toUpperCase());
 *   }
 * }
 *
 * await using server = new UDPServer(["127.0.0.1", 0], UpperHandler);
 *
 * const client = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
 * await client.send(new TextEncoder().encode("hello"), server.server_address);
 * await server.handle_request();
 * const [reply] = await client.receive();
 * console.log(new TextDecoder().decode(reply)); // HELLO
 * client.close();
 * ```
 *
 * @typeParam Server The type of `this.server`.
 * @typeParam Address The type of `this.client_address`.
 */
export class DatagramRequestHandler<
  Server = Remote<BaseServer>,
  Address extends Deno.Addr = Deno.NetAddr,
> extends BaseRequestHandler<Server, DatagramRequest<Address>, Address> {
  /** The datagram: mostly a part of an array that it shares with others, so transfer a copy of it, never its `buffer`. */
  packet!: Uint8Array;
  /** The server's socket: for further datagrams than the one reply. */
  socket!: DatagramSocket<Address>;
  #rfile: BufferedReader | undefined;
  #wfile: BufferedWriter | undefined;

  /** Prepares `packet` and `socket`. An override calls `super.setup()`. */
  override setup(): void | Promise<void> {
    [this.packet, this.socket] = this.request;
  }

  /** Reads the datagram. */
  get rfile(): BufferedReader {
    return this.#rfile ??= new BufferedReader(this.packet);
  }

  /** Collects the reply. */
  get wfile(): BufferedWriter {
    return this.#wfile ??= new BufferedWriter({ sendall: (data) => this.#send(data) }, Infinity);
  }

  /**
   * Sends what was written as one datagram, also if {@linkcode handle} threw, as in Python. That the
   * client is gone is no error here.
   *
   * @throws {RangeError} If it is too long for a datagram.
   */
  override finish(): void | Promise<void> {
    const writer = this.#wfile;
    if (!writer) return;
    const reply = writer[take_collected]();
    return reply ? this.#send(reply) : writer.flush();
  }

  #send(data: Uint8Array): Promise<void> {
    const { client_address } = this;
    if ("path" in client_address && client_address.path === "") return Promise.resolve();
    return this.socket.sendto(data, client_address).then(done, pass_over_gone);
  }
}

function done(): void {}

function pass_over_gone(error: unknown): void {
  if (!is_receiver_gone(error)) throw error;
}
