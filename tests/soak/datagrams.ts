/** What clients of datagrams do: they send some at once, and those without a reply again. */
import { pattern, same_bytes } from "../fixtures/tools/bytes.ts";
import type { Random } from "../fixtures/tools/random.ts";
import { soon, TooLate } from "../fixtures/tools/waiting.ts";
import type { Session } from "./clients.ts";
import type { Place } from "./place.ts";
import { bounded } from "./talk.ts";
import { Violation } from "./violation.ts";

/** How long a reply may take, in ms, before the datagram is sent again, and how often it is sent. */
const PATIENCE = 3000;
const TRIES = 10;
/** How many are sent at once: no more than a Unix socket keeps that nobody has read. */
const AT_ONCE = 6;
/** The longest reply over UDP, and over Unix sockets. */
const LONGEST = { udp: 32_000, unixpacket: 8000 };

/** How many there were. */
let clients = 0;

/** What is asked for: bytes that follow from it. */
interface Question {
  number: number;
  length: number;
  seed: number;
}

/** Sends some datagrams, and waits for all replies. */
export async function send_datagrams({ place, random }: Session, path: string): Promise<void> {
  let missing = Array.from(
    { length: 1 + random.below(AT_ONCE) },
    (_, number) => question(number, place, random),
  );
  for (let tries = 0; tries < TRIES; tries++) {
    using client = new Client(place, path);
    // One that makes no sense has no reply.
    if (random.below(10) === 0) await client.send(new Uint8Array(5));
    missing = await client.ask(missing);
    if (missing.length === 0) return;
  }
  throw new Violation(
    "every client sees an end",
    `${place.member.name}: no reply to a datagram that was sent ${TRIES} times`,
  );
}

function question(number: number, { member }: Place, random: Random): Question {
  const longest = LONGEST[member.transport as "udp"];
  return { number, length: random.below(longest), seed: random.below(256) };
}

class Client implements Disposable {
  #place: Place;
  #conn: Deno.DatagramConn;
  #path: string | undefined;

  constructor(place: Place, path: string) {
    this.#place = place;
    if (place.member.transport === "udp") {
      this.#conn = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    } else {
      // Another one each time: a late reply is for nobody else.
      this.#path = `${path}.${++clients}`;
      this.#conn = Deno.listenDatagram({ transport: "unixpacket", path: this.#path });
    }
  }

  async send(bytes: Uint8Array): Promise<void> {
    this.#place.connects++;
    await bounded(this.#place, "a datagram", this.#conn.send(bytes, this.#place.address));
  }

  /** Gives those that have no reply in time. */
  async ask(questions: Question[]): Promise<Question[]> {
    const missing = new Map(questions.map((question) => [question.number, question]));
    // All before the first is read: Deno's Unix sockets cannot do both at once.
    for (const { number, length, seed } of questions) {
      const head = new DataView(new ArrayBuffer(8));
      head.setUint32(0, number);
      head.setUint16(4, length);
      head.setUint8(6, seed);
      await this.send(new Uint8Array(head.buffer));
    }
    try {
      while (missing.size > 0) this.#take(await soon(this.#conn.receive(), PATIENCE), missing);
    } catch (error) {
      if (!(error instanceof TooLate)) throw error;
    }
    return [...missing.values()];
  }

  #take([packet]: [Uint8Array, Deno.Addr], missing: Map<number, Question>): void {
    this.#place.received += packet.length;
    const number = new DataView(packet.buffer, packet.byteOffset).getUint32(0);
    const { length = 0, seed } = missing.get(number) ?? {};
    if (missing.delete(number) && same_bytes(packet.subarray(4), pattern(length, seed))) return;
    throw new Violation(
      "no reply has a wrong byte",
      `${this.#place.member.name}: a reply of ${packet.length} bytes`,
    );
  }

  [Symbol.dispose](): void {
    this.#conn.close();
    if (this.#path !== undefined) Deno.removeSync(this.#path);
  }
}
