import { setImmediate } from "node:timers/promises";
import {
  type DatagramListener,
  type DatagramRequest,
  DatagramSocket,
  UDPServer,
  type WorkerSender,
} from "@socketserver/socketserver";
import type { Addresses } from "./addresses.ts";
import { C, STRUCTS } from "./libc.ts";
import { LibcUser } from "./libc_user.ts";
import { Messages } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { Poller, type Wait } from "./poller.ts";
import { closed_error, system_error } from "./system_error.ts";
import { open_socket, type UDPSocketOptions } from "./udp_socket.ts";
import { worker_sender } from "./worker_sender.ts";

/** How many datagrams are received at once, at the most. */
const MAX_COUNT = 64;
/** No datagram is longer (RFC 768), in bytes. */
const LONGEST = 65_535;
/**
 * Datagrams share arrays of this size, in bytes, and longer ones have their own: who sends one to another thread sends the
 * whole array.
 */
const SHARED = 4096;
/** How many turns of the event loop are taken before another thread waits: to begin that costs as much as they do. */
const TURNS = 6;

/** What `accept()` gives. */
type Accepted = [DatagramRequest, Deno.NetAddr];

/** A UDP listener that receives and sends many datagrams with each call of the system. */
export class NativeDatagramListener implements DatagramListener<Deno.NetAddr> {
  readonly addr: Deno.NetAddr;
  readonly worker_sender: WorkerSender;
  #libc: LibcUser = new LibcUser();
  #fd: number;
  #is_inherited: boolean;
  #addresses: Addresses;
  #max: number;
  #messages: Messages;
  #outbox: Outbox;
  #replies: DatagramSocket;
  #poller: Poller;
  /** The wait in another thread. */
  #wait_there: Wait | undefined;
  /** How many are received at once. */
  #most: number;
  /** How many came, and how many of them were taken. */
  #count = 0;
  #taken = 0;
  /** The copies of those that came one after the other, in one array, and how much of it is used. */
  #copies: Uint8Array = new Uint8Array(0);
  #copied = 0;
  #waiter: PromiseWithResolvers<Accepted> | undefined;
  #waiting: Promise<void> | undefined;
  #is_wanted = true;
  #is_suspended = false;
  #is_retired = false;
  #closed: Promise<void> | undefined;
  /** Becomes 1 when it is closed: workers look at it. */
  #is_over = new Int32Array(new SharedArrayBuffer(4));

