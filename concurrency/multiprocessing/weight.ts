import { is_shared } from "../../internal/workers/sharing.ts";

/** What a message has beside what is in it, in bytes. */
const ENVELOPE = 64;
/** About what an object, and what a number takes. */
const OBJECT = 16;
const NUMBER = 8;

/**
 * About how many bytes a message takes.
 *
 * @param message What is sent.
 * @param enough How much is more than needs to be known: it is counted no further.
 */
export function weight_of(message: unknown, enough: number): number {
  let weight = ENVELOPE;
  const seen = new Set<object>();
  const left = [message];
  while (left.length > 0 && weight + left.length * NUMBER < enough) {
    const value = left.pop();
    weight += own_weight(value);
    if (typeof value !== "object" || value === null || is_shared(value) || seen.has(value)) {
      continue;
    }
    seen.add(value);
    for (const part of parts_of(value, enough)) left.push(part);
  }
  return weight + left.length * NUMBER;
}

function own_weight(value: unknown): number {
  if (typeof value === "string") return 2 * value.length;
  if (typeof value !== "object" || value === null) return NUMBER;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  return OBJECT;
}

/** What is in an object; of a long array so much of it as is enough. */
function parts_of(value: object, enough: number): Iterable<unknown> {
  if (ArrayBuffer.isView(value)) return [];
  if (Array.isArray(value)) return value.slice(0, enough / NUMBER);
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  if (value instanceof Set) return value;
  return Object.values(value);
}
