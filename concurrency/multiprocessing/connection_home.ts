import { EOFError, TimeoutError } from "../../internal/shared/errors.ts";
import type { Home } from "../../internal/shared/home.ts";
import type { Agent, Owner } from "../../internal/shared/owner.ts";
import { Possession } from "../../internal/shared/possession.ts";
import { drop_connections, given_away } from "../../internal/shared/travel.ts";
import { Line, type Wait } from "../../internal/shared/wait.ts";
import { Fifo } from "../queue/fifo.ts";
import { weight_of } from "./weight.ts";

/** How many bytes may wait at an end until nothing more is let in. */
const ROOM = 2 ** 20;

/** What was sent, and waits at the end to which it goes. */
interface Message {
  readonly number: number;
  value: unknown;
  readonly weight: number;
}

/** Somebody who waits for a message. */
interface Reader {
  /** How many bytes it may have, if only bytes will do. */
  maxlength?: number;
}

/** What an end can do: the other end knows it, too. */
export interface Directions {
  readonly readable: boolean;
  readonly writable: boolean;
}

/** An end of a pipe in the thread that has made the pipe: both ends are at home there, and each of them is some agent's. */
export class ConnectionHome implements Home {
  readonly methods: ReadonlySet<string> = new Set([
    "claim",
    "send",
    "recv",
    "recv_bytes",
    "poll",
    "close",
  ]);
  readonly fixed: Directions;
  /** The other end. */
  peer!: ConnectionHome;
  readonly possession: Possession = new Possession();
  #is_closed = false;
  #inbox: Fifo<Message> = new Fifo();
  #weight = 0;
  #last = 0;
  #readers: Line<unknown, Reader> = new Line();
  #pollers: Line<boolean, null> = new Line();
  /** Those at the other end whose message has no room here yet. */
  #senders: Line<void, Message> = new Line();

  constructor(directions: Directions) {
    this.fixed = directions;
  }

  describe(agent: Agent): void {
    this.possession.sent_to(agent);
  }

  agent_ended(agent: Agent): void {
    this.possession.agent_ended(agent);
  }

  /** It has come to somebody. */
  claim(owner: Owner, key: number): void {
    this.possession.come_to(owner, key);
    this.#end_waits(not_yours);
  }

  /** Who has it needs it no longer. */
  close(_owner: Owner, key: number): void {
    this.possession.leave(key);
  }

