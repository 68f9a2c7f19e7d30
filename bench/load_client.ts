import type { LoadWindow } from "./load_window.ts";

const READ_SIZE = 65_536;
const NEWLINE = 10;
/** The bit in which letters of lower case differ from those of upper case. */
const LOWER_CASE = 0x20;

/** What a client sends and what it takes for a reply. */
export interface Talk {
  /** A line in lower case. */
  message: Uint8Array;
  /** How many messages are under way. */
  pipeline: number;
  /** Whether each reply is the message again, maybe in upper case, or else any line. */
  echoes: boolean;
}

/** One connection of the load generator. */
export class LoadClient {
  #conn: Deno.TcpConn;
  #talk: Talk;
  #window: LoadWindow;
  #buffer = new Uint8Array(READ_SIZE);
  /** When each message under way started, the oldest first. */
  #started: number[] = [];
  /** How many bytes of the reply to the oldest message have come. */
  #received = 0;

  constructor(conn: Deno.TcpConn, talk: Talk, window: LoadWindow) {
    this.#conn = conn;
    this.#talk = talk;
    this.#window = window;
    conn.setNoDelay(true);
  }

  /** Sends messages as replies come, until the window closes and the last reply is there. */
  async converse(): Promise<void> {
    await this.#send(this.#talk.pipeline);
    while (this.#started.length > 0) {
      const replies = this.#take(await this.#receive());
      for (const started of this.#started.splice(0, replies)) this.#window.record(started);
      if (replies > 0 && this.#window.open) await this.#send(replies);
    }
  }

  /** Sends one message and takes its reply, then both sides close. */
  async request(started: number): Promise<void> {
    await this.#send(1);
    while (this.#take(await this.#receive()) === 0);
    await this.#conn.closeWrite();
    if (await this.#conn.read(this.#buffer) !== null) throw new Error("More than a reply came");
    this.#window.record(started);
  }

  async #send(count: number): Promise<void> {
    const { message } = this.#talk;
    const data = new Uint8Array(count * message.length);
    for (let n = 0; n < count; n++) {
      data.set(message, n * message.length);
      this.#started.push(performance.now());
    }
    for (let sent = 0; sent < data.length;) sent += await this.#conn.write(data.subarray(sent));
  }

  async #receive(): Promise<Uint8Array> {
    const count = await this.#conn.read(this.#buffer);
    if (count === null) throw new Error("The server closed a connection without a reply");
    return this.#buffer.subarray(0, count);
  }

  /** Checks some bytes; returns how many replies they complete. */
  #take(data: Uint8Array): number {
    if (this.#talk.echoes) this.#check(data);
    const replies = data.reduce((count, byte) => count + Number(byte === NEWLINE), 0);
    if (replies > this.#started.length) throw new Error("More replies than messages came");
    return replies;
  }

  #check(data: Uint8Array): void {
    const { message } = this.#talk;
    for (const byte of data) {
      const wanted = message[this.#received]!;
      if (byte !== wanted && byte !== (wanted & ~LOWER_CASE)) throw new Error("A reply is wrong");
      this.#received = (this.#received + 1) % message.length;
    }
  }
}
