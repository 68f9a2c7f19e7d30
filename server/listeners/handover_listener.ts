import type net from "node:net";
import { setImmediate } from "node:timers";
import { accept_bare, type Accepted, SocketAccepted } from "../../internal/runtime/accepted.ts";
import {
  close_descriptor,
  close_held,
  duplicate_descriptor,
  has_descriptors,
  hold_descriptor,
  is_listening,
  listen_now,
  resume_listener,
  wake_listener,
} from "../../internal/runtime/deno_internals.ts";
import { late } from "../../internal/runtime/late.ts";
import { SocketPath } from "../sockets/socket_path.ts";
import { socket_over, type StreamSocket } from "../sockets/stream_socket.ts";
import { AcceptedConn } from "./accepted_conn.ts";
import { type Listener, MAX_BACKLOG, type StreamListenOptions } from "./listener.ts";
import { resolve_now } from "./resolve_now.ts";

/** How often, in ms, a waiting listener is told to look again. */
const WAKE_INTERVAL = 250;

/**
 * So many connections in one turn of the event loop, which brings 128 at the most, are a flood: all of
 * it is accepted before the next is handed out, as those that find the system's queue full would come
 * again only after a second.
 */
const FLOOD = 100;
/** In a flood so many times as many as otherwise may wait here. */
const FLOOD_FACTOR = 4;
/** A flood goes on while so many come in so many ms. */
const SURGE = 64;
const EBB = 5;
/**
 * After so many that were here already it is looked, by a timer, what else has come: Deno asks the system only then,
 * however many other turns the event loop takes.
 */
const IN_A_ROW = 128;

/** How long, in ms, the first bytes may take on a connection that was accepted just before the end. */
const FIRST_BYTES = 1000;

/** The addresses that mean all interfaces. */
const WILDCARDS = new Set(["0.0.0.0", "::"]);

/**
 * A stream listener whose connections can be handed to another thread as file descriptors
 * (`StreamSocket` detaches them). It accepts by itself, so what nobody takes waits here. When that is
 * more than `backlog`, it stops until some are taken, and the rest waits in the system.
 */
export class HandoverListener<A extends Deno.Addr> implements Listener<StreamSocket<A>, A> {
  readonly addr: A;
  #server: net.Server;
  #path: SocketPath | undefined;
  #backlog: number;
  /** So many may wait here before it stops. */
  #room: number;
  #no_delay: boolean;
  #accepted: (StreamSocket<A> | Error)[] = [];
  #waiter: { resolve(socket: StreamSocket<A>): void; reject(error: unknown): void } | undefined;
  closed = false;
  /** How many have come since one was asked for. */
  #come = 0;
  /** How many had come when it was last looked whether a flood goes on; -1 where there is none. */
  #flood = -1;
  /** How many were handed out that were here already. */
  #in_a_row = 0;
  #ebb: ReturnType<typeof setTimeout> | undefined;
  /** Whether it will stop as soon as what came last is here. */
  #full = false;
  /** Whether it was told to accept nothing. */
  #paused = false;
  /** Holds the listening socket while it is stopped. */
  #suspended: net.Socket | undefined;
  /** A descriptor that is kept for {@linkcode with_spare}. */
  #spare: net.Socket | undefined;
  /** Resolves when what was held is closed. */
  #let_go: Promise<void> | undefined;
  #waker: ReturnType<typeof setInterval> | undefined;
  /** Whether it keeps the program running. */
  #kept = false;
  /** Whether others listen at the same socket: it accepts only while somebody serves. */
  #is_shared = false;
  /** Resolves when the address is free. */
  #released: Promise<void> | undefined;

