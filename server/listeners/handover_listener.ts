import net from "node:net";
import { setImmediate } from "node:timers";
import {
  close_descriptor,
  duplicate_descriptor,
  has_descriptors,
  listen_now,
  reopen_socket,
  resume_listener,
  suspend_listener,
  wake_listener,
} from "../runtime.ts";
import { NodeConn } from "../sockets/node_conn.ts";
import { type ByteConn, StreamSocket } from "../sockets/stream_socket.ts";
import type { Listener, TcpListenOptions } from "./listener.ts";

/** How often, in ms, a waiting listener is told to look again. */
const WAKE_INTERVAL = 250;

/** The addresses that mean all interfaces. */
const WILDCARDS = new Set(["0.0.0.0", "::"]);

type Socket = StreamSocket<Deno.NetAddr>;

/**
 * A TCP listener whose connections can be handed to another thread as file descriptors
 * (`StreamSocket` detaches them). It accepts by itself, so what nobody takes waits here. When that is
 * more than `backlog`, it stops until some are taken, and the rest waits in the system.
 */
export class HandoverListener implements Listener<Socket, Deno.NetAddr> {
  readonly addr: Deno.NetAddr;
  #server: net.Server;
  #backlog: number;
  #accepted: (Socket | Error)[] = [];
  #waiter: { resolve(socket: Socket): void; reject(error: unknown): void } | undefined;
  #closed = false;
  /** Whether it will stop as soon as what came last is here. */
  #full = false;
  /** The descriptor of the listening socket while it is stopped, else -1. */
  #suspended = -1;
  #waker: ReturnType<typeof setInterval> | undefined;

