import { client_fault } from "../internal/runtime/client_fault.ts";
import { set_timer } from "../internal/runtime/timer.ts";
import type { ReaderSource } from "./reader_source.ts";

/** Reads on for a call of a reader that is half-way, and gives up when it has taken too long. */
export class ReadClock {
  #source: ReaderSource;
  #deadline: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #late = false;
  #reading = false;

  /**
   * @param source What it reads.
   * @param deadline How long the call may take from {@linkcode start} on, in ms.
   */
  constructor(source: ReaderSource, deadline: number) {
    this.#source = source;
    this.#deadline = deadline;
  }

  /** The first byte is there, and more is needed. Later calls change nothing. */
  start(): void {
    this.#timer ??= set_timer(this.#deadline, this.#ring);
  }

  /**
   * Reads the source once.
   *
   * @throws {Deno.errors.TimedOut} If it is too late. What comes then is for the next read.
   */
  async read(size: number): Promise<Uint8Array> {
    if (this.#late) throw this.#error();
    this.#reading = true;
    try {
      return await this.#source.read(size, true);
    } finally {
      this.#reading = false;
    }
  }

  /** The call has ended. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #ring = (): void => {
    this.#late = true;
    if (this.#reading) this.#source.give_up(this.#error());
  };

  #error(): Error {
    return client_fault(
      new Deno.errors.TimedOut(
        `What was to be read was not whole within the read_deadline of ${this.#deadline} ms`,
      ),
    );
  }
}
