import type dgram from "node:dgram";
import { late } from "../../internal/runtime/late.ts";
import { MAX_TIMER } from "../../internal/runtime/timer.ts";
import { format_address, map_ipv4, peer_addr } from "../address.ts";
import { type DatagramRequest, DatagramSocket, port_error } from "../sockets/datagram_socket.ts";
import { deno_error } from "../sockets/node_error.ts";
import type { DatagramListener, DatagramListenOptions } from "./listener.ts";
import { resolve_beside_tcp } from "./resolve_now.ts";
import { refusal_of } from "./unwanted_datagram.ts";

/** How many bytes of datagrams may wait; what comes then is lost, as in a system's full buffer. */
const MAX_WAITING = 8_388_608;

/**
 * A UDP listener over `node:dgram`, which every Deno has. It is slower than Deno's own, and it is given
 * datagrams whether they are wanted or not: some wait here, and what is more is lost.
 */
export class NodeDatagramListener implements DatagramListener<Deno.NetAddr> {
  readonly addr: Deno.NetAddr;
  #family: 4 | 6;
  #socket: dgram.Socket;
  #replies: DatagramSocket;
  #max: number;
  #broadcast: boolean;
  #backlog: number;
  #waiting: ([DatagramRequest, Deno.NetAddr] | Error)[] = [];
  #waiting_bytes = 0;
  #waiter: PromiseWithResolvers<[DatagramRequest, Deno.NetAddr]> | undefined;
  /** Keeps the program running: once unref'd, the socket itself does not any more. */
  #keeper: ReturnType<typeof setInterval> | undefined;
  #closed: Promise<void> | undefined;

