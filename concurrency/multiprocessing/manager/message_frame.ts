import { Buffer } from "node:buffer";
import { client_fault } from "../../../internal/runtime/client_fault.ts";
import { look_at } from "../../../internal/workers/look.ts";
import type { Packed, Passenger } from "../../../internal/workers/sharing.ts";
import { passengers_in } from "../../../internal/shared/link.ts";

/** How a frame begins, after its length: with JSON only, or with the length of the JSON, as bytes follow that. */
const JSON_ONLY = 0;
const WITH_BYTES = 1;

/** What is before the JSON: the 4 bytes of the frame's length, the kind, and what says how long the JSON is. */
const HEAD = `\0\0\0\0${String.fromCharCode(JSON_ONLY)}`;
const HEAD_WITH_BYTES = `\0\0\0\0${String.fromCharCode(WITH_BYTES)}\0\0\0\0`;

/** A shorter text is not nested too deep. */
const SHALLOW = 1000;

const DECODER = new TextDecoder("utf-8", { fatal: true });

/** What may have a byte array in it: in the JSON only its length, as those beside it have the same order. */
interface Handle {
  bytes?: Uint8Array | number;
  map?: Packed;
  set?: Packed;
}

/**
 * What is told, as a frame, whose first 4 bytes are left for its length.
 *
 * @throws {DOMException} If it is nested too deep.
 */
export function frame_of(body: unknown[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const handle of handles_in(body)) {
    const bytes = handle.bytes as Uint8Array;
    handle.bytes = bytes.length;
    parts.push(bytes);
  }
  const json = JSON.stringify(body);
  if (json.length > SHALLOW && look_at(body).is_deep) {
    throw new DOMException("It is nested too deep", "DataCloneError");
  }
  // A short one is a part of what Node has for that: an array of its own costs more than all else.
  if (parts.length === 0) return Buffer.from(HEAD + json);
  const head = Buffer.from(HEAD_WITH_BYTES + json);
  head.writeUInt32BE(head.length - HEAD_WITH_BYTES.length, HEAD.length);
  return Buffer.concat([head, ...parts]);
}

/**
 * What a frame tells.
 *
 * @throws {Deno.errors.InvalidData} If it makes no sense.
 */
export function body_of(frame: Uint8Array): unknown[] {
  try {
    const is_with_bytes = frame[0] === WITH_BYTES;
    if (!is_with_bytes && frame[0] !== JSON_ONLY) throw new TypeError("It is of no known kind");
    const start = (is_with_bytes ? HEAD_WITH_BYTES : HEAD).length - 4;
    const end = is_with_bytes ? start + length_of(frame) : frame.length;
    const json = DECODER.decode(frame.subarray(start, end));
    const body: unknown = JSON.parse(json);
    if (!Array.isArray(body)) throw new TypeError("It is no array");
    if (json.length > SHALLOW && look_at(body).is_deep) {
      throw new TypeError("It is nested too deep");
    }
    if (is_with_bytes) take_bytes(body, frame.subarray(end));
    for (let at = 0; at < body.length; at++) body[at] ??= undefined;
    return body;
  } catch (cause) {
    const { message } = cause as Error;
    throw client_fault(
      new Deno.errors.InvalidData(`A frame makes no sense: ${message}`, { cause }),
    );
  }
}

function length_of(frame: Uint8Array): number {
  const length = new DataView(frame.buffer, frame.byteOffset, frame.length).getUint32(1);
  if (length <= frame.length - (HEAD_WITH_BYTES.length - 4)) return length;
  throw new TypeError("Its JSON is longer than itself");
}

/** Puts copies of the bytes that came beside the JSON where they belong. */
function take_bytes(body: unknown[], beside: Uint8Array): void {
  let at = 0;
  for (const handle of handles_in(body)) {
    const end = at + (handle.bytes as number);
    if (!(end >= at && end <= beside.length)) throw new TypeError("There are no such bytes");
    handle.bytes = beside.slice(at, end);
    at = end;
  }
}

/** All that have a byte array in them. */
function handles_in(body: unknown[]): Handle[] {
  return passengers_in(body).flatMap((passengers) => [...handles_of(passengers)]);
}

function* handles_of(passengers: Passenger[]): Generator<Handle> {
  for (const [, handle] of passengers as [unknown, Handle][]) {
    if (handle.bytes !== undefined) yield handle;
    const inner = handle.map ?? handle.set;
    if (inner?.passengers) yield* handles_of(inner.passengers);
  }
}
