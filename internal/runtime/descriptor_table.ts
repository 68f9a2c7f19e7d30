/** How many descriptors there is room for. Memory that is not used is not taken from the system. */
const SIZE = 2 ** 20;

/**
 * Says, in shared memory, which connections a thread has. When a thread ends, in whatever way, Deno leaves the
 * descriptors of Unix sockets open for ever, and so those of `open_descriptor()`: their clients would
 * wait for an end that never comes. The server closes what is left.
 *
 * A number belongs to one thread at a time: from when it is sent there, until that closes it, or it is taken back.
 */
export class DescriptorTable {
  readonly memory: SharedArrayBuffer;
  #open: Uint8Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(SIZE)) {
    this.memory = memory;
    this.#open = new Uint8Array(memory);
  }

  /** The thread has a connection: it was sent there, or is opened there (server, worker). */
  opened(fd: number): void {
    if (fd < SIZE) Atomics.store(this.#open, fd, 1);
  }

  /**
   * It has it no more (server, worker). It says so before it closes it: once it has, the number may be another
   * connection's.
   */
  closing(fd: number): void {
    if (fd < SIZE) Atomics.store(this.#open, fd, 0);
  }

  /** What is open still; to be asked when the thread has ended (server). */
  *left(): Generator<number> {
    for (let fd = -1; (fd = this.#open.indexOf(1, fd + 1)) >= 0;) yield fd;
  }
}
