/** A client's end of a connection: nothing of it waits without a bound. */
import { pem } from "../fixtures/certificates/certificates.ts";
import { V1, V2 } from "../fixtures/clients/proxy_headers.ts";
import { bytes_of, concat, text_of } from "../fixtures/tools/bytes.ts";
import type { Random } from "../fixtures/tools/random.ts";
import { soon, TooLate } from "../fixtures/tools/waiting.ts";
import type { Place } from "./place.ts";
import { Lost, Violation } from "./violation.ts";

/** How long a client waits for anything, in ms: an answer, room for what it sends, or the end. */
const PATIENCE = 60_000;

/** What is done within the bound; a connection that broke is `Lost`. */
export async function bounded<T>(place: Place, what: string, promise: Promise<T>): Promise<T> {
  try {
    return await soon(promise, PATIENCE);
  } catch (error) {
    if (!(error instanceof TooLate)) throw new Lost(what, { cause: error });
    throw new Violation(
      "every client sees an end",
      `${place.member.name}: none within ${PATIENCE} ms after ${what}`,
    );
  }
}

const AUTHORITY = pem("ca.crt");

/** Connects with TLS; the bound is that of the caller. */
async function secured(place: Place): Promise<Deno.TlsConn> {
  const { port } = place.address as Deno.NetAddr;
  const conn = await Deno.connectTls({ hostname: "localhost", port, caCerts: [AUTHORITY] });
  try {
    await conn.handshake();
    return conn;
  } catch (error) {
    conn.close();
    throw error;
  }
}

export class Talk implements Disposable {
  readonly conn: Deno.Conn;
  #place: Place;
  #unread: Uint8Array = new Uint8Array(0);
  /** What was done last. */
  #last = "it connected";

  private constructor(place: Place, conn: Deno.Conn) {
    this.#place = place;
    this.conn = conn;
  }

  /** Connects as clients of this server must. */
  static async open(place: Place, random: Random): Promise<Talk> {
    const { is_secured, is_proxied } = place.member;
    if (is_secured) {
      place.connects++;
      return new Talk(place, await bounded(place, "a handshake", secured(place)));
    }
    const talk = await Talk.raw(place);
    if (is_proxied) await talk.write(random.pick([V1, V2]));
    return talk;
  }

  /** Connects, and does nothing else. */
  static async raw(place: Place): Promise<Talk> {
    place.connects++;
    const connecting = Deno.connect(place.address as Deno.ConnectOptions);
    return new Talk(place, await bounded(place, "a connect", connecting));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#place.sent += bytes.length;
    for (let at = 0; at < bytes.length;) {
      at += await bounded(this.#place, this.#last, this.conn.write(bytes.subarray(at)));
    }
  }

  /** Sends a line. */
  async say(line: string): Promise<void> {
    this.#last = line.slice(0, 40);
    await this.write(bytes_of(`${line}\n`));
  }

  /** Ends what it says. */
  async end(): Promise<void> {
    await bounded(this.#place, "FIN", this.conn.closeWrite());
  }

  /** What comes next, `size` bytes at the most; empty at the end. */
  async next(size = 65_536): Promise<Uint8Array> {
    const buffer = new Uint8Array(size);
    const count = await bounded(this.#place, this.#last, this.conn.read(buffer)) ?? 0;
    this.#place.received += count;
    return buffer.subarray(0, count);
  }

  /** So many bytes. */
  async bytes(length: number): Promise<Uint8Array> {
    const parts = [this.#unread];
    let count = this.#unread.length;
    while (count < length) {
      const part = await this.next();
      if (part.length === 0) throw new Lost(this.#last);
      parts.push(part);
      count += part.length;
    }
    const all = joined(parts, count);
    this.#unread = all.subarray(length);
    return all.subarray(0, length);
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    let end: number;
    while ((end = this.#unread.indexOf(10)) < 0) {
      const part = await this.next();
      if (part.length === 0) throw new Lost(this.#last);
      this.#unread = concat(this.#unread, part);
    }
    const line = text_of(this.#unread.subarray(0, end));
    this.#unread = this.#unread.subarray(end + 1);
    return line;
  }

  /** Says a line, and has the answer begin with a word: gives the rest. */
  async ask(line: string, word: string): Promise<string> {
    await this.say(line);
    const answer = await this.line();
    if (answer !== word && !answer.startsWith(`${word} `)) this.wrong(answer, `${word} …`);
    return answer.slice(word.length + 1);
  }

  /** Complains of an answer. */
  wrong(answer: string, expected: string): never {
    throw new Violation(
      "no reply has a wrong byte",
      `${this.#place.member.name}: after ${this.#last} came ${shown(answer)} and not ${
        shown(expected)
      }`,
    );
  }

  /** Waits for the end: nothing else may come. */
  async is_over(): Promise<void> {
    const rest = this.#unread.length > 0 ? this.#unread : await this.next();
    if (rest.length > 0) this.wrong(text_of(rest), "the end");
  }

  /** Waits for the end, or a reset, whatever comes before it. */
  async until_end(): Promise<void> {
    try {
      while ((await this.next()).length > 0);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.conn[Symbol.dispose]();
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function joined(parts: Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
