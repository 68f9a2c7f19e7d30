import { client_fault } from "../../../internal/runtime/client_fault.ts";
import { AuthenticationError } from "../../../internal/shared/errors.ts";
import { format_address } from "../../../server/address.ts";
import type { FrameStream } from "./frame_stream.ts";

/** How long a frame may be before both sides know each other, in bytes. */
export const MAX_UNKNOWN = 256;

const ENCODER = new TextEncoder();
const CHALLENGE = ENCODER.encode("#CHALLENGE#");
const WELCOME = ENCODER.encode("#WELCOME#");
const FAILURE = ENCODER.encode("#FAILURE#");
const DIGEST = ENCODER.encode("{sha256}");

/** How many bytes of a challenge are random, and how many one must have. */
const RANDOM = 40;
const SHORTEST = 20;

/**
 * Challenges of this program that nobody has answered, and to whom each went: another one who sends it on wants it
 * answered here.
 */
const open_challenges = new Map<string, string>();

/** What both sides must know. */
export class AuthKey {
  #key: Promise<CryptoKey>;

  /** @param bytes The key; none is Python's empty one. */
  constructor(bytes: Uint8Array) {
    // HMAC fills keys up with zeros, and Web Crypto takes no empty one.
    const raw = bytes.length > 0 ? bytes.slice() : new Uint8Array(1);
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    this.#key = crypto.subtle.importKey("raw", raw, algorithm, false, ["sign", "verify"]);
  }

  /** The proof that a message was seen by somebody with the key. */
  async sign(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.sign("HMAC", await this.#key, message));
  }

  /** Whether it is that; how long that takes says nothing. */
  async verify(proof: Uint8Array<ArrayBuffer>, message: Uint8Array<ArrayBuffer>): Promise<boolean> {
    return await crypto.subtle.verify("HMAC", await this.#key, proof, message);
  }
}

/**
 * The handshake of Python 3.12, on the side that accepted the connection.
 *
 * @throws {AuthenticationError} If the other side does not know the key.
 */
export async function authenticate_client(frames: FrameStream, key: AuthKey): Promise<void> {
  await challenge(frames, key);
  await answer(frames, key);
}

/**
 * The same on the side that opened it.
 *
 * @throws {AuthenticationError} If the other side does not know the key.
 */
export async function authenticate_server(frames: FrameStream, key: AuthKey): Promise<void> {
  await answer(frames, key);
  await challenge(frames, key);
}

/** Has the other side show that it knows the key. */
async function challenge(frames: FrameStream, key: AuthKey): Promise<void> {
  const message = joined(DIGEST, crypto.getRandomValues(new Uint8Array(RANDOM)));
  const text = String(message);
  open_challenges.set(text, format_address(frames.socket.remoteAddr));
  try {
    frames.send_bytes(joined(CHALLENGE, message));
    const proof = await next(frames);
    const is_right = starts_with(proof, DIGEST) &&
      await key.verify(proof.slice(DIGEST.length), message);
    frames.send_bytes(is_right ? WELCOME : FAILURE);
    if (!is_right) throw refused("The other side does not know the authkey");
  } finally {
    open_challenges.delete(text);
  }
}

/** Shows the other side that the key is known here. */
async function answer(frames: FrameStream, key: AuthKey): Promise<void> {
  const received = await next(frames);
  if (!starts_with(received, CHALLENGE)) {
    throw refused("The other side sends no challenge, as a manager does");
  }
  const message = received.slice(CHALLENGE.length);
  if (message.length < SHORTEST) throw refused("The challenge of the other side is too short");
  if (!starts_with(message, DIGEST)) {
    throw refused("The other side does not ask for SHA-256, as Python does from 3.12 on");
  }
  const meant_for = open_challenges.get(String(message));
  if (meant_for !== undefined && meant_for !== format_address(frames.socket.localAddr)) {
    throw refused("The other side sends on a challenge of this program");
  }
  frames.send_bytes(joined(DIGEST, await key.sign(message)));
  if (String(await next(frames)) !== String(WELCOME)) {
    throw refused("The other side has another authkey");
  }
}

async function next(frames: FrameStream): Promise<Uint8Array<ArrayBuffer>> {
  const frame = await frames.receive();
  if (frame) return frame.slice();
  throw refused("The other side closed the connection before both knew each other");
}

function refused(message: string): Error {
  return client_fault(new AuthenticationError(message));
}

function starts_with(bytes: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, at) => bytes[at] === byte);
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
