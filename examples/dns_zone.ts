/**
 * The zone of dns_server.ts: reads its file and finds what is asked for. Nothing here knows a socket.
 *
 * @module
 */
import { isIPv4, isIPv6 } from "node:net";
import * as dns from "./dns_message.ts";

/** The records of each name. The names above a name exist, too, without records. */
export interface Zone {
  soa: dns.Resource;
  records: Map<string, dns.Resource[]>;
}

/** Reads a zone file: a record a line. Throws a `SyntaxError` if it is malformed. */
export function parse_zone(text: string): Zone {
  const lines = text.split("\n").map((line) => line.match(/"[^"]*"|;.*|[^\s";]+/g) ?? []);
  const all = lines.map((words) => words.filter((word) => !word.startsWith(";")))
    .filter((words) => words.length > 0).map(parse_record);
  const soa = all.find(({ type }) => type === dns.TYPE.SOA);
  if (!soa) throw new SyntaxError("The zone has no SOA record");
  const records = Map.groupBy(all, ({ name }) => name);
  for (const name of [...records.keys()]) add_parents(records, name, soa.name);
  return { soa, records };
}

/** A record: name, seconds to live (3600 unless told), type, data. */
function parse_record([name = "", ...rest]: string[]): dns.Resource {
  const ttl = /^\d+$/.test(rest[0] ?? "") ? Number(rest.shift()) : 3600;
  const [type = "", ...words] = rest.map((word) => word.replaceAll('"', ""));
  const encode = DATA[type];
  if (!encode || words.length === 0) throw new SyntaxError(`${name}: no record of type '${type}'`);
  return { name: plain(name), ttl, type: dns.TYPE[type]!, data: encode(...words) };
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function add_parents(records: Zone["records"], name: string, top: string): void {
  for (let parent = name; is_below(parent, top); parent = parent.replace(/^[^.]*\./, "")) {
    if (!records.has(parent)) records.set(parent, []);
  }
}

function is_below(name: string, top: string): boolean {
  return name.endsWith(`.${top}`);
}

/** The data of a record of each type, made of the words in a zone file. */
const DATA: Record<string, (...words: string[]) => number[]> = {
  A: (address) => isIPv4(address) ? address.split(".").map(Number) : malformed(address),
  AAAA: (address) => isIPv6(address) ? ipv6_bytes(address) : malformed(address),
  SOA: (server, mail, ...times) =>
    [server, mail].flatMap((name) => dns.name_bytes(name)).concat(
      times.map(Number).flatMap(dns.u32),
    ),
  TXT: (...texts) => texts.flatMap(text_bytes),
  HINFO: (...texts) => texts.flatMap(text_bytes),
};

function ipv6_bytes(address: string): number[] {
  // A URL has the shortest form, without an IPv4 address at its end.
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = [], tail = []] = short.split("::").map((part) => part.match(/[^:]+/g) ?? []);
  const zeros = Array(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail].flatMap((group) => dns.u16(parseInt(group, 16)));
}

/** As many strings as are needed: one has at most 255 bytes. */
function text_bytes(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  const strings: number[][] = [];
  do strings.push(bytes.splice(0, 255)); while (bytes.length > 0);
  return strings.flatMap((string) => [string.length, ...string]);
}

function malformed(word: string): never {
  throw new SyntaxError(`'${word}' is malformed`);
}

/** What a query for ANY gets over UDP instead of all records (RFC 8482): who asks is unproven. */
const NO_ANY = parse_record([".", "HINFO", "RFC8482", '""']);

/** What a zone says to a query. */
export function look_up({ soa, records }: Zone, query: dns.Query, over_udp: boolean): dns.Findings {
  const { name, type, edns } = query;
  if (edns && edns.version > 0) return { rcode: dns.RCODE.BADVERS };
  const known = query.class === dns.IN && (name === soa.name || is_below(name, soa.name));
  if (!known || dns.TRANSFERS.includes(type)) return { rcode: dns.RCODE.REFUSED };
  const there = records.get(name);
  const answers = matching(there ?? [], type, over_udp);
  return {
    rcode: there ? dns.RCODE.NOERROR : dns.RCODE.NXDOMAIN,
    answers,
    // It says how long this stays true.
    authority: answers.length > 0 ? [] : [soa],
  };
}

function matching(records: dns.Resource[], type: number, over_udp: boolean): dns.Resource[] {
  if (type !== dns.TYPE.ANY) return records.filter((record) => record.type === type);
  return over_udp && records.length > 0 ? [NO_ANY] : records;
}
