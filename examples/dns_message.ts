/**
 * The messages of dns_server.ts: reads queries and writes replies, as in RFC 1035 and, for EDNS, in
 * RFC 6891. Nothing here knows a socket.
 *
 * @module
 */
export const TYPE: Record<string, number> = {
  A: 1,
  SOA: 6,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  OPT: 41,
  ANY: 255,
};
/** A query for one of these types asks for a copy of the zone, or of its changes. */
export const TRANSFERS = [251, 252]; // IXFR and AXFR
export const RCODE = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 };

/** Of the flags: a reply, the kind of query, from the zone itself, cut, recursion wanted. */
const FLAG = { QR: 0x8000, OPCODE: 0x7800, AA: 0x0400, TC: 0x0200, RD: 0x0100 };
export const IN = 1; // the class of the Internet
const QUESTION = 12; // where it begins in a message
const MIN_SIZE = 512; // of the longest datagram for a client without EDNS
const MAX_SIZE = 1232; // of a datagram that networks do not split

export type Header = { id: number; flags: number; opcode: number };
export type Edns = { size: number; version: number };
/** A query. `question` is as it came, with its capitals, and is sent back like that. */
export type Query = Header & {
  name: string;
  type: number;
  class: number;
  question: Uint8Array;
  edns?: Edns;
};
export type Resource = { name: string; ttl: number; type: number; data: number[] };
export type Findings = { rcode: number; answers?: Resource[]; authority?: Resource[] };

/** The header of a query. `undefined` for anything else: answers to answers might never end. */
export function read_header(message: Uint8Array): Header | undefined {
  if (message.length < QUESTION) return undefined;
  const view = view_of(message);
  const flags = view.getUint16(2);
  if (flags & FLAG.QR) return undefined;
  return { id: view.getUint16(0), flags, opcode: (flags & FLAG.OPCODE) >> 11 };
}

/** Reads a query. Throws a `RangeError` if it is malformed, as a `DataView` does beyond its end. */
export function read_query(message: Uint8Array, header: Header): Query {
  const view = view_of(message);
  if (view.getUint16(4) !== 1) throw new RangeError("There must be one question");
  const [name, end] = read_name(message);
  const [type, kind] = [view.getUint16(end), view.getUint16(end + 2)];
  const query = {
    ...header,
    name,
    type,
    class: kind,
    question: message.subarray(QUESTION, end + 4),
  };
  // The record of EDNS is the only one that common clients send with a question.
  if (view.getUint16(10) === 0 || view.getUint16(end + 5) !== TYPE.OPT) return query;
  return { ...query, edns: { size: view.getUint16(end + 7), version: view.getUint8(end + 10) } };
}

/** The first name of a message, in lower case, and its end. There is no name to point back to. */
function read_name(message: Uint8Array): [name: string, end: number] {
  const labels: string[] = [];
  let at = QUESTION;
  for (let length; (length = message[at]) !== 0; at += length + 1) {
    if (length === undefined || length > 63) throw new RangeError("The name is malformed");
    const label = String.fromCharCode(...message.subarray(at + 1, at + 1 + length));
    labels.push(label.toLowerCase().replaceAll(".", "\\."));
  }
  if (at - QUESTION >= 255) throw new RangeError("The name is too long");
  return [labels.join("."), at + 1];
}

/** The longest reply that a client takes as a datagram. */
export function datagram_size({ edns }: Query): number {
  return Math.max(MIN_SIZE, Math.min(edns?.size ?? 0, MAX_SIZE));
}

/** Writes a reply: marked as cut, and without its records, if it is longer than `max_size` bytes. */
export function write_reply(
  query: Header & Partial<Query>,
  { rcode, answers = [], authority = [] }: Findings,
  max_size = MIN_SIZE,
  cut = 0,
): Uint8Array {
  const { id, question = [], edns } = query;
  const known = rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN ? FLAG.AA : 0;
  const flags = FLAG.QR | query.flags & (FLAG.OPCODE | FLAG.RD) | known | cut | rcode & 15;
  const opt = edns ? [0, ...u16(TYPE.OPT!), ...u16(MAX_SIZE), rcode >> 4, 0, ...u32(0)] : [];
  const counts = [question.length && 1, answers.length, authority.length, opt.length && 1];
  const reply = Uint8Array.from([
    ...[id, flags, ...counts].flatMap(u16),
    ...question,
    // The name of each answer is the one in the question: a pointer to it is enough.
    ...answers.flatMap((answer) => resource_bytes(u16(0xc000 | QUESTION), answer)),
    ...authority.flatMap((resource) => resource_bytes(name_bytes(resource.name), resource)),
    ...opt,
  ]);
  return reply.length <= max_size ? reply : write_reply(query, { rcode }, max_size, FLAG.TC);
}

function resource_bytes(name: number[], { type, ttl, data }: Resource): number[] {
  return [...name, ...u16(type), ...u16(IN), ...u32(ttl), ...u16(data.length), ...data];
}

/** A name as labels. Throws a `SyntaxError` if one is too long. */
export function name_bytes(name = ""): number[] {
  const labels = name.split(".").filter(Boolean).map((label) => new TextEncoder().encode(label));
  if (labels.some(({ length }) => length > 63)) {
    throw new SyntaxError(`'${name}' is malformed`);
  }
  return [...labels.flatMap((label) => [label.length, ...label]), 0];
}

export const u16 = (value: number) => [value >> 8 & 255, value & 255];
export const u32 = (value: number) => [...u16(value >>> 16), ...u16(value)];
const view_of = ({ buffer, byteOffset, length }: Uint8Array) =>
  new DataView(buffer, byteOffset, length);
