import { STRUCTS } from "./libc.ts";
import type { LibcUser } from "./libc_user.ts";

const { pollfd } = STRUCTS;

/** How long one call of poll(2) waits at the most, in ms: a thread that is ended must be able to end. */
const MAX_WAIT = 1000;
/** How long, in ms, where it fails: it must not be asked again and again. */
const FAILED = 10;

/**
 * Waits for descriptors in another thread. What it waits for is written into memory of C's: when a thread of
 * Deno's is ended, that is still there for a call under way.
 */
export class Poller {
  #libc: LibcUser;
  #count: bigint;
  #memory: bigint;

  /** @param wanted Descriptors, each with what is waited for. */
  constructor(libc: LibcUser, wanted: readonly [fd: number, events: number][]) {
    const { functions } = this.#libc = libc;
    const size = pollfd.size * wanted.length;
    const view = new DataView(new ArrayBuffer(size));
    wanted.forEach(([fd, events], at) => {
      view.setInt32(at * pollfd.size + pollfd.fd, fd, true);
      view.setInt16(at * pollfd.size + pollfd.events, events, true);
    });
    this.#count = BigInt(wanted.length);
    this.#memory = functions.malloc(BigInt(size));
    if (this.#memory === 0n) throw new RangeError("Cannot wait for a socket: out of memory");
    functions.copy_out(this.#memory, new Uint8Array(view.buffer), BigInt(size));
  }

  /** Resolves when something has come, or nothing for some time. */
  async wait(): Promise<void> {
    const { poll } = this.#libc.functions;
    if (await poll(this.#memory, this.#count, MAX_WAIT) >= 0) return;
    await new Promise((resolve) => setTimeout(resolve, FAILED));
  }

  /** To be called when no call is under way. */
  free(): void {
    this.#libc.functions.free(this.#memory);
  }
}
