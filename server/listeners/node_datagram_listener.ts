import dgram from "node:dgram";
import { lookup, type LookupOneOptions } from "node:dns";
import { isIP, isIPv6 } from "node:net";
import { format_address, peer_addr } from "../address.ts";
import { PacketTooLong } from "../requests/accept_errors.ts";
import { type DatagramRequest, DatagramSocket } from "../sockets/datagram_socket.ts";
import { deno_error } from "../sockets/node_error.ts";
import type { DatagramListener, DatagramListenOptions } from "./listener.ts";
import { resolve_now } from "./resolve_now.ts";

/** How many bytes of datagrams may wait; what comes then is lost, as in a system's full buffer. */
const MAX_WAITING = 8_388_608;

/** What a look-up gives. */
type LookupDone = (error: Error | null, address: string, family: number) => void;

/**
 * A UDP listener over `node:dgram`, which every Deno has. It is slower than Deno's own, and it is given
 * datagrams whether they are wanted or not: some wait here, and what is more is lost.
 */
export class NodeDatagramListener implements DatagramListener<Deno.NetAddr> {
  readonly addr: Deno.NetAddr;
  #socket: dgram.Socket;
  #replies: DatagramSocket;
  #max: number;
  #backlog: number;
  #waiting: ([DatagramRequest, Deno.NetAddr] | Error)[] = [];
  #waiting_bytes = 0;
  #waiter: PromiseWithResolvers<[DatagramRequest, Deno.NetAddr]> | undefined;
  #closed: Promise<void> | undefined;

  /** Binds at once; throws what `Deno.listenDatagram` would throw. */
  constructor(options: DatagramListenOptions<Deno.NetAddr>) {
    const { addr, reuse_address, backlog, max_packet_size } = options;
    this.#max = max_packet_size;
    this.#backlog = backlog;
    const ip = resolve_now(addr);
    const type = isIPv6(ip) ? "udp6" : "udp4";
    this.#socket = dgram.createSocket({ type, reuseAddr: reuse_address, lookup: lookup_name });
    const bound = this.#bind(ip, addr.port);
    this.addr = { transport: "udp", hostname: bound.address, port: bound.port };
    this.#replies = new DatagramSocket(this.addr, this);
    this.#socket.on("message", (packet, from) => this.#arrived(packet, from));
  }

  accept(): Promise<[DatagramRequest, Deno.NetAddr]> {
    if (this.#closed) return Promise.reject(closed_error());
    const next = this.#waiting.shift();
    if (!next) return (this.#waiter = Promise.withResolvers()).promise;
    if (next instanceof Error) return Promise.reject(next);
    this.#waiting_bytes -= next[0][0].length;
    return Promise.resolve(next);
  }

  send(data: Uint8Array, address: Deno.NetAddr): Promise<number> {
    if (this.#closed) return Promise.reject(closed_error());
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#socket.send(data, address.port, address.hostname, (error) => {
      if (error) reject(may_send(address) ? deno_error(error) : not_capable(address));
      else resolve(data.length);
    });
    return promise;
  }

  close(): Promise<void> {
    return this.#closed ??= new Promise((resolve) => {
      this.#socket.close(() => resolve());
      this.#waiting = [];
      this.#waiter?.reject(closed_error());
    });
  }

  #bind(address: string, port: number): { address: string; port: number } {
    let failure: Error | undefined;
    this.#socket.on("error", (error) => failure = error);
    this.#socket.bind({ address, port, exclusive: true });
    if (!failure) return this.#socket.address();
    this.#socket.close();
    throw deno_error(failure);
  }

  #arrived(packet: Uint8Array, { address: hostname, port }: dgram.RemoteInfo): void {
    const from = peer_addr<Deno.NetAddr>({ transport: "udp", hostname, port });
    const { buffer, byteOffset, length } = packet;
    if (length > this.#max) this.#deliver(new PacketTooLong(from, this.#max), 0);
    // Not as the `Buffer` it is, whose methods are others.
    else this.#deliver([[new Uint8Array(buffer, byteOffset, length), this.#replies], from], length);
  }

  #deliver(next: [DatagramRequest, Deno.NetAddr] | Error, size: number): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter && next instanceof Error) return waiter.reject(next);
    if (waiter) return waiter.resolve(next as [DatagramRequest, Deno.NetAddr]);
    if (this.#waiting.length >= this.#backlog || this.#waiting_bytes + size > MAX_WAITING) return;
    this.#waiting.push(next);
    this.#waiting_bytes += size;
  }
}

/** Looks a name up; at once for what is an IP address, so that binding has no turn of the event loop. */
function lookup_name(hostname: string, options: LookupOneOptions, done: LookupDone): void {
  const family = isIP(hostname);
  if (family) done(null, hostname, family);
  else lookup(hostname, options, done);
}

/** `node:dgram` says only that sending failed where a permission is missing. */
function may_send(address: Deno.NetAddr): boolean {
  const host = format_address(address);
  return Deno.permissions.querySync({ name: "net", host }).state === "granted";
}

function not_capable(address: Deno.NetAddr): Error {
  const host = format_address(address);
  return new Deno.errors.NotCapable(
    `Requires net access to "${host}", run again with --allow-net for the clients`,
  );
}

function closed_error(): Error {
  return new Deno.errors.BadResource("The socket is closed");
}
