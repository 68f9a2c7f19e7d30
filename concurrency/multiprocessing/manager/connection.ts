import type { Buffer } from "node:buffer";
import { client_fault } from "../../../internal/runtime/client_fault.ts";
import type { Packed, Peer } from "../../../internal/workers/sharing.ts";
import { Link, messages_of } from "../../../internal/shared/link.ts";
import { find_named } from "../../../internal/shared/travel.ts";
import { uncloneable } from "../../../internal/workers/cloning.ts";
import type { FrameStream } from "./frame_stream.ts";
import { body_of, frame_of } from "./message_frame.ts";
import { from_wire, to_wire } from "./values.ts";

/** So many bytes may wait to be sent; until it is less, no more calls are taken. */
const HIGH_WATER = 1024 * 1024;

/** How often this side says so in the time in which the other one must hear something. */
const BEATS = 3;

/** Says nothing but that this side is there. */
const BEAT = new Uint8Array(0);

/** The bounds of a connection. */
export interface Bounds {
  /** How long the other side may say nothing, in ms. */
  peer_timeout: number;
  /** How long a message may be, in bytes. */
  max_message_size: number;
}

/** A connection to another program, both of which know that the other one has the key. */
export class Connection implements Peer {
  readonly name: string;
  readonly shares_memory = false;
  readonly is_foreign = true;
  readonly tells_turns = true;
  /** What there is between both. */
  readonly link: Link;
  #frames: FrameStream;
  #bounds: Bounds;
  #is_open = true;
  /** Why nothing could be sent. */
  #failure: { error: unknown } | undefined;
  /** Whether something was sent since the last beat. */
  #was_heard = false;
  /** For how many beats nothing has come, and nothing could be sent that waits. */
  #silent_beats = 0;
  #stuck_beats = 0;
  #last_left = 0;
  #last_arrived = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  /**
   * @param frames The connection.
   * @param name What the other side is called in messages.
   * @param bounds Its bounds.
   */
  constructor(frames: FrameStream, name: string, bounds: Bounds) {
    this.name = name;
    this.#frames = frames;
    this.#bounds = bounds;
    this.link = new Link(this, {
      pack: (value, link) => this.pack(value, link),
      unpack: from_wire,
      named: find_named,
    });
    frames.limit = bounds.max_message_size;
    frames.watcher = {
      sent: () => {
        if (frames.backlog <= HIGH_WATER) this.#drained?.resolve();
      },
      failed: (error) => this.#fail(error),
    };
  }

  /** Whether it can be used. */
  get is_open(): boolean {
    return this.#is_open;
  }

  /** Makes a value ready to be sent. */
  pack(value: unknown, link: Link = this.link): Packed {
    return to_wire(value, link, this.#bounds.max_message_size);
  }

  post(body: unknown[], is_plain: boolean): void {
    const frame = frame_of(body);
    if (frame.length <= this.#bounds.max_message_size) return this.#send(frame);
    // Those that waited were looked at one by one.
    if (is_plain) { for (const message of messages_of(body)) this.#send(frame_of(message)); }
    else throw uncloneable("it", new TypeError("It is larger than max_message_size"));
  }

  #send(frame: Buffer): void {
    this.#was_heard = true;
    this.#frames.send(frame);
  }

  /**
   * Takes what the other side tells, until one of both ends that.
   *
   * @param is_patient Whether it waits while the other side does not read what it is told.
   * @throws {Deno.errors.InvalidData} If something makes no sense.
   * @throws {Deno.errors.TimedOut} If nothing came for too long.
   */
  async run(is_patient: boolean): Promise<void> {
    const beating = setInterval(() => this.#beat(), this.#bounds.peer_timeout / BEATS);
    try {
      for (;;) {
        const at_hand = this.#frames.received();
        const frame = at_hand ?? await this.#frames.receive();
        if (!frame) return;
        if (frame.length > 0) this.#take(body_of(frame), !at_hand);
        if (is_patient && this.#frames.backlog > HIGH_WATER) await this.#wait_until_drained();
      }
    } catch (error) {
      if (this.#failure) throw this.#failure.error;
      if (this.#is_open) throw error;
    } finally {
      clearInterval(beating);
      this.close();
    }
  }

  #take(body: unknown[], begins_turn: boolean): void {
    try {
      this.link.received(body, begins_turn);
    } catch (cause) {
      const { message } = cause as Error;
      const error = new Deno.errors.InvalidData(`A message makes no sense: ${message}`, { cause });
      throw client_fault(error);
    }
  }

  async #wait_until_drained(): Promise<void> {
    this.#drained = Promise.withResolvers();
    await this.#drained.promise;
    this.#drained = undefined;
  }

  /** Says that this side is there, and looks whether the other one is. */
  #beat(): void {
    if (!this.#was_heard) this.#frames.send_bytes(BEAT);
    this.#was_heard = false;
    const { arrived, left, backlog } = this.#frames;
    // While it does not read what it is told, nothing is read of it.
    const is_heard = arrived !== this.#last_arrived || this.#drained !== undefined;
    const takes = backlog === 0 || left !== this.#last_left;
    this.#last_arrived = arrived;
    this.#last_left = left;
    this.#silent_beats = is_heard ? 0 : this.#silent_beats + 1;
    this.#stuck_beats = takes ? 0 : this.#stuck_beats + 1;
    if (this.#silent_beats >= BEATS) this.#gone("said nothing");
    else if (this.#stuck_beats >= BEATS) this.#gone("took nothing of what it is told");
  }

  #gone(what: string): void {
    const message = `The other side ${what} for ${this.#bounds.peer_timeout} ms`;
    this.#fail(client_fault(new Deno.errors.TimedOut(message)));
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.close();
  }

  /** Ends it: what the other side held goes back, what was asked of it rejects. */
  close(): void {
    if (!this.#is_open) return;
    this.#is_open = false;
    this.link.closed();
    this.#drained?.resolve();
    this.#frames.close();
  }
}
