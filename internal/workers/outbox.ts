import { setImmediate } from "node:timers";

/**
 * Sends messages to another thread. Each message has its price there, whatever its size, so those
 * that may wait go together at the end of a turn of the event loop.
 */
export class Outbox<Message> {
  #deliver: (messages: Message[], transfer?: readonly Transferable[]) => void;
  #waiting: Message[] = [];
  #scheduled = false;
  /** How many of those that wait are being sent. */
  #leaving = 0;

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

  /** Sends nothing but the call to look. */
  call(): void {
    this.#deliver([]);
  }

  /** Sends a message, which can surely be cloned, at the end of this turn. */
  defer(message: Message): void {
    this.#waiting.push(message);
    if (this.#scheduled) return;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
    this.#scheduled = true;
  }

  /** The last message that waits: what can be put into it needs none of its own. */
  get last(): Message | undefined {
    return this.#waiting.length > this.#leaving ? this.#waiting.at(-1) : undefined;
  }

  /** Sends what waits. */
  flush(): void {
    const { length } = this.#waiting;
    if (length === 0) return;
    try {
      this.#leaving = length;
      this.#deliver(this.#waiting.slice());
      // Only now: at the end of the stack it may fail, and what waits is sent next time.
      this.#waiting.splice(0, length);
    } finally {
      this.#leaving = 0;
    }
  }
}
