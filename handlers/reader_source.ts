import {
  give_up,
  read_by,
  receive,
  StreamSocket,
  type Unread,
} from "../server/sockets/stream_socket.ts";

/** Where a reader has its bytes from. */
export interface ReaderSource {
  /** Gives at most `size` bytes, none at the end; `midway` says that something is half-read. */
  read(size: number, midway: boolean): Promise<Uint8Array>;
  /** Rejects the read that waits. What it would have brought comes with the next one. */
  give_up(error: Error): void;
}

/** A source of what `reader` can read. */
export function reader_source_of(
  source: Pick<Deno.Conn, "read">,
  reader: Unread,
): ReaderSource {
  if (!(source instanceof StreamSocket)) return new PlainSource(source);
  read_by(source, reader);
  return new SocketSource(source);
}

/** A connection of this library, which keeps what comes for nobody. */
class SocketSource implements ReaderSource {
  #socket: StreamSocket;

  constructor(socket: StreamSocket) {
    this.#socket = socket;
  }

  read(size: number, midway: boolean): Promise<Uint8Array> {
    return receive(this.#socket, size, midway);
  }

  give_up(error: Error): void {
    give_up(this.#socket, error);
  }
}

/** Anything with a `read()`. A read of it goes on when it is given up: there is no taking it back. */
class PlainSource implements ReaderSource {
  #source: Pick<Deno.Conn, "read">;
  #reading: Promise<Uint8Array> | undefined;
  /** The read that was given up: the next one takes what it brings. */
  #left: Promise<Uint8Array> | undefined;
  #reject: ((error: Error) => void) | undefined;

  constructor(source: Pick<Deno.Conn, "read">) {
    this.#source = source;
  }

  read(size: number): Promise<Uint8Array> {
    const reading = this.#reading = this.#left ?? this.#read(size);
    this.#left = undefined;
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      reading.then(resolve, reject);
    });
  }

  give_up(error: Error): void {
    this.#left = this.#reading;
    this.#reject!(error);
  }

  async #read(size: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(size);
    const count = await this.#source.read(bytes) ?? 0;
    // A short array would keep the whole one in memory.
    return count < size ? bytes.slice(0, count) : bytes;
  }
}

/** Bytes that are there already have nothing behind them. */
export const NO_SOURCE: ReaderSource = {
  read: () => Promise.resolve(new Uint8Array(0)),
  give_up: () => {},
};