  /** Sends something to the other end, or waits for room there. */
  send(
    _owner: Owner,
    key: number,
    value: unknown,
    timeout: number | null,
  ): Wait<void> | void {
    this.#check(key);
    if (!this.fixed.writable) {
      throw new TypeError("Cannot send: this end of the pipe only receives");
    }
    if (this.peer.#is_closed) throw broken_pipe();
    return this.peer.#let_in(value, timeout);
  }

  #let_in(value: unknown, timeout: number | null): Wait<void> | void {
    const message = { number: ++this.#last, value, weight: weight_of(value, ROOM) };
    if (this.#senders.size === 0 && this.#weight < ROOM) return this.#add(message);
    const expired = () => {
      throw new TimeoutError(`There was no room in the pipe within ${timeout} ms`);
    };
    if (timeout === 0) expired();
    return this.#senders.add(message, timeout, expired);
  }

  /** @throws {TypeError} If a connection in it is in use. */
  #add(message: Message): void {
    message.value = given_away(message.value);
    this.#weight += message.weight;
    this.#inbox.add(message);
    for (const wait of this.#pollers.clear()) wait.grant(true);
    this.#serve();
  }

  /** Gives the next message. */
  recv(_owner: Owner, key: number, timeout: number | null): Wait<unknown> {
    return this.#read(key, {}, timeout);
  }

  /** The same, if it is bytes, and not too many. */
  recv_bytes(
    _owner: Owner,
    key: number,
    maxlength: number,
    timeout: number | null,
  ): Wait<unknown> {
    return this.#read(key, { maxlength }, timeout);
  }

  #read(key: number, reader: Reader, timeout: number | null): Wait<unknown> {
    this.#check(key);
    if (!this.fixed.readable) {
      throw new TypeError("Cannot receive: this end of the pipe only sends");
    }
    const expired = () => {
      throw new TimeoutError(`Nothing came through the pipe within ${timeout} ms`);
    };
    const is_empty = this.#inbox.size === 0;
    if (is_empty && this.peer.#is_closed) throw end_of_pipe();
    if (is_empty && timeout === 0) expired();
    const wait = this.#readers.add(reader, timeout, expired);
    this.#serve();
    return wait;
  }

  /** Waits until there is a message, or there will be none any more. */
  poll(_owner: Owner, key: number, timeout: number | null): Wait<boolean> | boolean {
    this.#check(key);
    if (!this.fixed.readable) throw new TypeError("Cannot poll: this end of the pipe only sends");
    if (this.#inbox.size > 0 || this.peer.#is_closed) return true;
    return timeout === 0 ? false : this.#pollers.add(null, timeout, () => false);
  }

  /** Gives messages to those who wait. */
  #serve(): void {
    while (this.#inbox.size > 0 && this.#readers.size > 0) {
      const [wait, { maxlength }] = this.#readers.shift()!;
      const message = this.#inbox.next()!;
      const { value } = message;
      if (maxlength !== undefined && !(value instanceof Uint8Array)) {
        this.#inbox.put_back(message);
        wait.reject(new TypeError("Cannot receive bytes: the next message is none; use recv()"));
      } else if (value instanceof Uint8Array && value.length > (maxlength ?? Infinity)) {
        const error =
          `The message has ${value.length} bytes, more than ${maxlength}: the connection is closed`;
        wait.reject(new RangeError(error));
        return this.possession.close_all();
      } else {
        this.#weight -= message.weight;
        // What cannot get to who asked for it is lost: it could never be received.
        const refused = () => drop_connections(value);
        wait.grant(value, { undo: () => this.#put_back(message), refused });
      }
    }
    this.#admit();
  }

  #put_back(message: Message): void {
    if (this.#is_closed) return drop_connections(message.value);
    this.#weight += message.weight;
    this.#inbox.put_back(message);
    // More may come back with it.
    queueMicrotask(() => this.#serve());
  }

  /** Lets in those who wait for room. */
  #admit(): void {
    while (this.#senders.size > 0 && this.#weight < ROOM) {
      const [wait, message] = this.#senders.shift()!;
      wait.grant_by(() => this.#add(message));
    }
  }

  #check(key: number): void {
    if (!this.possession.is_held(key)) throw not_yours();
  }

  /** What who had it waits for comes to an end. */
  #end_waits(error: () => Error): void {
    for (const line of [this.#readers, this.#pollers, this.peer.#senders]) {
      for (const wait of line.clear()) wait.reject(error());
    }
  }

  withdraw(reason: Error): void {
    this.#is_closed = true;
    this.possession.end();
    this.#end_waits(() => reason);
    for (const { value } of this.#inbox.clear()) drop_connections(value);
    for (const wait of this.#senders.clear()) wait.reject(broken_pipe());
    this.peer.#is_alone();
  }

  /** The other end is closed. */
  #is_alone(): void {
    for (const wait of this.#readers.clear()) wait.reject(end_of_pipe());
    for (const wait of this.#pollers.clear()) wait.grant(true);
  }
}

function not_yours(): Error {
  return new Deno.errors.BadResource(
    "Cannot use this end of the pipe: it was sent to another thread or process, and is theirs",
  );
}

/** What who receives is told when the other end is closed. */
export function end_of_pipe(): Error {
  return new EOFError("The other end of the pipe is closed, and all was read that it had sent");
}

/** What who sends is told then. */
export function broken_pipe(): Error {
  return new Deno.errors.BrokenPipe("Cannot send: the other end of the pipe is closed");
}