  /**
   * Binds and listens at once, or takes over a descriptor.
   *
   * @throws What `Deno.listen` throws.
   * @throws {Deno.errors.NotSupported} If the descriptor is not one of a socket of the right kind.
   */
  constructor({ addr, backlog, no_delay = false, fd }: StreamListenOptions<A>) {
    this.#backlog = this.#room = Math.min(backlog, MAX_BACKLOG);
    this.#no_delay = no_delay;
    this.#server = this.#make_server();
    if (fd !== undefined) {
      this.addr = this.#adopt(addr, fd);
    } else if (addr.transport === "unix") {
      const listen = (path: string) => this.#listen({ ...addr, path }, path, -1);
      [, this.#path] = SocketPath.bind(addr as Deno.UnixAddr, listen);
      this.addr = addr;
    } else {
      this.#listen(addr, resolve_now(addr as Deno.NetAddr), (addr as Deno.NetAddr).port);
      this.addr = this.#own_addr(addr);
    }
  }

  accept(): StreamSocket<A> | Promise<StreamSocket<A>> {
    if (this.closed && this.#accepted.length === 0) return Promise.reject(closed_error());
    if (this.#accepted.length <= this.#room / 2) this.#resume();
    this.#come = 0;
    if (this.#accepted.length === 0) this.#in_a_row = 0;
    else if (++this.#in_a_row >= IN_A_ROW && this.#flood < 0) {
      this.#watch_flood(this.#accepted.length, 0);
    }
    const next = this.#flood < 0 ? this.#accepted.shift() : undefined;
    if (next instanceof Error) return Promise.reject(next);
    if (next) return next;
    this.#waker ??= this.#start_waker();
    if (!this.#kept) this.ref();
    return new Promise((resolve, reject) => this.#waiter = { resolve, reject });
  }

  suspend(): void {
    this.#paused = true;
    this.#stop_soon();
  }

  resume(): void {
    this.#paused = false;
    if (this.#accepted.length <= this.#room / 2) this.#resume();
  }

  pace(per_second: number): void {
    this.#room = Math.min(this.#backlog, per_second);
  }

  ref(): void {
    this.#kept = true;
    this.#server.ref();
    if (this.#is_shared) this.#resume();
  }

  unref(): void {
    this.#kept = false;
    this.#server.unref();
    if (this.#is_shared) setImmediate(() => this.#rest());
  }

  retire(): boolean {
    // Not before those are here that came with the last one: closing would lose them.
    if (this.#is_shared) setImmediate(() => this.#retire());
    return this.#is_shared;
  }

  async close(): Promise<void> {
    const released = this.#end();
    for (const socket of this.#accepted.splice(0)) {
      if (!(socket instanceof Error)) socket.close();
    }
    this.#end_wait();
    await released;
  }

  /** Listens no more; resolves when the address is free, which is when the last descriptor of it is closed. */
  #end(): Promise<void> {
    if (this.#released) return this.#released;
    this.closed = true;
    this.#free(this.#spare);
    clearInterval(this.#waker);
    clearTimeout(this.#ebb);
    const close = async () => {
      if (this.#suspended) this.#free(this.#suspended);
      else this.#server.close();
      await this.#let_go;
    };
    return this.#released = this.#path ? this.#path.release(close) : close();
  }

  #retire(): void {
    void this.#end();
    this.#flood = -1;
    const next = this.#waiter && this.#accepted.shift();
    if (next) this.#deliver(next);
    else if (this.#accepted.length === 0) this.#end_wait();
  }

  #end_wait(): void {
    this.#waiter?.reject(closed_error());
    this.#waiter = undefined;
  }

  /** Whether it must accept nothing: it was told so, or others shall while nobody serves here. */
  get #is_resting(): boolean {
    return this.#paused || (this.#is_shared && !this.#kept);
  }

  /** Lets others accept while nobody serves here. */
  #rest(): void {
    if (!this.#kept && !this.closed && !this.#suspended) this.#suspend();
  }

  /** Takes over a socket that listens already. Nothing is accepted yet. */
  #adopt(addr: A, fd: number): A {
    resume_listener(this.#server, fd, this.#backlog);
    const is_path = this.#server.address() === null;
    const is_right = is_listening(this.#server) && is_path === (addr.transport === "unix");
    const own_addr = is_right && !is_path ? this.#own_addr(addr) : addr;
    // A duplicate takes its place, which child processes do not get.
    if (is_right) this.#suspend();
    if (!this.#suspended) {
      this.#server.removeAllListeners("error").on("error", () => {}).close();
      throw new Deno.errors.NotSupported(
        `Cannot inherit descriptor ${fd}: it is not a socket that listens at ` +
          (addr.transport === "unix" ? "a path" : "a port of TCP"),
      );
    }
    this.#is_shared = true;
    return own_addr;
  }

  /** The address that a TCP socket has in fact. */
  #own_addr(addr: A): A {
    const { port, address: hostname } = this.#server.address() as net.AddressInfo;
    return { ...addr, hostname, port };
  }

  #listen(addr: A, where: string, port: number): void {
    if (listen_now(this.#server, where, port, this.#backlog)) return this.#accept_bare();
    this.#server.removeAllListeners("error").on("error", () => {});
    this.#server = this.#make_server();
    throw listen_error(addr);
  }

  #make_server(): net.Server {
    const server = late.net.createServer({ pauseOnConnect: true, allowHalfOpen: true })
      .on("connection", (socket) => this.#arrived(new SocketAccepted(socket)))
      .on("error", (error) => this.#deliver(error));
    return this.#kept ? server : server.unref();
  }

  #accept_bare(): void {
    accept_bare(this.#server, (accepted) => this.#arrived(accepted));
  }

  #suspend_when_full(): void {
    this.#full = false;
    if (this.closed || this.#suspended) return;
    if (this.#paused || this.#accepted.length >= this.#room) this.#suspend();
  }

  #suspend(): void {
    const fd = this.#stop();
    if (fd >= 0) this.#suspended = hold_descriptor(fd);
  }

  /** Stops accepting; gives a descriptor of the listening socket, -1 where it could not be stopped. */
  #stop(): number {
    const fd = duplicate_descriptor(this.#server);
    if (fd < 0) return fd;
    const close = () => void this.#server.close();
    const closed = this.#path ? this.#path.outlive(close) : (close(), true);
    if (closed) return fd;
    close_descriptor(fd);
    return -1;
  }

  /** Goes on accepting if it is stopped; where no descriptor is left for that, the waker tries again. */
  #resume(): void {
    const held = this.#is_resting ? undefined : this.#suspended;
    const fd = held ? duplicate_descriptor(held) : -1;
    if (fd < 0) return;
    this.#suspended = undefined;
    this.#free(held);
    this.#go_on(fd);
  }

  #go_on(fd: number): void {
    this.#server = this.#make_server();
    resume_listener(this.#server, fd, this.#backlog);
    this.#accept_bare();
  }

  #arrived(accepted: Accepted): void {
    const addrs = this.closed ? undefined : this.#addrs_of(accepted);
    if (addrs) this.#deliver(socket_over(this.#conn(accepted, ...addrs)));
    else accepted.close();
    if (this.#flood < 0) this.#stop_when_full();
  }

  #conn(accepted: Accepted, local: A, remote: A): AcceptedConn<A> {
    if (this.#no_delay) accepted.setNoDelay(true);
    const conn = new AcceptedConn(accepted, this.#no_delay, local, remote);
    if (this.#is_shared) conn.patience = FIRST_BYTES;
    return conn;
  }

  #stop_when_full(): void {
    if (this.#accepted.length >= this.#room) this.#stop_soon();
  }

  #stop_soon(): void {
    if (this.#full) return;
    // Not before the others that came with it are here too: closing would lose them.
    this.#full = true;
    setImmediate(() => this.#suspend_when_full());
  }

  /** The local and the peer's address; none where the peer has gone already (accept(2), ENOTCONN). */
  #addrs_of(accepted: Accepted): [A, A] | undefined {
    const { addr } = this;
    if (addr.transport === "unix") return [addr, { ...addr, path: "" }];
    const remote = accepted.remote();
    if (!remote) return undefined;
    // The listener's own address, unless it listens at all of them: then the system must be asked.
    const is_everywhere = WILDCARDS.has((addr as Deno.NetAddr).hostname);
    const local = is_everywhere ? { ...addr, ...accepted.local() } : addr;
    return [local, { transport: "tcp", ...remote } as A];
  }

  #start_waker(): ReturnType<typeof setInterval> {
    const waker = setInterval(() => this.#wake(), WAKE_INTERVAL);
    Deno.unrefTimer(waker);
    return waker;
  }

  /** Sees to what `node:net` keeps silent about: that it stopped because descriptors ran out. */
  #wake(): void {
    if (!this.#waiter || this.#is_resting) return;
    if (!this.has_descriptors(1)) this.#deliver(no_descriptors());
    else if (this.#suspended) this.#resume();
    else if (this.addr.transport === "unix") this.#listen_again();
    else wake_listener(this.#server, this.#backlog);
  }

  /** A Unix socket is not woken by a call: another server must listen at it. */
  #listen_again(): void {
    const fd = this.#stop();
    if (fd >= 0) this.#go_on(fd);
  }

  /** Whether the process has so many descriptors left. */
  has_descriptors(count: number): boolean {
    return has_descriptors(this.#suspended ?? this.#server, count);
  }

  /**
   * Runs what takes one more descriptor for a moment. One is kept for that: at the limit the next
   * connection takes any other one that is free, and none could be handed over any more.
   */
  with_spare(use: () => void): void {
    this.#free(this.#spare);
    this.#spare = undefined;
    try {
      use();
    } finally {
      if (!this.closed) this.#spare ??= this.#duplicate();
    }
  }

  #free(held: net.Socket | undefined): void {
    if (held) this.#let_go = close_held(held);
  }

  #duplicate(): net.Socket | undefined {
    const fd = duplicate_descriptor(this.#suspended ?? this.#server);
    return fd < 0 ? undefined : hold_descriptor(fd);
  }

  #deliver(next: StreamSocket<A> | Error): void {
    if (!this.#waiter || this.#flood >= 0) {
      this.#accepted.push(next);
      if (++this.#come === FLOOD && this.#flood < 0) this.#watch_flood(0);
      return;
    }
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (next instanceof Error) waiter.reject(next);
    else waiter.resolve(next);
  }

  #watch_flood(seen: number, ebb = EBB): void {
    this.#flood = seen;
    this.#in_a_row = 0;
    this.#ebb = setTimeout(() => this.#look_at_flood(), ebb);
  }

  /** Hands out what has come, unless much more comes and there is room for it. */
  #look_at_flood(): void {
    const { length } = this.#accepted;
    if (length >= this.#flood + SURGE && length < this.#room * FLOOD_FACTOR) {
      return this.#watch_flood(length);
    }
    this.#flood = -1;
    this.#stop_when_full();
    const next = this.#waiter && this.#accepted.shift();
    if (next) this.#deliver(next);
  }
}

/** Why listening failed: `node:net` says so only later, `Deno.listen` at once. */
function listen_error(addr: Deno.Addr): Error {
  try {
    Deno.listen(addr as Deno.TcpListenOptions).close();
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
