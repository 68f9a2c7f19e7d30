import { Buffer } from "node:buffer";
import { client_fault } from "../../../internal/runtime/client_fault.ts";
import type { StreamSocket } from "../../../server/sockets/stream_socket.ts";

/** How much of a long frame is read at once, in bytes. */
const CHUNK = 65_536;

/** How much is read at once where nothing is half-read, in bytes: mostly a few short frames. */
const ROOM = 4096;

/** How long the length is that each frame begins with, in bytes. */
const HEAD = 4;

const EMPTY = new Uint8Array(0);

/** Told what becomes of what is sent. */
export interface FrameWatcher {
  /** Some of it has left. */
  sent(): void;
  /** Nothing more can be sent. */
  failed(error: unknown): void;
}

/** Frames over a connection, as Python's `multiprocessing.connection` has them: a length of 4 bytes, and so many bytes. */
export class FrameStream {
  readonly socket: StreamSocket;
  /** How long a frame may be that comes, in bytes. */
  limit: number;
  /** How many bytes have come. */
  arrived = 0;
  /** How many bytes have left, and how many wait to be sent. */
  left = 0;
  backlog = 0;
  /** Told what becomes of what is sent. */
  watcher: FrameWatcher | undefined;
  #waiting: Uint8Array[] = [];
  #is_sending = false;
  /** What comes while nothing is unread: memory of its own for each short frame would cost more than all else. */
  #room: Uint8Array = new Uint8Array(ROOM);
  #unread: Uint8Array[] = [];
  #length = 0;
  /** How long the frame is that comes, if that is known. */
  #awaited: number | undefined;

  /**
   * @param socket The connection.
   * @param limit How long a frame may be that comes, in bytes.
   */
  constructor(socket: StreamSocket, limit: number) {
    this.socket = socket;
    this.limit = limit;
  }

  /**
   * The next frame; `null` at the end. It is lent until the next one is asked for.
   *
   * @throws {Deno.errors.InvalidData} If it is too long.
   * @throws {Deno.errors.UnexpectedEof} If the input ends within it.
   */
  async receive(): Promise<Uint8Array | null> {
    for (;;) {
      const frame = this.received();
      if (frame) return frame;
      const bytes = this.#length === 0
        ? this.#room.subarray(0, await this.socket.read(this.#room) ?? 0)
        : await this.socket.recv(CHUNK);
      if (bytes.length > 0) this.#add(bytes);
      else if (this.#length === 0 && this.#awaited === undefined) return null;
      else throw client_fault(new Deno.errors.UnexpectedEof("The input ended within a frame"));
    }
  }

  /** The next frame, if all of it has come: lent until more is read. */
  received(): Uint8Array | undefined {
    if (this.#awaited === undefined) {
      if (this.#length < HEAD) return undefined;
      this.#awaited = this.#check(this.#take(HEAD));
    }
    if (this.#length < this.#awaited) return undefined;
    const frame = this.#take(this.#awaited);
    this.#awaited = undefined;
    return frame;
  }

  /**
   * Sends a frame, in its turn. Who reads hears of a failure.
   *
   * @param frame The frame; its first 4 bytes are left for its length.
   */
  send(frame: Buffer): void {
    frame.writeInt32BE(frame.length - HEAD);
    this.backlog += frame.length;
    if (frame.length <= CHUNK) this.#waiting.push(frame);
    else this.#waiting.push(...parts_of(frame));
    if (!this.#is_sending) void this.#send_all();
  }

  /** Sends some bytes as a frame. */
  send_bytes(bytes: Uint8Array): void {
    const frame = Buffer.alloc(HEAD + bytes.length);
    frame.set(bytes, HEAD);
    this.send(frame);
  }

  /** Nothing is sent or comes any more. */
  close(): void {
    this.#waiting = [];
    this.socket.close();
  }

  async #send_all(): Promise<void> {
    this.#is_sending = true;
    try {
      for (let part; (part = this.#waiting.shift());) {
        const length = await this.socket.write(part);
        this.backlog -= length;
        this.left += length;
        this.watcher?.sent();
      }
    } catch (error) {
      this.watcher?.failed(error);
    } finally {
      this.#is_sending = false;
    }
  }

  #check(head: Uint8Array): number {
    const length = head[0]! << 24 | head[1]! << 16 | head[2]! << 8 | head[3]!;
    if (length >= 0 && length <= this.limit) return length;
    const message = `A frame of ${length} bytes came, and at most ${this.limit} are taken`;
    throw client_fault(new Deno.errors.InvalidData(message));
  }

  #add(bytes: Uint8Array): void {
    this.arrived += bytes.length;
    this.#unread.push(bytes);
    this.#length += bytes.length;
  }

  /** Takes so many bytes, which are there. */
  #take(length: number): Uint8Array {
    const unread = this.#unread;
    const whole = unread.length > 1 ? joined(unread, this.#length) : unread[0] ?? EMPTY;
    this.#unread = whole.length > length ? [whole.subarray(length)] : [];
    this.#length -= length;
    return whole.subarray(0, length);
  }
}

/** Not as a `Buffer`, whose `slice()` copies nothing. */
function joined(parts: Uint8Array[], length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.concat(parts, length);
  return new Uint8Array(buffer, byteOffset, length);
}

/** A long frame in parts: that one of them has left shows that the other side takes some. */
function parts_of(frame: Uint8Array): Uint8Array[] {
  const count = Math.ceil(frame.length / CHUNK);
  return Array.from({ length: count }, (_, at) => frame.subarray(at * CHUNK, (at + 1) * CHUNK));
}
