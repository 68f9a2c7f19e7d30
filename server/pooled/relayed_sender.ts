import type { DatagramSender } from "../sockets/datagram_socket.ts";
import { letter_of } from "./letter.ts";

/** After so many datagrams an answer is asked for, and the one to the last such question waited for. */
const WINDOW = 64;

/** Calls a method of the server's socket; `tell` wants no answer. */
interface Calls {
  call(method: string, args: unknown[]): Promise<unknown>;
  tell(method: string, args: unknown[]): void;
}

/**
 * Sends datagrams through the server's socket, from a worker. It does not wait for each, which would
 * cost two more messages a datagram, but is never ahead of the server's thread by more than 128.
 */
export class RelayedSender<A extends Deno.Addr> implements DatagramSender<A> {
  #calls: Calls;
  #sent = 0;
  #answer: Promise<unknown> | undefined;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async send(data: Uint8Array, address: A): Promise<number> {
    const letter = letter_of(data, address);
    if (++this.#sent % WINDOW !== 0) {
      this.#calls.tell("send", letter);
    } else {
      const previous = this.#answer;
      this.#answer = this.#calls.call("send", letter);
      await previous;
    }
    return data.length;
  }
}
