/**
 * Connections as they are accepted, untouched: they leave this thread as descriptors, or are opened in it. They come
 * without the `net.Socket` that `node:net` makes for each, where Deno is built inside as is expected here, and
 * else with it. `tests/internal/runtime/accepted_test.ts` says which of the two it is.
 *
 * @module
 */
import type net from "node:net";
import { type BareHandle, is_bare } from "./bare_stream.ts";
import {
  duplicate_descriptor,
  open_bare,
  open_descriptor,
  reopen_socket,
} from "./deno_internals.ts";
import { late } from "./late.ts";

/** A connection that nobody has opened yet. */
export interface Accepted {
  /** The local address; `undefined` where the connection is gone, and for Unix sockets. */
  local(): NetAddress | undefined;
  /** The address of the peer. */
  remote(): NetAddress | undefined;
  /** A new descriptor of it, which the caller must close; -1 if there is none to be had. */
  duplicate(): number;
  /** Opens it in this thread, by its handle alone; `undefined` where it must be opened as a socket. */
  open_bare(): BareHandle | undefined;
  /** Opens it in this thread as a socket, instead. */
  open(options: net.SocketConstructorOpts): net.Socket;
  close(): void;
  setNoDelay(no_delay: boolean): void;
  setKeepAlive(keep_alive: boolean): void;
  ref(): void;
  unref(): void;
}

/** One end of a TCP connection. */
export interface NetAddress {
  hostname: string;
  port: number;
}

/** The undocumented handle of an accepted connection. */
interface AcceptedHandle extends BareHandle {
  /** These four are of TCP alone. */
  getsockname?(into: Name): number;
  getpeername?(into: Name): number;
  setNoDelay?(no_delay: boolean): number;
  setKeepAlive?(keep_alive: boolean, delay_seconds: number): number;
}

interface Name {
  address?: string;
  port?: number;
}

/** The undocumented handle of a server. */
interface ListeningHandle {
  /** Called for each connection that is there to be accepted. */
  onconnection?: (code: number) => void;
  /** Accepts it into another handle; 0 if it could. */
  accept?(handle: object): number;
}

/** What a handle is made for: a connection. */
const CONNECTION = 0;

/**
 * Has a listening server give its connections here, and without sockets.
 *
 * @param server The server, which listens.
 * @param arrived Called with each.
 * @returns Whether it does; else it goes on emitting `connection`.
 */
export function accept_bare(server: net.Server, arrived: (accepted: Accepted) => void): boolean {
  const { _handle: handle } = server as unknown as { _handle: ListeningHandle | null };
  const Handle = handle?.constructor as (new (kind: number) => AcceptedHandle) | undefined;
  if (!handle?.accept || !handle.onconnection || !Handle || !is_bare(Handle.prototype)) {
    return false;
  }
  const { onconnection } = handle;
  handle.onconnection = (code) => {
    // An error is for the server to tell.
    if (code !== 0) return onconnection.call(handle, code);
    const connection = new Handle(CONNECTION);
    if (handle.accept!(connection) === 0) arrived(new BareAccepted(connection));
    else connection.close();
  };
  return true;
}

/** A connection in its handle alone. */
class BareAccepted implements Accepted {
  #handle: AcceptedHandle;

  constructor(handle: AcceptedHandle) {
    this.#handle = handle;
  }

  local(): NetAddress | undefined {
    return address_in((name) => this.#handle.getsockname?.(name));
  }

  remote(): NetAddress | undefined {
    return address_in((name) => this.#handle.getpeername?.(name));
  }

  duplicate(): number {
    return this.#handle.fdForIpc();
  }

  open_bare(): BareHandle {
    const fd = this.duplicate();
    // No descriptor is left at the moment: use the handle itself.
    if (fd < 0) return this.#handle;
    this.close();
    return open_bare(fd)!;
  }

  open(options: net.SocketConstructorOpts): net.Socket {
    const fd = this.duplicate();
    const handle = this.#handle;
    if (fd < 0) return new late.net.Socket({ ...options, handle } as net.SocketConstructorOpts);
    this.close();
    return open_descriptor(fd, options);
  }

  close(): void {
    this.#handle.close();
  }

  setNoDelay(no_delay: boolean): void {
    this.#handle.setNoDelay?.(no_delay);
  }

  setKeepAlive(keep_alive: boolean): void {
    this.#handle.setKeepAlive?.(keep_alive, 0);
  }

  ref(): void {
    this.#handle.ref();
  }

  unref(): void {
    this.#handle.unref();
  }
}

/** A connection in a socket of `node:net`. */
export class SocketAccepted implements Accepted {
  #socket: net.Socket;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    // The peer may reset it while it waits: the next use will say so.
    socket.on("error", pass_over);
  }

  local(): NetAddress | undefined {
    const { localAddress, localPort } = this.#socket;
    return localAddress === undefined ? undefined : { hostname: localAddress, port: localPort! };
  }

  remote(): NetAddress | undefined {
    const { remoteAddress, remotePort } = this.#socket;
    return remoteAddress === undefined ? undefined : { hostname: remoteAddress, port: remotePort! };
  }

  duplicate(): number {
    return duplicate_descriptor(this.#socket);
  }

  open_bare(): undefined {}

  open(options: net.SocketConstructorOpts): net.Socket {
    return reopen_socket(this.#socket, options);
  }

  close(): void {
    this.#socket.destroy();
  }

  setNoDelay(no_delay: boolean): void {
    this.#socket.setNoDelay(no_delay);
  }

  setKeepAlive(keep_alive: boolean): void {
    this.#socket.setKeepAlive(keep_alive);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }
}

function address_in(ask: (into: Name) => number | undefined): NetAddress | undefined {
  const name: Name = {};
  if (ask(name) !== 0 || name.address === undefined) return undefined;
  return { hostname: name.address, port: name.port ?? 0 };
}

function pass_over(): void {}