  /** Binds at once; throws what `Deno.listenDatagram` would throw. */
  constructor(options: DatagramListenOptions<Deno.NetAddr>) {
    const { addr, reuse_address, backlog, max_packet_size, groups = [] } = options;
    this.#max = max_packet_size;
    this.#broadcast = options.broadcast ?? true;
    this.#backlog = backlog;
    const ip = resolve_beside_tcp(addr);
    const family = this.#family = late.net.isIPv6(ip) ? 6 : 4;
    this.#socket = late.dgram.createSocket({
      type: `udp${family}`,
      reuseAddr: reuse_address,
      // It is asked for IP addresses only; at once, so that binding has no turn of the event loop.
      lookup: (ip, _, done) => done(null, ip, family),
    });
    // Not later: then it begins to receive, and what has begun is not unref'd.
    this.#socket.unref();
    const bound = this.#bind(ip, addr.port);
    this.addr = { transport: "udp", hostname: bound.address, port: bound.port };
    this.#set_up(groups);
    this.#replies = new DatagramSocket(this.addr, this);
    this.#socket.on("message", (packet, from) => this.#arrived(packet, from));
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  accept(): Promise<[DatagramRequest, Deno.NetAddr]> {
    if (this.#closed) return Promise.reject(closed_error());
    const next = this.#waiting.shift();
    if (!next) return this.#wait();
    if (next instanceof Error) return Promise.reject(next);
    this.#waiting_bytes -= next[0][0].length;
    return Promise.resolve(next);
  }

  send(data: Uint8Array, address: Deno.NetAddr): Promise<number> {
    const refusal = this.#closed ? closed_error() : port_error(address);
    if (refusal) return Promise.reject(refusal);
    if (!late.net.isIP(address.hostname)) return this.#send_to_name(data.slice(), address);
    return new Promise((resolve, reject) => {
      this.#socket.send(data, address.port, address.hostname, (error) => {
        if (error) reject(send_error(error, this.addr, address, this.#broadcast));
        else resolve(data.length);
      });
    });
  }

  ref(): void {
    this.#keeper ??= setInterval(() => {}, MAX_TIMER);
  }

  unref(): void {
    clearInterval(this.#keeper);
    this.#keeper = undefined;
  }

  close(): Promise<void> {
    return this.#closed ??= new Promise((resolve) => {
      this.unref();
      this.#socket.close(() => resolve());
      this.#waiting = [];
      this.#waiter?.reject(closed_error());
    });
  }

  async #send_to_name(data: Uint8Array, address: Deno.NetAddr): Promise<number> {
    const found = ip_of(address, this.#family).catch((error) => {
      throw send_error(error, this.addr, address, this.#broadcast);
    });
    return await this.send(data, { ...address, hostname: await found });
  }

  #wait(): Promise<[DatagramRequest, Deno.NetAddr]> {
    this.ref();
    return (this.#waiter = Promise.withResolvers()).promise;
  }

  #bind(address: string, port: number): { address: string; port: number } {
    let failure: Error | undefined;
    this.#socket.on("error", (error) => failure = error);
    this.#socket.bind({ address, port, exclusive: true });
    if (!failure) return this.#socket.address();
    this.#socket.close();
    throw deno_error(failure);
  }

  #set_up(groups: readonly string[]): void {
    try {
      // Deno's own sockets may send to broadcast addresses from the start.
      if (this.#broadcast) this.#socket.setBroadcast(true);
      for (const group of groups) this.#join(group);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  #join(group: string): void {
    const [address = "", zone] = group.split("%");
    const place = zone && late.net.isIPv6(address) ? `::%${zone}` : zone;
    if (place !== zone) check_zone(group, zone!);
    try {
      this.#socket.addMembership(address, place);
    } catch (error) {
      const { code = "" } = error as { code?: string };
      throw failure(code, `Cannot join the multicast group ${group}: ${code}`);
    }
  }

  #arrived(packet: Uint8Array, { address: hostname, port }: dgram.RemoteInfo): void {
    const from = peer_addr<Deno.NetAddr>({ transport: "udp", hostname, port });
    const { buffer, byteOffset, length } = packet;
    const refusal = refusal_of(from, length, this.addr, this.#max);
    if (refusal) this.#deliver(refusal, 0);
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

/**
 * Refuses what Deno would not take as an interface of IPv6: it would say nothing, and let the system choose one.
 * On Windows it takes their numbers, elsewhere their names.
 */
function check_zone(group: string, zone: string): void {
  const is_number = /^\d+$/.test(zone);
  if (is_number === (Deno.build.os === "windows")) return;
  const [wanted, given] = is_number ? ["name", "number"] : ["number", "name"];
  throw failure(
    "EINVAL",
    `Cannot join the multicast group ${group}: put the ${wanted} of the interface there, not its ${given}`,
  );
}

/**
 * Looks a name up. For an IPv6 socket a name that has only an IPv4 address gives that, as Deno's own sockets
 * send to it.
 */
function ip_of(address: Deno.NetAddr, family: 4 | 6): Promise<string> {
  if (family === 4) return look_up(address, 4);
  return look_up(address, 6).catch(async () => map_ipv4(await look_up(address, 4)));
}

/** Says the port, too: otherwise Deno wants the permission for all ports of the host. */
function look_up({ hostname, port }: Deno.NetAddr, family: 4 | 6): Promise<string> {
  const options = { family, port };
  return new Promise((resolve, reject) =>
    late.dns.lookup(hostname, options, (error, ip) => error ? reject(error) : resolve(ip))
  );
}

/**
 * Why sending failed: `node:dgram` mostly says no more than that it did ("UNKNOWN"), also where a
 * permission is missing. The rest follows from the two addresses.
 */
function send_error(
  error: Error & { code?: string },
  own: Deno.NetAddr,
  address: Deno.NetAddr,
  broadcast: boolean,
): Error {
  if (!may_send(address)) return not_capable(address);
  if (error.code !== "UNKNOWN") return deno_error(error);
  const where = format_address(address);
  if (is_ipv4(own.hostname) && late.net.isIPv6(address.hostname)) {
    return failure("EAFNOSUPPORT", `An IPv4 socket cannot send to ${where}`);
  }
  if (!is_ipv4(own.hostname) && is_ipv4(address.hostname)) {
    return failure(
      "ENETUNREACH",
      `An IPv6 socket with an address of its own cannot send to ${where}`,
    );
  }
  if (!broadcast && address.hostname.endsWith(".255")) {
    return failure("EACCES", `Cannot send to the broadcast address ${where}: broadcast is false`);
  }
  return failure(
    "UNKNOWN",
    `The system does not send to ${where}: Deno says why only with its flag --unstable-net`,
  );
}

function failure(code: string, message: string): Error {
  return deno_error(Object.assign(new Error(message), { code }));
}

/** Whether it is an IPv4 address, also one as IPv6 sockets have it. */
function is_ipv4(hostname: string): boolean {
  return late.net.isIPv4(peer_addr<Deno.NetAddr>({ transport: "udp", hostname, port: 0 }).hostname);
}

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
