import { assert, assertEquals } from "@std/assert";
import {
  address_of,
  is_bare,
  is_bare_host,
  letter_of,
  packet_of,
} from "../../../server/pooled/letter.ts";

const UDP: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: 7 };
const UNIX: Deno.UnixAddr = { transport: "unixpacket", path: "/a/path" };

Deno.test("a letter brings every byte, however many there are, and is a copy", () => {
  const bytes = Uint8Array.from({ length: 2000 }, (_, at) => at % 256);
  for (const length of [0, 1, 64, 65, 256, 1023, 1024, 1025, 2000]) {
    const packet = bytes.slice(0, length);
    const letter = letter_of(packet.subarray(), UDP);
    packet.fill(0);
    assertEquals(packet_of(structuredClone(letter)[0]), bytes.slice(0, length), `${length}`);
  }
});

Deno.test("a letter holds nothing of what is around its bytes", () => {
  for (const length of [10, 1500]) {
    const [packet] = letter_of(new Uint8Array(4096).subarray(0, length), UDP);
    assertEquals(typeof packet === "string" ? packet.length : packet.buffer.byteLength, length);
  }
});

Deno.test("what is sent on with a packet that has travelled is little: a clone has all that is around it", () => {
  for (let count = 0; count < 100; count++) {
    const packet = packet_of(letter_of(new Uint8Array(100), UDP)[0]);
    assert(structuredClone(packet).buffer.byteLength <= 4096);
  }
});

Deno.test("a letter says where it is from: a host and its port, or a path", () => {
  for (const address of [UDP, UNIX, { ...UNIX, path: "" }]) {
    const [, name, port] = letter_of(new Uint8Array(1), address);
    assertEquals(address_of(name, port), address);
  }
});

Deno.test("is_bare() is true only of an address of which a letter says all", () => {
  assert(is_bare(UDP));
  assert(is_bare(UNIX));
  assert(is_bare_host({ ...UDP, transport: "tcp" }, "tcp"));
  const others = [
    { ...UDP, zone: 1 },
    { ...UNIX, port: undefined },
    { ...UDP, transport: "tcp" },
    { ...UDP, port: "7" },
    { ...UDP, hostname: undefined },
    { transport: "udp", port: 7, path: "/a/path" },
    { ...UNIX, path: null },
    ["127.0.0.1", 7],
    "127.0.0.1",
    null,
    undefined,
  ];
  for (const other of others) assertEquals(is_bare(other), false, Deno.inspect(other));
});
