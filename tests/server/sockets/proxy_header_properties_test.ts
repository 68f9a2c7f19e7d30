/** Headers of the PROXY protocol as another program writes them, and what is none: however the bytes come. */
import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { type ProxyHeader, ProxyHeaderParser } from "../../../server/sockets/proxy_header.ts";
import { SIGNATURE } from "../../fixtures/clients/proxy_headers.ts";
import { bytes_of, concat } from "../../fixtures/tools/bytes.ts";
import {
  type Change,
  changed,
  changes,
  cut,
  places,
  runs,
  some_bytes,
} from "../../fixtures/tools/fuzz.ts";

/** The longest headers that are read, in bytes, by their versions. */
const LONGEST = { 1: 107, 2: 4096 };

/** What a header must say: addresses as their bytes, as there are several ways to write one. */
interface Said {
  version: 1 | 2;
  command: "PROXY" | "LOCAL";
  from?: string;
  to?: string;
  tlvs: [type: number, value: string][];
}

/** A header, and what it says. */
interface Header {
  bytes: Uint8Array<ArrayBuffer>;
  said: Said;
  /** Where the addresses of version 2 end. */
  end?: number;
}

/** An address in one way: its transport, its bytes and its port, or its path. */
function plain(addr: Deno.Addr | undefined): string | undefined {
  if (!addr) return undefined;
  if (!("hostname" in addr)) return `${addr.transport} ${(addr as Deno.UnixAddr).path}`;
  const bytes = addr.hostname.includes(":")
    ? ipv6_bytes(addr.hostname)
    : addr.hostname.split(".").map(Number);
  return `${addr.transport} ${bytes.join(".")} ${addr.port}`;
}

/** The 16 bytes of an IPv6 address. */
function ipv6_bytes(text: string): number[] {
  const dotted = /[\d.]*$/.exec(text)![0];
  const [one, two, three, four] = dotted.split(".").map(Number) as [number, number, number, number];
  const hex = dotted.includes(".")
    ? text.slice(0, -dotted.length) + (one * 256 + two).toString(16) + ":" +
      (three * 256 + four).toString(16)
    : text;
  const [head, tail] = hex.split("::").map((part) => part === "" ? [] : part.split(":"));
  const left = 8 - head!.length - (tail?.length ?? 0);
  const groups = tail ? [...head!, ...Array.from({ length: left }, () => "0"), ...tail] : head!;
  return groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]);
}

/** Castagnoli's polynomial, bit by bit. */
function checksum(bytes: Uint8Array): number {
  let rest = 0xffff_ffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0x82f6_3b78 : 0);
  }
  return ~rest >>> 0;
}

const port = fc.nat(65_535);
const two = <T>(one: fc.Arbitrary<T>) => fc.tuple(one, one);

const line: fc.Arbitrary<Header> = fc.oneof(
  ...([["TCP4", fc.ipV4()], ["TCP6", fc.ipV6()]] as const).map(([family, address]) =>
    fc.record({ hosts: two(address), ports: two(port) }).map(({ hosts: [a, b], ports: [c, d] }) => {
      const said = (hostname: string, port: number) => plain({ transport: "tcp", hostname, port })!;
      return {
        bytes: bytes_of(`PROXY ${family} ${a} ${b} ${c} ${d}\r\n`).slice(),
        said: { version: 1, command: "PROXY", from: said(a, c), to: said(b, d), tlvs: [] },
      } as Header;
    })
  ),
  fc.array(fc.constantFrom(..." TCP4é"), { maxLength: 40 }).map((rest) => ({
    bytes: bytes_of(`PROXY UNKNOWN${rest.length > 0 ? " " : ""}${rest.join("")}\r\n`).slice(),
    said: { version: 1, command: "LOCAL", tlvs: [] },
  } as Header)),
);

/** Things that a proxy adds: 3 is a checksum, 4 is nothing, and both have values of their own. */
const added = fc.array(
  fc.record({ type: fc.integer({ min: 5, max: 255 }), value: some_bytes(40) }),
  { maxLength: 4 },
);
const path = fc.array(fc.constantFrom(..."/run/a.sock-é\ufeff"), { maxLength: 50 })
  .map((letters) => letters.join(""));

