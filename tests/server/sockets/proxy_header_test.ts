import { assertEquals, assertThrows } from "@std/assert";
import { crc32c } from "../../../server/sockets/crc32c.ts";
import { type ProxyHeader, ProxyHeaderParser } from "../../../server/sockets/proxy_header.ts";
import { hex, SIGNATURE, v2 } from "../../fixtures/clients/proxy_headers.ts";

const ENCODER = new TextEncoder();
const REST = "the client's own";

function line(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(text);
}

/** A header that ends with a checksum of zeros gets the right one. */
function checked(header: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  new DataView(header.buffer).setUint32(header.length - 4, crc32c(header));
  return header;
}

const PATHS = [..."/run/a", ..."/run/b"].map((letter) =>
  letter.charCodeAt(0).toString(16).padStart(2, "0")
);
const UNIX = PATHS.slice(0, 6).join("").padEnd(216, "0") + PATHS.slice(6).join("").padEnd(216, "0");
const FROM_7F = { transport: "tcp", hostname: "127.0.0.1", port: 50_000 } as const;
const TO_0A = { transport: "tcp", hostname: "10.0.0.2", port: 443 } as const;
const IPV4 = "7f000001 0a000002 c350 01bb";

const GOOD: Record<string, [Uint8Array<ArrayBuffer>, ProxyHeader]> = {
  "version 1, IPv4": [line("PROXY TCP4 127.0.0.1 10.0.0.2 50000 443\r\n"), {
    version: 1,
    command: "PROXY",
    source: FROM_7F,
    destination: TO_0A,
    tlvs: [],
  }],
  "version 1, IPv6, in its short form": [
    line("PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::ffff:1.2.3.4 1 65535\r\n"),
    {
      version: 1,
      command: "PROXY",
      source: { transport: "tcp", hostname: "2001:db8::1", port: 1 },
      destination: { transport: "tcp", hostname: "::ffff:1.2.3.4", port: 65_535 },
      tlvs: [],
    },
  ],
  "version 1, the longest line": [
    line(`PROXY UNKNOWN ${"f".repeat(107 - 16)}\r\n`),
    { version: 1, command: "LOCAL", tlvs: [] },
  ],
  "version 1, unknown": [line("PROXY UNKNOWN\r\n"), { version: 1, command: "LOCAL", tlvs: [] }],
  "version 2, IPv4": [v2("2111", IPV4), {
    version: 2,
    command: "PROXY",
    source: FROM_7F,
    destination: TO_0A,
    tlvs: [],
  }],
  "version 2, IPv6": [
    v2("2121", "20010db8000000000000000000000001 00000000000000000000ffff01020304 c350 01bb"),
    {
      version: 2,
      command: "PROXY",
      source: { transport: "tcp", hostname: "2001:db8::1", port: 50_000 },
      destination: { transport: "tcp", hostname: "::ffff:1.2.3.4", port: 443 },
      tlvs: [],
    },
  ],
  "version 2, datagrams": [v2("2112", IPV4), {
    version: 2,
    command: "PROXY",
    source: { ...FROM_7F, transport: "udp" },
    destination: { ...TO_0A, transport: "udp" },
    tlvs: [],
  }],
  "version 2, Unix": [v2("2131", UNIX), {
    version: 2,
    command: "PROXY",
    source: { transport: "unix", path: "/run/a" },
    destination: { transport: "unix", path: "/run/b" },
    tlvs: [],
  }],
  "version 2, the proxy itself": [
    v2("2000", ""),
    { version: 2, command: "LOCAL", tlvs: [] },
  ],
  "version 2, the proxy itself, with what is passed over": [
    v2("2011", `${IPV4} ff`),
    { version: 2, command: "LOCAL", tlvs: [] },
  ],
  "version 2, no addresses": [
    v2("2100", "05 0001 2a"),
    { version: 2, command: "PROXY", tlvs: [{ type: 5, value: Uint8Array.of(42) }] },
  ],
  "version 2, something added, nothing, and a checksum": [
    checked(v2("2111", `${IPV4} 01 0002 6832 04 0003 000000 03 0004 00000000`)),
    {
      version: 2,
      command: "PROXY",
      source: FROM_7F,
      destination: TO_0A,
      tlvs: [{ type: 1, value: line("h2") }, { type: 3, value: Uint8Array.of() }],
    },
  ],
};

