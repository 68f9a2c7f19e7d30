/** How much is allocated at once, in bytes. */
const SLAB = 65_536;
/** Packets share arrays of this size, in bytes: who sends one to another thread sends the whole array. */
export const PACKETS = 4096;
/** Longer arrays are allocated for themselves, in bytes. */
const MAX_POOLED = 4096;
/** The most bytes of UTF-8 that one unit of a string becomes. */
const MAX_UTF8 = 3;

const ENCODER = new TextEncoder();
const EMPTY = new Uint8Array(0);

/**
 * Puts bytes into parts of larger arrays, as Node.js does for its buffers. Each small array of its own
 * would cost more than to send it: its memory moves when the system is given it, and the garbage
 * collector follows each one.
 */
export class BytePool {
  #slab: Uint8Array = EMPTY;
  #used = 0;

  /**
   * A copy of the bytes.
   *
   * @param bytes The bytes.
   * @param ahead How much will be asked for soon, these bytes included: no more is allocated.
   */
  copy(bytes: Uint8Array, ahead = SLAB): Uint8Array {
    const { length } = bytes;
    if (length > MAX_POOLED) return bytes.slice();
    const copy = this.#take(length, ahead);
    copy.set(bytes);
    return copy;
  }

  /** Text in UTF-8. */
  encode(text: string): Uint8Array {
    const most = text.length * MAX_UTF8;
    if (most > MAX_POOLED) return ENCODER.encode(text);
    const room = this.#room(most, SLAB);
    const { written } = ENCODER.encodeInto(text, room);
    this.#used += written;
    return room.subarray(0, written);
  }

  /**
   * The bytes that a text has one character each for.
   *
   * @param text The text.
   * @param ahead How much is allocated at once, at the most, for these bytes and the next.
   */
  spell(text: string, ahead: number): Uint8Array {
    const bytes = this.#take(text.length, ahead);
    for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
    return bytes;
  }

  #take(length: number, ahead: number): Uint8Array {
    const room = this.#room(length, ahead);
    this.#used += length;
    return room;
  }

  #room(length: number, ahead: number): Uint8Array {
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(length, Math.min(ahead, SLAB)));
      this.#used = 0;
    }
    return this.#slab.subarray(this.#used, this.#used + length);
  }
}
