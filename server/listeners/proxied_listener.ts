import { client_fault } from "../../internal/runtime/client_fault.ts";
import { is_client_gone } from "../../internal/runtime/error_names.ts";
import { set_timer } from "../../internal/runtime/timer.ts";
import { with_address } from "../address.ts";
import { ProxyHeaderParser } from "../sockets/proxy_header.ts";
import { give_up, introduce, type StreamSocket } from "../sockets/stream_socket.ts";
import type { Listener } from "./listener.ts";

/** How much is read at once, in bytes: no header is longer. */
const READ_SIZE = 4096;
const NOTHING = new Uint8Array(0);

/** How headers are read. */
export interface ProxyRules {
  /** Whether the headers of a proxy are believed. */
  trusts(peer: Deno.Addr): boolean;
  /** How long a header may take, in ms. */
  timeout: number;
  /** How many connections may wait here, until their header is read and until they are taken. */
  limit: number;
  /** Told why a connection was closed. */
  rejected(error: Error, peer: Deno.Addr): void;
}

/**
 * A listener whose connections begin with a header of the PROXY protocol. They are given out when that is
 * read, as it says: many are read at once, so that a slow one holds up nobody.
 */
export class ProxiedListener<A extends Deno.Addr> implements Listener<StreamSocket<A>, A> {
  #inner: Listener<StreamSocket<A>, A>;
  #rules: ProxyRules;
  /** Those whose header is being read. */
  #reading: Set<StreamSocket<A>> = new Set();
  #ready: StreamSocket<A>[] = [];
  #waiter: PromiseWithResolvers<StreamSocket<A>> | undefined;
  /** Whether the inner listener is asked for a connection. */
  #asking = false;
  /** Whether it was told to accept nothing. */
  #paused = false;
  #is_closing = false;
  /** How many connections were closed because of their header. */
  rejected = 0;

  /**
   * @param inner Where connections come from.
   * @param rules How their headers are read.
   */
  constructor(inner: Listener<StreamSocket<A>, A>, rules: ProxyRules) {
    this.#inner = inner;
    this.#rules = rules;
  }

  get addr(): A {
    return this.#inner.addr;
  }

  get closed(): boolean {
    return this.#inner.closed === true;
  }

  accept(): StreamSocket<A> | Promise<StreamSocket<A>> {
    const next = this.#ready.shift();
    if (next) return next;
    this.#waiter = Promise.withResolvers();
    void this.#ask();
    return this.#waiter.promise;
  }

  ref(): void {
    this.#inner.ref?.();
  }

  unref(): void {
    this.#inner.unref?.();
  }

  suspend(): void {
    this.#paused = true;
    this.#inner.suspend?.();
  }

  resume(): void {
    this.#inner.resume?.();
    this.#go_on();
  }

  pace(per_second: number): void {
    this.#inner.pace?.(per_second);
  }

  retire(): boolean {
    const is_retired = this.#inner.retire?.() ?? false;
    if (is_retired) this.#go_on();
    return is_retired;
  }

  has_descriptors(count: number): boolean {
    return this.#inner.has_descriptors?.(count) ?? true;
  }

  with_spare(use: () => void): void {
    if (this.#inner.with_spare) this.#inner.with_spare(use);
    else use();
  }

  async close(): Promise<void> {
    this.#is_closing = true;
    const closed = this.#inner.close();
    for (const socket of [...this.#reading, ...this.#ready.splice(0)]) socket.close();
    await closed;
  }

  #go_on(): void {
    this.#paused = false;
    void this.#ask();
  }

  /** Takes connections for as long as somebody waits for one and there is room. */
  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (this.#waiter && !this.#paused && this.#reading.size < this.#rules.limit) {
        void this.#receive(await this.#inner.accept());
      }
    } catch (error) {
      // One that accepts no more may have headers left to read.
      if (!this.closed || this.#reading.size === 0) this.#end_wait()?.reject(error);
    } finally {
      this.#asking = false;
    }
  }

  /** Reads the header of a connection, and keeps it until somebody takes it. */
  async #receive(socket: StreamSocket<A>): Promise<void> {
    // It was accepted in the moment of close(), which has not seen it.
    if (this.#is_closing) return socket.close();
    this.#reading.add(socket);
    const is_good = await this.#read_header(socket);
    this.#reading.delete(socket);
    if (!is_good) socket.close();
    else if (this.#waiter) this.#end_wait()!.resolve(socket);
    else this.#ready.push(socket);
    if (this.#waiter) void this.#ask();
  }

  /** Whether its header is read; why not, is told. */
  async #read_header(socket: StreamSocket<A>): Promise<boolean> {
    const peer = socket.remoteAddr;
    const { timeout } = this.#rules;
    const clock = set_timer(timeout, () => give_up(socket, too_late(timeout)));
    try {
      this.#check_peer(peer);
      return await read_header(socket);
    } catch (error) {
      // Nobody is to blame for what the server has closed itself.
      if (!this.#is_closing) this.#reject(error as Error, peer);
      return false;
    } finally {
      clearTimeout(clock);
    }
  }

  /** @throws {Deno.errors.PermissionDenied} If its headers are not believed. */
  #check_peer(peer: Deno.Addr): void {
    if (this.#rules.trusts(peer)) return;
    throw new Deno.errors.PermissionDenied(
      "A connection was closed unread: it comes from none of the trusted_proxies, or from one on deny",
    );
  }

  #reject(error: Error, peer: Deno.Addr): void {
    this.rejected++;
    with_address(error, peer);
    this.#rules.rejected(client_fault(error), peer);
  }

  #end_wait(): PromiseWithResolvers<StreamSocket<A>> | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }
}

/** Reads the header, and has the connection be what it says; `false` if it ended before a byte came. */
async function read_header(socket: StreamSocket): Promise<boolean> {
  const parser = new ProxyHeaderParser();
  for (;;) {
    const bytes = await received(socket);
    if (bytes.length === 0) {
      if (parser.is_empty) return false;
      throw new Deno.errors.UnexpectedEof("The connection ended within its PROXY header");
    }
    const parsed = parser.feed(bytes);
    if (!parsed) continue;
    introduce(socket, parsed.header, parsed.rest);
    return true;
  }
}

/** What comes next; nothing at the end of the connection, be it by FIN or by reset. */
async function received(socket: StreamSocket): Promise<Uint8Array> {
  try {
    return await socket.recv(READ_SIZE);
  } catch (error) {
    if (is_client_gone(error)) return NOTHING;
    throw error;
  }
}

function too_late(timeout: number): Error {
  return new Deno.errors.TimedOut(
    `No whole PROXY header came within proxy_timeout = ${timeout} ms`,
  );
}
