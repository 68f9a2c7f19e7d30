/** How much is allocated at once, in bytes. */
const SLAB = 65_536;
/** Longer arrays are allocated for themselves, in bytes. */
const MAX_POOLED = 4096;

/**
 * Copies bytes into parts of larger arrays, as Node.js does for its buffers. Each small array of its
 * own would cost more than to send it: its memory moves when the system is given it, and the garbage
 * collector follows each one.
 */
export class BytePool {
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** A copy of the bytes. */
  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > MAX_POOLED) return bytes.slice();
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB);
      this.#used = 0;
    }
    const copy = this.#slab.subarray(this.#used, this.#used += length);
    copy.set(bytes);
    return copy;
  }
}
