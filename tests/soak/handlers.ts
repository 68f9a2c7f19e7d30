/** Handlers of the fire, in a module that workers load. */
import { DatagramRequestHandler, type Remote, StreamRequestHandler } from "../../mod.ts";
import { concat, pattern, text_of } from "../fixtures/tools/bytes.ts";
import type { BurningServer } from "./burning.ts";
import { Planned, VERBS } from "./verbs.ts";

/** Does what each line says, and answers it; text that is no word of the fire comes back in upper case. */
export class FireHandler extends StreamRequestHandler<Remote<BurningServer>, Deno.Addr> {
  static override module = import.meta.url;
  static override timeout: number | null = 10_000;

  override async handle(): Promise<void> {
    for await (const bytes of this.rfile) {
      const line = text_of(bytes).trimEnd();
      const [word = "", ...numbers] = line.split(" ");
      if (word === "quit") return;
      const [one = 0, other = 0] = numbers.map(Number);
      const verb = VERBS[word];
      const answer = verb ? await verb(this, one, other) : line.toUpperCase();
      if (answer !== undefined) await this.wfile.write(`${answer}\n`);
    }
  }
}

/** The same, with small answers sent together. */
export class CollectingHandler extends FireHandler {
  static override module = import.meta.url;
  static override wbufsize = -1;
}

/** How long the head of a datagram is: its number. */
const HEAD = 4;

/** Answers each datagram with its head and bytes that follow from it: `HEAD, length, seed`. */
export class PacketHandler extends DatagramRequestHandler<Remote<BurningServer>, Deno.Addr> {
  static override module = import.meta.url;

  override async handle(): Promise<void> {
    const { packet } = this;
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
    // What is too short is garbage.
    if (packet.length < HEAD + 4) throw new Planned("a datagram that makes no sense");
    await this.server.counter.add(1);
    const reply = pattern(view.getUint16(HEAD), view.getUint8(HEAD + 2));
    await this.wfile.write(concat(packet.subarray(0, HEAD), reply));
  }
}
