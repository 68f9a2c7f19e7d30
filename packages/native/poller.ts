import { C, STRUCTS } from "./libc.ts";
import { LibcUser } from "./libc_user.ts";

const { pollfd } = STRUCTS;

/** How long one call of poll(2) waits at the most, in ms: a thread that is ended must be able to end. */
const MAX_WAIT = 1000;
/** How long, in ms, where it fails: it must not be asked again and again. */
const FAILED = 10;

/** A descriptor, and what is waited for. */
type Wanted = readonly [fd: number, events: number];

/** Somebody who waits for a descriptor. */
export interface Wait {
  /** Resolves when something has come, or the wait was ended and no call has the descriptor any more. */
  readonly over: Promise<void>;
  end(): void;
}

interface Waiting extends Wait {
  readonly wanted: Wanted;
  resolve(): void;
  is_ended: boolean;
}

/** The one of this thread, and how many use it. */
let poller: Poller | undefined;
let users = 0;

/**
 * Waits for descriptors in another thread, with one call for all of this thread: Deno has no more than 32 threads in
 * which it does that, and all that it does with files.
 */
export class Poller {
  #libc: LibcUser = new LibcUser();
  /** An eventfd(2) that ends the call under way. */
  #bell: number;
  #waits: Set<Waiting> = new Set();
  #is_running = false;
  #is_polling = false;

  /** The one of this thread; throws if there is no descriptor to be had for it. To be left after use. */
  static join(): Poller {
    poller ??= new Poller();
    users++;
    return poller;
  }

  private constructor() {
    const bell = this.#libc.functions.eventfd(0, C.EFD_CLOEXEC | C.EFD_NONBLOCK);
    try {
      this.#bell = this.#libc.check(bell, "Cannot wait for datagrams");
    } catch (error) {
      this.#libc[Symbol.dispose]();
      throw error;
    }
  }

  /** To be called once by each who has joined, when its waits are over. */
  leave(): void {
    if (--users > 0) return;
    poller = undefined;
    this.#libc.functions.close(this.#bell);
    this.#libc[Symbol.dispose]();
  }

  wait(...wanted: Wanted): Wait {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const end = () => {
      waiting.is_ended = true;
      this.#ring();
    };
    const waiting: Waiting = { wanted, over, resolve, end, is_ended: false };
    this.#waits.add(waiting);
    if (this.#is_running) this.#ring();
    else void this.#run();
    return waiting;
  }

  /** Waits as long as somebody does. */
  async #run(): Promise<void> {
    this.#is_running = true;
    const bell: Wanted = [this.#bell, C.POLLIN];
    while (this.#waits.size > 0) {
      const waits = [...this.#waits];
      this.#is_polling = true;
      const [is_rung, ...has_come] = await poll(this.#libc, [
        bell,
        ...waits.map(({ wanted }) => wanted),
      ]);
      this.#is_polling = false;
      if (is_rung) this.#libc.functions.eventfd_read(this.#bell, new BigUint64Array(1));
      waits.forEach((waiting, at) => {
        if (!has_come[at] && !waiting.is_ended) return;
        this.#waits.delete(waiting);
        waiting.resolve();
      });
    }
    this.#is_running = false;
  }

  #ring(): void {
    if (this.#is_polling) this.#libc.functions.eventfd_write(this.#bell, 1n);
  }
}

/**
 * Waits in another thread until something has come for any of some descriptors, or for some time; gives for which. What
 * it waits for is in memory of C's: when a thread of Deno's is ended, that is still there for a call under way.
 */
export async function poll(libc: LibcUser, wanted: readonly Wanted[]): Promise<boolean[]> {
  const { functions } = libc;
  const view = new DataView(new ArrayBuffer(pollfd.size * wanted.length));
  wanted.forEach(([fd, events], at) => {
    view.setInt32(at * pollfd.size + pollfd.fd, fd, true);
    view.setInt16(at * pollfd.size + pollfd.events, events, true);
  });
  const bytes = new Uint8Array(view.buffer);
  const size = BigInt(bytes.length);
  const memory = functions.malloc(size);
  if (memory === 0n) throw new RangeError("Cannot wait for a socket: out of memory");
  functions.copy_out(memory, bytes, size);
  const count = await functions.poll(memory, BigInt(wanted.length), MAX_WAIT);
  if (count > 0) functions.copy_in(bytes, memory, size);
  functions.free(memory);
  if (count < 0) await new Promise((resolve) => setTimeout(resolve, FAILED));
  return wanted.map((_, at) => view.getInt16(at * pollfd.size + pollfd.revents, true) !== 0);
}
