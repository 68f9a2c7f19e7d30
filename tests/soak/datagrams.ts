/** What clients of datagrams do: some under way at a time, each sent again until its reply is there. */
import { pattern, same_bytes } from "../fixtures/tools/bytes.ts";
import { soon, TooLate } from "../fixtures/tools/waiting.ts";
import type { Session } from "./clients.ts";
import type { Place } from "./place.ts";
import { Violation } from "./violation.ts";

/** How long a reply may take, in ms, before the datagram is sent again, and how often it is sent. */
const PATIENCE = 3000;
const TRIES = 10;
/** The longest reply over UDP, and over Unix sockets. */
const LONGEST = { udp: 32_000, unixpacket: 8000 };

/** Sends some datagrams, and waits for all replies. */
export async function send_datagrams(
  { place, random }: Session,
  path: string,
): Promise<void> {
  using client = new Client(place, path);
  const longest = LONGEST[place.member.transport as "udp"];
  const asking = Array.from({ length: 1 + random.below(8) }, async (_, number) => {
    const [length, seed] = [random.below(longest), random.below(256)];
    await client.ask(number, length, seed);
  });
  // One that makes no sense has no reply.
  if (random.below(10) === 0) await client.send(new Uint8Array(5));
  await Promise.all(asking);
}

class Client implements Disposable {
  #place: Place;
  #conn: Deno.DatagramConn;
  #path: string | undefined;
  #waiting: Map<number, PromiseWithResolvers<Uint8Array>> = new Map();

  constructor(place: Place, path: string) {
    this.#place = place;
    if (place.member.transport === "udp") {
      this.#conn = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    } else {
      this.#conn = Deno.listenDatagram({ transport: "unixpacket", path });
      this.#path = path;
    }
    void this.#receive();
  }

  async send(bytes: Uint8Array): Promise<void> {
    this.#place.connects++;
    try {
      await this.#conn.send(bytes, this.#place.address);
    } catch (error) {
      // A queue that is full.
      if (!(error instanceof Error) || !/os error (11|105)/.test(error.message)) throw error;
    }
  }

  /** Has a datagram answered, with bytes that follow from it. */
  async ask(number: number, length: number, seed: number): Promise<void> {
    const head = new DataView(new ArrayBuffer(8));
    head.setUint32(0, number);
    head.setUint16(4, length);
    head.setUint8(6, seed);
    const expected = pattern(length, seed);
    const reply = Promise.withResolvers<Uint8Array>();
    this.#waiting.set(number, reply);
    for (let tries = 0; tries < TRIES; tries++) {
      await this.send(new Uint8Array(head.buffer));
      try {
        const bytes = await soon(reply.promise, PATIENCE);
        if (same_bytes(bytes, expected)) return;
        throw new Violation("no reply has a wrong byte", `${this.#place.member.name}: ${number}`);
      } catch (error) {
        if (!(error instanceof TooLate)) throw error;
      }
    }
    throw new Violation(
      "every client sees an end",
      `${this.#place.member.name}: no reply to a datagram that was sent ${TRIES} times`,
    );
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const [packet] = await this.#conn.receive(buffer);
        this.#place.received += packet.length;
        const number = new DataView(packet.buffer, packet.byteOffset).getUint32(0);
        this.#waiting.get(number)?.resolve(packet.slice(4));
      }
    } catch {
      // It is closed.
    }
  }

  [Symbol.dispose](): void {
    this.#conn.close();
    if (this.#path !== undefined) Deno.removeSync(this.#path);
  }
}
