import { setImmediate } from "node:timers";

/**
 * Sends messages to another thread. Each message has its price there, whatever its size, so those
 * that may wait go together at the end of a turn of the event loop.
 */
export class Outbox<Message> {
  #deliver: (messages: Message[], transfer?: readonly Transferable[]) => void;
  #waiting: Message[] = [];
  #scheduled = false;

  /**
   * @param deliver Sends messages.
   */
  constructor(deliver: (messages: Message[], transfer?: readonly Transferable[]) => void) {
    this.#deliver = deliver;
  }

  /**
   * Sends a message at once, and all that wait before it.
   *
   * @param transfer What is moved with it, and not copied.
   * @throws {DOMException} If it cannot be cloned.
   */
  post(message: Message, transfer?: readonly Transferable[]): void {
    this.flush();
    this.#deliver([message], transfer);
  }

  /** Sends a message, which can surely be cloned, at the end of this turn. */
  defer(message: Message): void {
    this.#waiting.push(message);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#waiting.length > 0) this.#deliver(this.#waiting.splice(0));
  }
}
