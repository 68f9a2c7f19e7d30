import type { Talk } from "./load_client.ts";
import type { LoadWindow } from "./load_window.ts";

/** How long a reply may take until the datagram is sent again, in ms: the same in load.c. */
const RESEND = 100;
/** One byte more than a datagram can have. */
const READ_SIZE = 65_508;

/** One client of the load generator that sends datagrams, one at a time. */
export class LoadDatagramClient {
  #socket: Deno.DatagramConn;
  #address: Deno.NetAddr;
  #message: Uint8Array;
  #window: LoadWindow;
  #buffer = new Uint8Array(READ_SIZE);

  constructor(
    socket: Deno.DatagramConn,
    address: Deno.NetAddr,
    { message }: Talk,
    window: LoadWindow,
  ) {
    this.#socket = socket;
    this.#address = address;
    this.#message = message;
    this.#window = window;
  }

  /** Sends a datagram as each reply comes, until the window closes. */
  async converse(): Promise<void> {
    while (this.#window.open) {
      const started = performance.now();
      await this.#send();
      await this.#receive();
      this.#window.record(started);
    }
  }

  async #send(): Promise<void> {
    await this.#socket.send(this.#message, this.#address);
  }

  /** A reply that comes after its datagram was sent again counts for the next one: it is no other. */
  async #receive(): Promise<void> {
    const timer = setInterval(() => this.#send_again(), RESEND);
    try {
      this.#check((await this.#socket.receive(this.#buffer))[0]);
    } finally {
      clearInterval(timer);
    }
  }

  #send_again(): void {
    this.#window.lose();
    this.#send().catch((error) => this.#window.fail(error));
  }

  #check(reply: Uint8Array): void {
    const message = this.#message;
    if (reply.length !== message.length || reply.some((byte, at) => byte !== message[at])) {
      throw new Error("A reply is wrong");
    }
  }
}