  /** Binds and listens at once; throws what `Deno.listen` throws. */
  constructor(options: TcpListenOptions) {
    this.#backlog = options.backlog;
    this.#server = this.#make_server();
    const ip = resolve(options);
    if (!listen_now(this.#server, ip, options.port, options.backlog)) {
      this.#server.removeAllListeners("error").on("error", () => {});
      throw listen_error(options);
    }
    const { port, address: hostname } = this.#server.address() as net.AddressInfo;
    this.addr = { transport: "tcp", hostname, port };
  }

  accept(): Socket | Promise<Socket> {
    if (this.#closed) return Promise.reject(closed_error());
    if (this.#suspended >= 0 && this.#accepted.length <= this.#backlog / 2) this.#resume();
    const next = this.#accepted.shift();
    if (next instanceof Error) return Promise.reject(next);
    if (next) return next;
    this.#waker ??= setInterval(() => this.#wake(), WAKE_INTERVAL);
    return new Promise((resolve, reject) => this.#waiter = { resolve, reject });
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    clearInterval(this.#waker);
    if (this.#suspended >= 0) close_descriptor(this.#suspended);
    else this.#server.close();
    for (const socket of this.#accepted.splice(0)) {
      if (!(socket instanceof Error)) socket.close();
    }
    this.#waiter?.reject(closed_error());
    this.#waiter = undefined;
    return Promise.resolve();
  }

  #make_server(): net.Server {
    return net.createServer({ pauseOnConnect: true, allowHalfOpen: true })
      .on("connection", (socket) => this.#arrived(socket))
      .on("error", (error) => this.#deliver(error));
  }

  #suspend(): void {
    this.#full = false;
    if (this.#closed || this.#accepted.length < this.#backlog) return;
    this.#suspended = suspend_listener(this.#server);
  }

  #resume(): void {
    this.#server = this.#make_server();
    resume_listener(this.#server, this.#suspended, this.#backlog);
    this.#suspended = -1;
  }

  #arrived(socket: net.Socket): void {
    if (this.#closed) socket.destroy();
    // The peer's address is missing where it has gone already (accept(2), ENOTCONN).
    else if (socket.remoteAddress === undefined) socket.destroy();
    else this.#deliver(new StreamSocket(new AcceptedConn(socket, this.#local_addr(socket))));
    if (this.#full || this.#accepted.length < this.#backlog) return;
    // Not before the others that came with it are here too: closing would lose them.
    this.#full = true;
    setImmediate(() => this.#suspend());
  }

  /** The listener's own address, unless it listens at all of them: then the system must be asked. */
  #local_addr(socket: net.Socket): Deno.NetAddr {
    if (!WILDCARDS.has(this.addr.hostname)) return this.addr;
    return net_addr(socket.localAddress, socket.localPort);
  }

  /** Sees to what `node:net` keeps silent about: that it stopped because descriptors ran out. */
  #wake(): void {
    wake_listener(this.#server, this.#backlog);
    if (this.#waiter && !this.has_descriptors(1)) this.#deliver(no_descriptors());
  }

  /** Whether the process has so many descriptors left. */
  has_descriptors(count: number): boolean {
    return has_descriptors(this.#server, count);
  }

  #deliver(next: Socket | Error): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (!waiter) this.#accepted.push(next);
    else if (next instanceof Error) waiter.reject(next);
    else waiter.resolve(next);
  }
}

/**
 * A connection as it was accepted, untouched: it leaves this thread as a descriptor, or is opened in
 * this one at its first use.
 */
class AcceptedConn implements ByteConn<Deno.NetAddr> {
  readonly localAddr: Deno.NetAddr;
  readonly remoteAddr: Deno.NetAddr;
  #socket: net.Socket;
  #conn: NodeConn<Deno.NetAddr> | undefined;

  constructor(socket: net.Socket, localAddr: Deno.NetAddr) {
    this.#socket = socket;
    this.localAddr = localAddr;
    this.remoteAddr = net_addr(socket.remoteAddress, socket.remotePort);
    // The peer may reset it while it waits: the next use will say so.
    socket.on("error", () => {});
  }

  /** See `Detachable`: once it is in use here, it stays here. */
  detach(): number | undefined {
    if (this.#conn) return undefined;
    const fd = duplicate_descriptor(this.#socket);
    if (fd >= 0) this.#socket.destroy();
    return fd;
  }

  read(p: Uint8Array): Promise<number | null> {
    return this.#open().read(p);
  }

  write(p: Uint8Array): Promise<number> {
    return this.#open().write(p);
  }

  closeWrite(): Promise<void> {
    return this.#open().closeWrite();
  }

  close(): void {
    if (this.#conn) this.#conn.close();
    else this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  setNoDelay(no_delay?: boolean): void {
    (this.#conn ?? this.#socket).setNoDelay(no_delay);
  }

  setKeepAlive(keep_alive?: boolean): void {
    (this.#conn ?? this.#socket).setKeepAlive(keep_alive);
  }

  ref(): void {
    (this.#conn ?? this.#socket).ref();
  }

  unref(): void {
    (this.#conn ?? this.#socket).unref();
  }

  #open(): NodeConn<Deno.NetAddr> {
    const open = (options: net.SocketConstructorOpts) => reopen_socket(this.#socket, options);
    return this.#conn ??= new NodeConn(open, this.localAddr, this.remoteAddr);
  }
}

function net_addr(hostname = "", port = 0): Deno.NetAddr {
  return { transport: "tcp", hostname, port };
}

/** The IP address of a name, as `Deno.listen` finds it. */
function resolve({ hostname, port }: TcpListenOptions): string {
  if (net.isIP(hostname)) return hostname;
  // At the same port, for which there is the permission.
  using probe = Deno.listen({ hostname, port });
  return probe.addr.hostname;
}

/** Why listening failed: `node:net` says so only later, `Deno.listen` at once. */
function listen_error({ hostname, port }: TcpListenOptions): Error {
  try {
    Deno.listen({ hostname, port }).close();
    return new Deno.errors.AddrInUse("Address already in use");
  } catch (error) {
    return error as Error;
  }
}

function no_descriptors(): Error {
  return Object.assign(new Error("Too many open files"), { code: "EMFILE" });
}

function closed_error(): Error {
  return new Deno.errors.BadResource("Listener has been closed");
}
