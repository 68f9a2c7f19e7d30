import { BytePool } from "../server/sockets/byte_pool.ts";

/** The most memory that an array from here may share with its neighbours, in bytes. */
const MAX_SHARED = 4096;
/** How small and how large the blocks are that short arrays are collected in, in bytes. */
const MIN_BLOCK = 64;
const MAX_BLOCK = 8192;

const EMPTY = new Uint8Array(0);

/**
 * What has come and is not read yet, in blocks. It takes little more memory than it has bytes: a single
 * array would be copied to a larger one again and again, and leave holes in the memory that others have.
 */
export class InputBuffer {
  /** Full blocks, the oldest first. */
  #blocks: Uint8Array[] = [];
  /** The newest block: it is filled up to `#end`. */
  #last: Uint8Array;
  #end: number;
  /** Whether that is the buffer's own, to be given away. */
  #is_own = false;
  /** Where the oldest block is read from. */
  #start = 0;
  #length: number;
  /** Where what is taken is put, while more of it is there. */
  #pool: BytePool | undefined;

  /** @param bytes Bytes that are there already. */
  constructor(bytes: Uint8Array = EMPTY) {
    this.#last = bytes;
    this.#end = this.#length = bytes.length;
  }

  /** How many bytes wait. */
  get length(): number {
    return this.#length;
  }

  /** Adds an array, which belongs to the buffer from then on. */
  add(chunk: Uint8Array): void {
    if (this.#length === 0) {
      this.#last = chunk;
      this.#end = chunk.length;
      this.#is_own = true;
    } else {
      const rest = this.#fill(chunk);
      if (rest.length > 0) this.#begin_block(rest);
    }
    this.#length += chunk.length;
  }

  /** The place of `wanted`, from `from` on; -1 if it is not there. */
  index_of(wanted: Uint8Array, from: number): number {
    if (this.#blocks.length === 0 && wanted.length === 1) {
      const at = this.#last.indexOf(wanted[0]!, this.#start + from);
      return at < this.#end ? Math.max(-1, at - this.#start) : -1;
    }
    // Mostly only the newest block is new.
    let index = this.#blocks.length;
    let base = this.#length - this.#block(index).length;
    while (base > from) base -= this.#block(--index).length;
    for (; index <= this.#blocks.length; index++) {
      const block = this.#block(index);
      let at = block.indexOf(wanted[0]!, Math.max(0, from - base));
      for (; at >= 0; at = block.indexOf(wanted[0]!, at + 1)) {
        if (this.#is_at(wanted, index, at)) return base + at;
      }
      base += block.length;
    }
    return -1;
  }

  /** Takes bytes out, into an array of the caller's own. */
  take(count: number): Uint8Array {
    const taken = this.#copy(count);
    this.#length -= count;
    this.#start += count;
    while (this.#blocks.length > 0 && this.#start >= this.#blocks[0]!.length) {
      this.#start -= this.#blocks.shift()!.length;
    }
    if (this.#length === 0) this.#clear();
    return taken;
  }

  /** Takes all out. */
  take_unread(): Uint8Array {
    return this.take(this.#length);
  }

  /** A copy of the first bytes, which stay. */
  show(count: number): Uint8Array {
    return this.#gather(Math.min(count, this.#length));
  }

  /** Gives back memory that what waits does not need: it may wait for long. */
  trim(): void {
    this.#pool = undefined;
    if (this.#start < MAX_BLOCK) return;
    const block = this.#block(0).slice();
    this.#start = 0;
    if (this.#blocks.length > 0) {
      this.#blocks[0] = block;
    } else {
      this.#last = block;
      this.#end = block.length;
    }
  }

  /** How much waits in the oldest block. */
  get #block_length(): number {
    return (this.#blocks[0]?.length ?? this.#end) - this.#start;
  }

  /** What waits in a block, of which the newest is the last. */
  #block(index: number): Uint8Array {
    const start = index === 0 ? this.#start : 0;
    const block = this.#blocks[index];
    return block ? block.subarray(start) : this.#last.subarray(start, this.#end);
  }

  /** Whether `wanted` is at this place of a block, and goes on in the next ones. */
  #is_at(wanted: Uint8Array, index: number, at: number): boolean {
    let block = this.#block(index);
    for (const byte of wanted) {
      for (; at >= block.length; block = this.#block(index)) {
        at -= block.length;
        if (++index > this.#blocks.length) return false;
      }
      if (block[at++] !== byte) return false;
    }
    return true;
  }

  /** Puts into the newest block what it has room for, and gives the rest. */
  #fill(chunk: Uint8Array): Uint8Array {
    const room = this.#last.length - this.#end;
    if (room === 0) return chunk;
    const part = chunk.subarray(0, room);
    this.#last.set(part, this.#end);
    this.#end += part.length;
    return chunk.subarray(room);
  }

  #begin_block(bytes: Uint8Array): void {
    const size = Math.min(Math.max(this.#length, MIN_BLOCK), MAX_BLOCK);
    this.#blocks.push(this.#last);
    this.#end = bytes.length;
    if (bytes.length >= size) {
      this.#last = bytes;
    } else {
      this.#last = new Uint8Array(size);
      this.#last.set(bytes);
    }
  }

  /** Whether that many are just what has come at once, as a line or a message mostly does. */
  #is_whole(count: number): boolean {
    const has_one = this.#blocks.length === 0 && this.#start === 0 && this.#is_own;
    return has_one && count === this.#end && count === this.#last.length;
  }

  #copy(count: number): Uint8Array {
    if (this.#is_whole(count)) return this.#last;
    const left = this.#length - count;
    if (left === 0 || count > MAX_SHARED || this.#block_length < count) return this.#gather(count);
    this.#pool ??= new BytePool();
    const bytes = (this.#blocks[0] ?? this.#last).subarray(this.#start, this.#start + count);
    return this.#pool.copy(bytes, Math.min(count + left, MAX_SHARED));
  }

  #gather(count: number): Uint8Array {
    if (this.#block_length >= count) {
      return (this.#blocks[0] ?? this.#last).slice(this.#start, this.#start + count);
    }
    const all = new Uint8Array(count);
    let at = 0;
    for (let index = 0; at < count; index++) {
      const part = this.#block(index).subarray(0, count - at);
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #clear(): void {
    if (this.#blocks.length > 0) this.#blocks = [];
    this.#last = EMPTY;
    this.#start = this.#end = 0;
    this.#pool = undefined;
  }
}