/** The bytes of two addresses, and what they say. */
type Addresses = { family: number; bytes: number[]; from?: string; to?: string };

const inet: fc.Arbitrary<Addresses> = fc.record({
  size: fc.constantFrom(4, 16),
  protocol: fc.constantFrom(1, 2),
  hosts: two(fc.uint8Array({ minLength: 16, maxLength: 16 })),
  ports: two(port),
}).map(({ size, protocol, hosts, ports }) => {
  const [a, b] = hosts.map((host) => [...host.subarray(0, size)]) as [number[], number[]];
  const [c, d] = ports;
  const transport = protocol === 1 ? "tcp" : "udp";
  return {
    family: (size === 4 ? 0x10 : 0x20) | protocol,
    bytes: [...a, ...b, c >> 8, c & 255, d >> 8, d & 255],
    from: `${transport} ${a.join(".")} ${c}`,
    to: `${transport} ${b.join(".")} ${d}`,
  };
});
const unix: fc.Arbitrary<Addresses> = fc.record({
  protocol: fc.constantFrom(1, 2),
  paths: two(path.filter((text) => bytes_of(text).length <= 108)),
}).map(({ protocol, paths }) => {
  const transport = protocol === 1 ? "unix" : "unixpacket";
  const bytes = paths.flatMap((text) => {
    const all = [...bytes_of(text)];
    return [...all, ...Array.from({ length: 108 - all.length }, () => 0)];
  });
  return {
    family: 0x30 | protocol,
    bytes,
    from: `${transport} ${paths[0]}`,
    to: `${transport} ${paths[1]}`,
  };
});
const nowhere: fc.Arbitrary<Addresses> = fc.constantFrom(0, 1, 2).map((protocol) => ({
  family: protocol,
  bytes: [],
}));

const binary: fc.Arbitrary<Header> = fc.record({
  addresses: fc.oneof(inet, unix, nowhere),
  added,
  is_checked: fc.boolean(),
  padding: fc.option(fc.nat(20)),
  local: fc.option(some_bytes(300), { freq: 4 }),
}).map(({ addresses: { family, bytes, from, to }, added, is_checked, padding, local }) => {
  const tlv = (type: number, value: Uint8Array) => [
    type,
    value.length >> 8,
    value.length & 255,
    ...value,
  ];
  const rest = local ? [...bytes, ...local] : [
    ...bytes,
    ...added.flatMap(({ type, value }) => tlv(type, value)),
    ...(padding === null ? [] : tlv(4, new Uint8Array(padding))),
    ...(is_checked ? tlv(3, new Uint8Array(4)) : []),
  ];
  const command = local ? 0x20 : 0x21;
  const head = [...Uint8Array.fromHex(SIGNATURE), command, family];
  const whole = Uint8Array.from([...head, rest.length >> 8, rest.length & 255, ...rest]);
  if (is_checked && !local) {
    new DataView(whole.buffer).setUint32(whole.length - 4, checksum(whole));
  }
  const tlvs = added.map(({ type, value }) => [type, value.toHex()]);
  if (is_checked) tlvs.push([3, whole.slice(-4).toHex()]);
  const said = local
    ? { version: 2, command: "LOCAL", tlvs: [] }
    : { version: 2, command: "PROXY", ...(from && { from, to }), tlvs };
  return { bytes: whole, said, end: head.length + 2 + bytes.length } as Header;
});

/** What a header says, to be compared. */
function said_by({ version, command, source, destination, tlvs }: ProxyHeader): Said {
  return {
    version,
    command,
    ...(source && { from: plain(source)!, to: plain(destination)! }),
    tlvs: tlvs.map(({ type, value }) => [type, value.toHex()]),
  };
}

/** What became of some bytes: what they say and how many that took, why not, or nothing yet. */
type Fate = { said: Said; length: number } | { why: string } | undefined;