  /**
   * Binds at once.
   *
   * @throws {Deno.errors.NotSupported} Anywhere but on Linux on x86-64 or arm64.
   * @throws {Deno.errors.NotCapable} If a permission is missing.
   * @throws What `Deno.listenDatagram` throws.
   */
  constructor(options: UDPSocketOptions) {
    const libc = this.#libc;
    let poller: Poller | undefined;
    try {
      // First: a socket that is inherited must stay as it was where this fails.
      this.#poller = poller = Poller.join();
      const { fd, addr, addresses } = open_socket(libc, options);
      this.#fd = fd;
      this.addr = addr;
      this.#addresses = addresses;
    } catch (error) {
      poller?.leave();
      libc[Symbol.dispose]();
      throw error;
    }
    this.#is_inherited = (options.inherit ?? false) !== false;
    this.#max = options.max_packet_size;
    this.#most = Math.min(MAX_COUNT, options.backlog);
    // One byte more than a datagram may have, to know of those that have more.
    const size = Math.min(this.#max, LONGEST) + 1;
    this.#messages = new Messages(libc, this.#most, { size, count: this.#most });
    const { data } = this.#messages;
    for (let at = 0; at < this.#most; at++) {
      this.#messages.set_data(at, data.offset + at * data.stride, data.size);
    }
    this.#outbox = new Outbox(libc, this.#fd, this.#addresses, () => !this.#closed);
    this.#replies = new DatagramSocket(this.addr, this.#outbox);
    const { family } = this.#addresses;
    this.worker_sender = worker_sender({ fd: this.#fd, family, is_over: this.#is_over });
  }

  get closed(): boolean {
    return this.#closed !== undefined || (this.#is_retired && this.#taken === this.#count);
  }

  /** How many bytes may wait in the system, as it counts them: it doubles what it was asked for. */
  get receive_buffer(): number {
    return this.#libc.option(this.#fd, C.SO_RCVBUF);
  }

  accept(): Accepted | Promise<Accepted> {
    if (this.#taken === this.#count) {
      if (this.closed) return Promise.reject(closed_error());
      if (!this.#receive()) return this.#wait();
    }
    return this.#take();
  }

  send(data: Uint8Array, address: Deno.NetAddr): Promise<number> {
    return this.#outbox.send(data, address);
  }

  ref(): void {
    this.#is_wanted = true;
    this.#watch();
  }

  unref(): void {
    this.#is_wanted = false;
    this.#ring();
  }

  suspend(): void {
    this.#is_suspended = true;
    this.#ring();
  }

  resume(): void {
    this.#is_suspended = false;
    this.#watch();
  }

  pace(per_second: number): void {
    this.#most = Math.min(this.#messages.count, Math.max(1, Math.floor(per_second)));
  }

  retire(): boolean {
    if (!this.#is_inherited) return false;
    this.#is_retired = true;
    this.#ring();
    this.#waiter?.reject(closed_error());
    this.#waiter = undefined;
    return true;
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    // What was to be sent before this still goes out: it counts as closed only when this has returned.
    const sent = this.#outbox.end();
    this.#waiter?.reject(closed_error());
    this.#waiter = undefined;
    this.#count = this.#taken = 0;
    this.#ring();
    await this.#waiting;
    await sent;
    Atomics.store(this.#is_over, 0, 1);
    this.#poller.leave();
    this.#libc.functions.close(this.#fd);
    this.#libc[Symbol.dispose]();
    if (this.#messages.memory.is_intact && this.#outbox.is_intact) return;
    throw new Error("The system has written outside of the memory that it was given");
  }

  /** Receives what has come; gives whether that is anything. */
  #receive(): boolean {
    const messages = this.#messages;
    const { size } = STRUCTS.sockaddr_in6;
    for (let at = 0; at < this.#most; at++) messages.set_name_length(at, size);
    const first = messages.address_of(0);
    const { recvmmsg } = this.#libc.functions;
    const count = recvmmsg(this.#fd, first, this.#most, C.MSG_DONTWAIT, null);
    if (count < 0) return this.#failed(this.#libc.errno);
    this.#count = count;
    this.#taken = 0;
    return count > 0;
  }

  #failed(errno: number): false {
    if (errno === C.EAGAIN || errno === C.EINTR) return false;
    throw system_error(errno, "Cannot receive datagrams");
  }

  #take(): Accepted {
    const at = this.#taken++;
    const messages = this.#messages;
    const length = messages.length_of(at);
    const packet = this.#copy(at, length);
    const sender = this.#addresses.read(messages.memory, messages.name_at(at));
    const refusal = UDPServer.refusal_of(sender, length, this.addr, this.#max);
    if (refusal) throw refusal;
    return [[packet, this.#replies], sender];
  }

  #copy(at: number, length: number): Uint8Array {
    const { memory, data } = this.#messages;
    const offset = data.offset + at * data.stride;
    const packet = memory.bytes.subarray(offset, offset + length);
    if (length > SHARED) return packet.slice();
    if (this.#copied + length > this.#copies.length) {
      this.#copies = new Uint8Array(SHARED);
      this.#copied = 0;
    }
    const copy = this.#copies.subarray(this.#copied, this.#copied += length);
    copy.set(packet);
    return copy;
  }

  #wait(): Promise<Accepted> {
    this.#waiter = Promise.withResolvers();
    this.ref();
    return this.#waiter.promise;
  }

  /** Whether somebody waits for a datagram, and may have one. */
  get #is_waited_for(): boolean {
    return this.#waiter !== undefined && this.#is_wanted && !this.#is_suspended;
  }

  #watch(): void {
    if (this.#is_waited_for) this.#waiting ??= this.#wait_in_turns();
  }

  /** Waits as long as somebody does. */
  async #wait_in_turns(): Promise<void> {
    for (let turn = 0; this.#is_waited_for; turn++) {
      if (turn < TURNS) await setImmediate();
      else await this.#poll();
      if (this.#is_waited_for) this.#deliver();
    }
    this.#waiting = undefined;
  }

  async #poll(): Promise<void> {
    this.#wait_there = this.#poller.wait(this.#fd, C.POLLIN);
    await this.#wait_there.over;
    this.#wait_there = undefined;
  }

  /** Ends the waiting. */
  #ring(): void {
    this.#wait_there?.end();
  }

  #deliver(): void {
    const { resolve, reject } = this.#waiter!;
    try {
      if (!this.#receive()) return;
      resolve(this.#take());
    } catch (error) {
      reject(error);
    }
    this.#waiter = undefined;
  }
}
