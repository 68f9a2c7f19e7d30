import { client_fault } from "../../internal/runtime/client_fault.ts";
import { late } from "../../internal/runtime/late.ts";
import {
  is_absolute,
  net_addr,
  type NetAddress,
  unix_addr,
  type UnixAddress,
  wire_addr,
} from "../address.ts";
import { may_fail } from "../../internal/runtime/pending.ts";
import { check_bytes } from "./check_bytes.ts";

/** The most bytes of a UDP datagram over IPv4 and IPv6 (RFC 768, less the headers). */
const MAX_IPV4 = 65_507;
const MAX_IPV6 = 65_527;

/**
 * The `request` of datagram servers: the datagram, and the socket to reply with.
 *
 * @typeParam A The type of addresses.
 */
export type DatagramRequest<A extends Deno.Addr = Deno.NetAddr> = [
  packet: Uint8Array,
  socket: DatagramSocket<A>,
];

/** What sends datagrams: the system's socket, or in a worker a relay to it. */
export interface DatagramSender<A extends Deno.Addr> {
  /** Sends a datagram; resolves to the number of bytes. */
  send(data: Uint8Array, address: A): Promise<number>;
}

/**
 * A server's socket as its handlers have it: with the methods of Python's socket objects that make
 * sense for datagrams.
 *
 * @example A reply
 * ```ts
 * import {
 *   BaseRequestHandler,
 *   type DatagramRequest,
 *   UDPServer,
 * } from "@socketserver/socketserver";
 *
 * class EchoHandler extends BaseRequestHandler<UDPServer, DatagramRequest> {
 *   override async handle(): Promise<void> {
 *     const [packet, socket] = this.request;
 *     await socket.sendto(packet, this.client_address);
 *   }
 * }
 *
 * await using server = new UDPServer(["127.0.0.1", 0], EchoHandler);
 *
 * const client = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
 * await client.send(new TextEncoder().encode("hello"), server.server_address);
 * await server.handle_request();
 * const [reply] = await client.receive();
 * console.log(new TextDecoder().decode(reply)); // hello
 * client.close();
 * ```
 *
 * @typeParam A The type of addresses.
 */
export class DatagramSocket<A extends Deno.Addr = Deno.NetAddr> {
  /** The address of the server. */
  readonly addr: A;
  #sender: DatagramSender<A>;
  #ipv6: boolean;
  #max: number;

  /**
   * Makes the socket of a server.
   *
   * @param addr The address of the server.
   * @param sender What sends.
   */
  constructor(addr: A, sender: DatagramSender<A>) {
    this.addr = addr;
    this.#sender = sender;
    this.#ipv6 = "hostname" in addr && late.net.isIPv6(addr.hostname);
    this.#max = addr.transport !== "udp" ? Infinity : this.#ipv6 ? MAX_IPV6 : MAX_IPV4;
  }

  /**
   * Sends a datagram, as Python's `socket.sendto` does. It is not known whether it arrives. In a
   * worker or a child process it resolves when the datagram is on its way to the server's own thread;
   * an error that shows only there goes to the server's `handle_error()`.
   *
   * @param data The bytes; none make an empty datagram.
   * @param address Where to: a client's address, `[hostname, port]`, or a path.
   * @returns The number of bytes.
   * @throws {RangeError} If the datagram is longer than 65,507 bytes (65,527 over IPv6), or the port
   * is not a whole number from 1 to 65535.
   * @throws {Deno.errors.NotCapable} If `--allow-net` is missing for the address.
   * @throws {Deno.errors.InvalidData} If it is the address of a client whose path is not absolute.
   * @throws {Deno.errors.NetworkUnreachable} If the system has no way to it.
   * @throws {Error} If the system refuses for another reason: `code` is the system's name of it
   * (`EAFNOSUPPORT`), and `"UNKNOWN"` where Deno does not give it without its flag `--unstable-net`.
   * @throws {TypeError} If the data is no `Uint8Array`, at once; if the address is none, as that of a
   * client without a name.
   */
  sendto(data: Uint8Array, address: A | NetAddress | UnixAddress): Promise<number> {
    check_bytes(data);
    try {
      this.#check_size(data);
      return may_fail(this.#sender.send(data, this.#target(address)));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #check_size({ length }: Uint8Array): void {
    if (length <= this.#max) return;
    throw new RangeError(
      `Cannot send ${length} bytes as one datagram: it can have at most ${this.#max}`,
    );
  }

  #target(address: A | NetAddress | UnixAddress): A {
    const { transport } = this.addr;
    if (transport !== "udp") return unix_target(address as UnixAddress) as A;
    // A client's address, as it came, is what is given mostly.
    if (!this.#ipv6 && is_udp_addr(address)) return address as A;
    const target = net_addr(address as NetAddress, "udp") as A & Deno.NetAddr;
    const error = port_error(target);
    if (error) throw error;
    return this.#ipv6 && late.net.isIPv4(target.hostname) ? wire_addr(target) : target;
  }
}

/** Where to send to: a client may call itself by a path of its own folder, which is another file here. */
function unix_target(address: UnixAddress): Deno.UnixAddr {
  const target = unix_addr(address, "unixpacket");
  const is_of_client = (address as Partial<Deno.UnixAddr>).transport === "unixpacket";
  if (!is_of_client || is_absolute(target.path)) return target;
  throw client_fault(
    new Deno.errors.InvalidData(
      `Cannot reply to "${target.path}": the path of a client must be absolute`,
    ),
  );
}

function is_udp_addr(address: unknown): boolean {
  const { transport, hostname, port } = Object(address) as Deno.NetAddr;
  const valid = typeof hostname === "string" && port >>> 0 === port && port <= 65_535;
  return transport === "udp" && valid && port > 0;
}

/** What is wrong with the port if it is 0, for which each of the ways to send has an error of its own. */
export function port_error({ hostname, port }: Deno.NetAddr): RangeError | undefined {
  if (port !== 0) return undefined;
  return new RangeError(`Cannot send to port 0 of "${hostname}": it must be a whole number from 1`);
}