const BAD: Record<string, [Uint8Array<ArrayBuffer>, string]> = {
  "HTTP": [line("GET / HTTP/1.0\r\n\r\n"), "does not begin"],
  "TLS": [hex("1603010200010001fc0303"), "does not begin"],
  "a line in small letters": [line("proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n"), "does not begin"],
  "a line with a tab": [line("PROXY\tTCP4 1.1.1.1 2.2.2.2 1 2\r\n"), "does not begin"],
  "a line without CR": [line("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n"), "CR and LF"],
  "a line without an end": [line(`PROXY UNKNOWN ${"x".repeat(93)}`), "within 107"],
  "a line that is too long": [line(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`), "within 107"],
  "no addresses": [line("PROXY TCP4\r\n"), "malformed"],
  "another family": [line("PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n"), "malformed"],
  "a number with a zero before it": [line("PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n"), "malformed"],
  "a number that is too large": [line("PROXY TCP4 300.1.1.1 2.2.2.2 1 2\r\n"), "malformed"],
  "a port with a zero before it": [line("PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n"), "malformed"],
  "a port that is too large": [line("PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n"), "65536"],
  "two spaces": [line("PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n"), "malformed"],
  "a space at the end": [line("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n"), "malformed"],
  "IPv6 as IPv4": [line("PROXY TCP4 ::1 2.2.2.2 1 2\r\n"), "malformed"],
  "IPv4 as IPv6": [line("PROXY TCP6 ::1 2.2.2.2 1 2\r\n"), "malformed"],
  "IPv6 with a zone": [line("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"), "malformed"],
  "version 2, another signature": [hex("0d0a0d0a000d0a515549540b"), "does not begin"],
  "version 3": [v2("3111", IPV4), "version"],
  "version 2, another command": [v2("2211", IPV4), "command"],
  "version 2, another family": [v2("2141", IPV4), "family"],
  "version 2, another protocol": [v2("2113", IPV4), "family"],
  "version 2, too short": [v2("2111", IPV4.slice(0, -2)), "too short"],
  "version 2, 65,535 bytes": [hex(`${SIGNATURE} 2111 ffff`), "65551 bytes"],
  "version 2, one byte too long": [hex(`${SIGNATURE} 2111 0ff1`), "4097 bytes"],
  "version 2, a value past the end": [v2("2111", `${IPV4} 01 00ff 00`), "cut"],
  "version 2, a length past the end": [v2("2111", `${IPV4} 01 00`), "cut"],
  "version 2, a wrong checksum": [v2("2111", `${IPV4} 03 0004 00000001`), "wrong"],
  "version 2, a short checksum": [v2("2111", `${IPV4} 03 0003 000000`), "another kind"],
};

/** Feeds a parser in pieces; gives what it gave, and what was left to feed. */
function fed(bytes: Uint8Array<ArrayBuffer>, size: number) {
  const parser = new ProxyHeaderParser();
  for (let at = 0; at < bytes.length; at += size) {
    const parsed = parser.feed(bytes.subarray(at, at + size));
    if (parsed) return { ...parsed, rest: [...parsed.rest, ...bytes.subarray(at + size)] };
  }
  return undefined;
}

for (const [name, [bytes, header]] of Object.entries(GOOD)) {
  for (const [how, size] of [["whole", 10_000], ["byte by byte", 1], ["in sevens", 7]] as const) {
    Deno.test(`a PROXY header, ${how}: ${name}`, () => {
      const parsed = fed(Uint8Array.of(...bytes, ...ENCODER.encode(REST)), size);
      // What a checksum is depends on the rest of the header.
      for (const tlv of parsed?.header.tlvs ?? []) if (tlv.type === 3) tlv.value = Uint8Array.of();
      assertEquals(parsed, { header, rest: [...ENCODER.encode(REST)] });
    });
  }
  Deno.test(`a PROXY header that is cut is not one yet: ${name}`, () => {
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(new ProxyHeaderParser().feed(bytes.subarray(0, length)), undefined);
    }
  });
}

for (const [name, [bytes, why]] of Object.entries(BAD)) {
  for (const [how, size] of [["whole", 10_000], ["byte by byte", 1]] as const) {
    Deno.test(`no PROXY header, ${how}: ${name}`, () => {
      assertThrows(() => fed(bytes, size), Deno.errors.InvalidData, why);
    });
  }
}

Deno.test("no PROXY header: what is wrong is known at once", () => {
  assertThrows(() => new ProxyHeaderParser().feed(line("G")), Deno.errors.InvalidData);
  // Refused before the rest is waited for.
  assertThrows(
    () => new ProxyHeaderParser().feed(hex(`${SIGNATURE} 2111 ffff`)),
    Deno.errors.InvalidData,
  );
});

Deno.test("CRC32c is that of RFC 3720", () => {
  assertEquals(crc32c(new Uint8Array(32)), 0x8a91_36aa);
  assertEquals(crc32c(line("123456789")), 0xe306_9283);
});
