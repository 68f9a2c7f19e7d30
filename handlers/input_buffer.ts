import { BytePool } from "../server/sockets/byte_pool.ts";

/** The most memory that an array from here may share with its neighbours, in bytes. */
const MAX_SHARED = 4096;
/** How much may be held beyond what waits and a quarter more, in bytes: less is not worth a copy. */
const SLACK = 4096;

const EMPTY = new Uint8Array(0);

/** What has come and is not read yet. It takes little more memory than it has bytes. */
export class InputBuffer {
  /** What waits is `#bytes.subarray(#start, #end)`. */
  #bytes: Uint8Array;
  #start = 0;
  #end: number;
  /** Where what is taken is put, while more of it is there. */
  #pool: BytePool | undefined;

  /** @param bytes Bytes that are there already. */
  constructor(bytes: Uint8Array = EMPTY) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** How many bytes wait. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** How many bytes a line has that is there; 0 if none is. */
  line_length(): number {
    const length = this.#bytes.indexOf(10, this.#start) + 1 - this.#start;
    return length <= this.length ? Math.max(0, length) : 0;
  }

  /** The place of `wanted`, from `from` on; -1 if it is not there. */
  index_of(wanted: Uint8Array, from: number): number {
    const bytes = this.#bytes.subarray(this.#start, this.#end);
    const first = wanted[0]!;
    for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
      if (wanted.every((byte, offset) => bytes[at + offset] === byte)) return at;
    }
    return -1;
  }

  /** Adds an array, which belongs to the buffer from then on. */
  add(chunk: Uint8Array): void {
    if (this.length === 0) {
      this.#bytes = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    if (this.#end + chunk.length > this.#bytes.length) this.#make_room(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Takes bytes out, into an array of the caller's own. */
  take(count: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.#start, this.#start + count);
    const left = this.length - count;
    if (left > 0) {
      this.#start += count;
      this.#pool ??= new BytePool();
      return this.#pool.copy(bytes, Math.min(count + left, MAX_SHARED));
    }
    this.#bytes = EMPTY;
    this.#start = this.#end = 0;
    this.#pool = undefined;
    return bytes.slice();
  }

  /** A copy of the first bytes, which stay. */
  show(count: number): Uint8Array {
    return this.#bytes.slice(this.#start, Math.min(this.#start + count, this.#end));
  }

  /** Gives back memory that what waits does not need: it may wait for long. */
  trim(): void {
    this.#pool = undefined;
    if (this.#bytes.buffer.byteLength > this.length * 1.25 + SLACK) this.#move(this.length);
  }

  #make_room(more: number): void {
    const { length } = this;
    // Some for later, so that a block of many small parts is not copied for each.
    const spare = more < length / 4 ? length >> 2 : 0;
    this.#move(length + more + spare);
  }

  #move(size: number): void {
    const { length } = this;
    const room = new Uint8Array(size);
    room.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = room;
    this.#start = 0;
    this.#end = length;
  }
}
