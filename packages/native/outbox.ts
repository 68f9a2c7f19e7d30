import dns from "node:dns";
import type { DatagramSender } from "@socketserver/socketserver";
import type { Addresses } from "./addresses.ts";
import { C } from "./libc.ts";
import type { LibcUser } from "./libc_user.ts";
import { Messages } from "./messages.ts";
import { check_net } from "./net_permission.ts";
import { poll } from "./poller.ts";
import { closed_error, system_error } from "./system_error.ts";

/** How many datagrams go together at the most, and how many bytes they have. */
const MAX_COUNT = 64;
const ROOM = 131_072;
/** No datagram is longer (RFC 768): the system says so too of some that are shorter. */
const MAX_LENGTH = 65_535;
/** Where each begins: at a multiple of this. */
const ALIGNMENT = 8;

/** A datagram that waits to be sent: who waits for that. */
interface Sending {
  address: Deno.NetAddr;
  length: number;
  resolve(length: number): void;
  reject(error: Error): void;
}

/** Sends the datagrams of one turn together: those whose sending begins before others have their say. */
export class Outbox implements DatagramSender<Deno.NetAddr> {
  #libc: LibcUser;
  #fd: number;
  #addresses: Addresses;
  #is_open: () => boolean;
  #messages: Messages;
  #sendings: Sending[] = [];
  /** How many of them are sent, or failed. */
  #done = 0;
  #used = 0;
  /** Whether the first of them has failed once: with an error that may be that of an earlier datagram. */
  #tried = false;
  /** While the system has no room. */
  #blocked: Promise<void> | undefined;

  /**
   * @param libc The C library.
   * @param fd The socket, which somebody else closes.
   * @param addresses Writes its addresses.
   * @param is_open Whether it is not closed yet.
   */
  constructor(libc: LibcUser, fd: number, addresses: Addresses, is_open: () => boolean) {
    this.#libc = libc;
    this.#fd = fd;
    this.#addresses = addresses;
    this.#is_open = is_open;
    this.#messages = new Messages(libc, MAX_COUNT, { size: ROOM, count: 1 });
  }

  /** Whether nothing was written outside of its memory. */
  get is_intact(): boolean {
    return this.#messages.memory.is_intact;
  }

  send(data: Uint8Array, address: Deno.NetAddr): Promise<number> {
    try {
      if (!this.#is_open()) throw closed_error();
      check_port(address);
      check_net(address);
      if (data.length > MAX_LENGTH) {
        throw system_error(C.EMSGSIZE, `Cannot send ${data.length} bytes`);
      }
      return this.#blocked ? this.#send_later(data.slice(), address) : this.#put(data, address);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends what waits; resolves when the system has had room for it, or the socket is closed. */
  async end(): Promise<void> {
    this.#flush();
    while (this.#blocked) await this.#blocked;
  }

  #put(data: Uint8Array, address: Deno.NetAddr): Promise<number> {
    const { length } = data;
    const is_full = this.#sendings.length === MAX_COUNT || this.#used + length > ROOM;
    if (is_full) {
      this.#flush();
      if (this.#blocked) return this.#send_later(data.slice(), address);
    }
    const messages = this.#messages;
    const at = this.#sendings.length;
    const name_length = this.#addresses.write(address, messages.memory, messages.name_at(at));
    if (name_length === 0) return this.#send_to_name(data.slice(), address);
    messages.set_name_length(at, name_length);
    const offset = messages.data.offset + this.#used;
    messages.memory.bytes.set(data, offset);
    messages.set_data(at, offset, length);
    this.#used += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    if (at === 0) queueMicrotask(this.#flush);
    return new Promise((resolve, reject) =>
      this.#sendings.push({ address, length, resolve, reject })
    );
  }

  async #send_later(data: Uint8Array, address: Deno.NetAddr): Promise<number> {
    while (this.#blocked) await this.#blocked;
    return await this.send(data, address);
  }

  async #send_to_name(data: Uint8Array, address: Deno.NetAddr): Promise<number> {
    const hostname = await ip_of(address, this.#addresses.family);
    return await this.send(data, { ...address, hostname });
  }

  #flush = (): void => {
    if (this.#blocked) return;
    const sendings = this.#sendings;
    while (this.#done < sendings.length) {
      const first = this.#messages.address_of(this.#done);
      const flags = C.MSG_DONTWAIT | C.MSG_NOSIGNAL;
      const count = sendings.length - this.#done;
      const sent = this.#libc.functions.sendmmsg(this.#fd, first, count, flags);
      if (sent > 0) this.#sent(sent);
      else if (!this.#overcome(this.#libc.errno)) return;
    }
    this.#sendings = [];
    this.#done = this.#used = 0;
  };

  #sent(count: number): void {
    for (const end = this.#done + count; this.#done < end; this.#done++) {
      const { resolve, length } = this.#sendings[this.#done]!;
      resolve(length);
    }
    this.#tried = false;
  }

  /** Does what an error asks for; gives whether to go on at once. */
  #overcome(errno: number): boolean {
    if (errno === C.EINTR) return true;
    if (errno === C.EAGAIN && this.#is_open()) {
      this.#blocked = this.#wait_for_room();
      return false;
    }
    // What a connected socket hears of an earlier datagram it says once, and then sends.
    if (errno === C.ECONNREFUSED && !this.#tried) return this.#tried = true;
    const { reject, address } = this.#sendings[this.#done++]!;
    reject(send_error(errno, address));
    this.#tried = false;
    return true;
  }

  async #wait_for_room(): Promise<void> {
    await poll(this.#libc, [[this.#fd, C.POLLOUT]]);
    this.#blocked = undefined;
    this.#flush();
  }
}

function send_error(errno: number, { hostname, port }: Deno.NetAddr): Error {
  // The system says so of broadcasts only.
  const why = errno === C.EACCES ? ", a broadcast address, as broadcast is false" : "";
  return system_error(errno, `Cannot send to ${hostname} port ${port}${why}`);
}

/** @throws {RangeError} If the port is 0, which nobody can have. */
function check_port({ hostname, port }: Deno.NetAddr): void {
  if (port !== 0) return;
  throw new RangeError(`Cannot send to port 0 of "${hostname}": it must be a whole number from 1`);
}

/** Looks a name up. For an IPv6 socket a name that has only an IPv4 address gives that. */
function ip_of(address: Deno.NetAddr, family: number): Promise<string> {
  if (family === C.AF_INET) return look_up(address, 4);
  return look_up(address, 6).catch(() => look_up(address, 4));
}

/** Says the port, too, which `node:dns/promises` does not take: otherwise Deno wants the permission for all ports. */
function look_up({ hostname, port }: Deno.NetAddr, family: 4 | 6): Promise<string> {
  const options = { family, port };
  return new Promise((resolve, reject) =>
    dns.lookup(hostname, options, (error, ip) => error ? reject(error) : resolve(ip))
  );
}
