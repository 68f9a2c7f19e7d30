import { STRUCTS } from "./libc.ts";
import type { LibcUser } from "./libc_user.ts";
import { Memory, type Region } from "./memory.ts";

const { mmsghdr, iovec, sockaddr_in6 } = STRUCTS;

/** How many words of 32 bits a structure has, and where in it a member is. */
const HEADER = mmsghdr.size / 4;
const NAME_LENGTH = mmsghdr["msg_hdr.msg_namelen"] / 4;
const LENGTH = mmsghdr.msg_len / 4;
const VECTOR = iovec.size / 4;
const BASE = iovec.iov_base / 4;
const SIZE = iovec.iov_len / 4;
const WORD = 2 ** 32;

/** What recvmmsg(2) and sendmmsg(2) take: messages, each with an address and a piece of data. */
export class Messages {
  readonly memory: Memory;
  readonly count: number;
  /** Where the data may be. */
  readonly data: Region;
  /** Where the addresses are. */
  readonly names: Region;
  #headers_at: number;
  #vectors_at: number;

  /**
   * @param libc Gives addresses.
   * @param count How many messages there are.
   * @param data How many pieces of data there may be, and how long they are.
   */
  constructor({ functions }: LibcUser, count: number, data: { size: number; count: number }) {
    this.count = count;
    this.memory = new Memory(functions, [
      { size: mmsghdr.size * count, count: 1 },
      { size: iovec.size * count, count: 1 },
      { size: sockaddr_in6.size, count },
      data,
    ]);
    const [headers, vectors, names, pieces] = this.memory.regions as [
      Region,
      Region,
      Region,
      Region,
    ];
    this.names = names;
    this.data = pieces;
    this.#headers_at = headers.offset / 4;
    this.#vectors_at = vectors.offset / 4;
    const pointers = new BigUint64Array(this.memory.bytes.buffer);
    const { address } = this.memory;
    for (let at = 0; at < count; at++) {
      const header = (headers.offset + at * mmsghdr.size) / 8;
      pointers[header + mmsghdr["msg_hdr.msg_name"] / 8] = address + BigInt(this.name_at(at));
      pointers[header + mmsghdr["msg_hdr.msg_iov"] / 8] = address +
        BigInt(vectors.offset + at * iovec.size);
      pointers[header + mmsghdr["msg_hdr.msg_iovlen"] / 8] = 1n;
    }
  }

  /** The address of a message. */
  address_of(at: number): bigint {
    return this.memory.address + BigInt(this.#headers_at * 4 + at * mmsghdr.size);
  }

  /** Where the address of a message is. */
  name_at(at: number): number {
    return this.names.offset + at * this.names.stride;
  }

  /** Sets how long the address of a message is, or may be. */
  set_name_length(at: number, length: number): void {
    this.memory.words[this.#headers_at + at * HEADER + NAME_LENGTH] = length;
  }

  /** Sets where the data of a message is, and how long it is, or may be. */
  set_data(at: number, offset: number, size: number): void {
    const { words, address } = this.memory;
    const place = Number(address) + offset;
    const vector = this.#vectors_at + at * VECTOR;
    words[vector + BASE] = place % WORD;
    words[vector + BASE + 1] = Math.floor(place / WORD);
    words[vector + SIZE] = size;
  }

  /** How long a message was that came. */
  length_of(at: number): number {
    return this.memory.words[this.#headers_at + at * HEADER + LENGTH]!;
  }
}