function fed(pieces: Uint8Array[]): Fate {
  const parser = new ProxyHeaderParser();
  let length = 0;
  for (const piece of pieces) {
    try {
      const parsed = parser.feed(piece);
      length += piece.length;
      if (!parsed) continue;
      const { header, rest } = parsed;
      assertEquals(rest, piece.subarray(piece.length - rest.length));
      return { said: said_by(header), length: length - rest.length };
    } catch (error) {
      assert(error instanceof Deno.errors.InvalidData, String(error));
      return { why: error.message };
    }
  }
  return undefined;
}

function bytes_one_by_one(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

Deno.test("a PROXY header that another program wrote says what it meant, in any pieces", () => {
  fc.assert(
    fc.property(
      fc.oneof(line, binary),
      some_bytes(300),
      places,
      ({ bytes, said }, rest, places) => {
        fc.pre(bytes.length <= LONGEST[said.version]);
        const fate = { said, length: bytes.length };
        assertEquals(fed(cut(concat(bytes, rest), places)), fate);
        assertEquals(fed([bytes.subarray(0, -1)]), undefined);
      },
    ),
    runs(1000),
  );
});

const MEANS = "PROXY TCP4 TCP6 UNKNOWN 0.1:ff \r\n\u0000\ufeff";

/** A header that was tampered with, or what is none. */
const tampered = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.oneof(line, binary), changes(MEANS)) },
  { weight: 1, arbitrary: fc.tuple(some_bytes(300).map((bytes) => ({ bytes })), changes(MEANS)) },
  {
    weight: 1,
    // Lines about as long as they may be, and longer.
    arbitrary: fc.tuple(
      fc.nat(120).map((count) => ({ bytes: bytes_of(`PROXY UNKNOWN ${"x".repeat(count)}\r\n`) })),
      fc.oneof(fc.constant<Change[]>([]), changes(MEANS)),
    ),
  },
).map(([{ bytes }, list]) => changed(bytes, list));

Deno.test("what is no PROXY header is refused, the same in any pieces, and within its longest length", () => {
  fc.assert(
    fc.property(tampered, places, (bytes, places) => {
      const fate = fed([bytes]);
      assertEquals(fed(cut(bytes, places)), fate);
      assertEquals(fed(bytes_one_by_one(bytes)), fate);
      const version = bytes[0] === 13 ? 2 : 1;
      if (!fate) assertLess(bytes.length, LONGEST[version]);
      else if ("why" in fate) assert(/^Cannot read the PROXY header: \w/.test(fate.why), fate.why);
      else assert(fate.length <= LONGEST[version] && fate.length <= bytes.length);
      // It ends, one way or the other, when as much has come as a header may have.
      assert(fed([concat(bytes, new Uint8Array(LONGEST[2]).fill(10))]) !== undefined);
    }),
    runs(1000),
  );
});

/** What looks like a header, and is none: each was once taken for one. */
const FOUND: Record<string, string> = {
  "a mark of the order of bytes": "PROXY \ufeffTCP4 192.0.2.7 198.51.100.1 50000 443\r\n",
};

for (const [what, text] of Object.entries(FOUND)) {
  Deno.test(`no PROXY header: ${what}`, () => {
    const fate = fed([bytes_of(text)]);
    assert(fate && "why" in fate, JSON.stringify(fate));
  });
}

Deno.test("a PROXY header of version 2 with one bit changed has a wrong checksum, if it has one", () => {
  const checked = binary.filter(({ said }) => said.tlvs.some(([type]) => type === 3));
  fc.assert(
    fc.property(checked, fc.nat(), ({ bytes, end = 0 }, bit) => {
      const other = bytes.slice();
      // In the addresses: elsewhere it may not be the same kind of header any more.
      fc.pre(end > 16);
      const at = 16 + (bit >> 3) % (end - 16);
      other[at]! ^= 1 << (bit & 7);
      const fate = fed([other]);
      assert(fate && "why" in fate, "It was taken");
    }),
    runs(300),
  );
});
