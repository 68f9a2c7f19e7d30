/** The size of each, in bytes. */
const SIZE = 65_536;
/** How many a thread lends at once: a reader that waits for long may hold one for as long. */
const MAX_LENT = 256;
/** How many are kept for later. */
const MAX_KEPT = 16;

/**
 * The large read buffers of a thread. The connections share them, so that the memory for reading is
 * bounded however many wait.
 */
class LargeBuffers {
  #lent = 0;
  #kept: Uint8Array[] = [];

  /** Lends one, with old bytes in it; `undefined` if too many are lent already. */
  lend(): Uint8Array | undefined {
    if (this.#lent === MAX_LENT) return undefined;
    this.#lent++;
    return this.#kept.pop() ?? new Uint8Array(SIZE);
  }

  /** Takes one back, if it was lent. */
  take_back(buffer: Uint8Array | undefined): void {
    if (!buffer) return;
    this.#lent--;
    if (this.#kept.length < MAX_KEPT) this.#kept.push(buffer);
  }
}

export const large_buffers: LargeBuffers = new LargeBuffers();
