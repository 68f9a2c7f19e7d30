import { Buffer } from "node:buffer";
import { client_fault } from "../../../internal/runtime/client_fault.ts";
import { look_at } from "../../../internal/workers/look.ts";
import type { Packed, Passenger } from "../../../internal/workers/sharing.ts";
import { passengers_in } from "../../../internal/shared/link.ts";

/** How a frame begins, after its length: with JSON only, or with the length of the JSON, as bytes follow that. */
const JSON_ONLY = 0;
const WITH_BYTES = 1;

/** Where the JSON begins, with the 4 bytes of the frame's length, and what says how long it is itself. */
const START = 5;
const START_WITH_BYTES = 9;

/** A shorter text is not nested too deep. */
const SHALLOW = 1000;

const ENCODER = new TextEncoder();
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
export function frame_of(body: unknown[]): Uint8Array {
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
  if (parts.length === 0) return frame(json, START, JSON_ONLY);
  const head = frame(json, START_WITH_BYTES, WITH_BYTES);
  new DataView(head.buffer).setUint32(START, head.length - START_WITH_BYTES);
  return Buffer.concat([head, ...parts]);
}

function frame(json: string, start: number, kind: number): Uint8Array {
  // No unit of UTF-16 takes more than 3 bytes.
  const whole = new Uint8Array(start + 3 * json.length);
  const { written } = ENCODER.encodeInto(json, whole.subarray(start));
  whole[START - 1] = kind;
  return whole.subarray(0, start + written);
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
    const start = is_with_bytes ? START_WITH_BYTES - 4 : START - 4;
    const end = is_with_bytes ? start + length_of(frame) : frame.length;
    const json = DECODER.decode(frame.subarray(start, end));
    const body: unknown = JSON.parse(json);
    if (!Array.isArray(body)) throw new TypeError("It is no array");
    if (json.length > SHALLOW && look_at(body).is_deep) {
      throw new TypeError("It is nested too deep");
    }
    if (is_with_bytes) take_bytes(body, frame.subarray(end));
    return body.map((item) => item ?? undefined);
  } catch (cause) {
    const { message } = cause as Error;
    throw client_fault(
      new Deno.errors.InvalidData(`A frame makes no sense: ${message}`, { cause }),
    );
  }
}

function length_of(frame: Uint8Array): number {
  const length = new DataView(frame.buffer, frame.byteOffset, frame.length).getUint32(1);
  if (length <= frame.length - (START_WITH_BYTES - 4)) return length;
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
