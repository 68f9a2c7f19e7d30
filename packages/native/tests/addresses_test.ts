import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { HAS_NATIVE } from "../../../tests/fixtures/servers/named_servers.ts";
import { Addresses } from "../addresses.ts";
import { C } from "../libc.ts";
import { LibcUser } from "../libc_user.ts";

const FAMILIES = { IPv4: C.AF_INET, IPv6: C.AF_INET6 } as const;

for (const [name, family] of Object.entries(FAMILIES)) {
  Deno.test({
    name: `${name}: addresses are written and read well, however many there were`,
    ignore: !HAS_NATIVE,
    fn() {
      using libc = new LibcUser();
      const addresses = new Addresses(libc, family);
      const bytes = new Uint8Array(new ArrayBuffer(32));
      const place = { bytes, words: new Uint32Array(bytes.buffer) };
      for (let n = 0; n < 10_000; n++) {
        const hostname = `127.${n & 1}.${n >> 8}.${n & 255}`;
        const address: Deno.NetAddr = { transport: "udp", hostname, port: n };
        addresses.write(address, place, 0);
        assertEquals(addresses.read(place, 0), address);
      }
    },
  });
}

Deno.test({
  name: "an address of an interface that is not there is refused, not sent to any other",
  ignore: !HAS_NATIVE,
  fn() {
    using libc = new LibcUser();
    const addresses = new Addresses(libc, C.AF_INET6);
    const bytes = new Uint8Array(new ArrayBuffer(32));
    const place = { bytes, words: new Uint32Array(bytes.buffer) };
    const to = (zone: string): Deno.NetAddr => ({
      transport: "udp",
      hostname: `fe80::1%${zone}`,
      port: 9,
    });
    for (let time = 0; time < 2; time++) {
      assertThrows(() => addresses.write(to("none"), place, 0), Error, "fe80::1%none: no such");
    }
    addresses.write(to(`${2 ** 32 + 1}`), place, 0);
    assertNotEquals(addresses.read(place, 0), to("1"));
    addresses.write(to("lo"), place, 0);
    assertEquals(addresses.read(place, 0), to("1"));
  },
});
