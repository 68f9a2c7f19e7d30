import type { Functions } from "./libc.ts";

/** How many bytes there are at least before and after each buffer, which nobody may change. */
const GUARD = 64;
/** What they are. */
const MARK = 0xa5;

/** Buffers of one size, with as many bytes from one to the next. */
export interface Region {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
  readonly stride: number;
}

/**
 * Memory that the system reads and writes by its address. It is one array, so that what keeps this object keeps
 * all of it; and one of more than 64 bytes, as V8 moves smaller ones. Between the buffers there are guards,
 * which show if something was written outside.
 */
export class Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
  /** Where it is. */
  readonly address: bigint;
  readonly regions: readonly Region[];

  /**
   * @param functions Gives the address.
   * @param wanted How many buffers, of how many bytes; each begins at a multiple of 64.
   */
  constructor(functions: Functions, wanted: readonly { size: number; count: number }[]) {
    let end = GUARD;
    this.regions = wanted.map(({ size, count }) => {
      const stride = Math.ceil((size + GUARD) / GUARD) * GUARD;
      const region = { offset: end, size, count, stride };
      end += stride * count;
      return region;
    });
    const buffer = new ArrayBuffer(end);
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.address = functions.address_of(this.bytes, this.bytes, 0n);
    for (const guard of this.#guards()) guard.fill(MARK);
  }

  /** Whether all guards are as they were. */
  get is_intact(): boolean {
    return this.#guards().every((guard) => guard.every((byte) => byte === MARK));
  }

  *#guards(): Generator<Uint8Array> {
    yield this.bytes.subarray(0, GUARD);
    for (const { offset, size, count, stride } of this.regions) {
      for (let at = offset; at < offset + count * stride; at += stride) {
        yield this.bytes.subarray(at + size, at + stride);
      }
    }
  }
}
