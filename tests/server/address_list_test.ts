import { assert, assertEquals, assertThrows } from "@std/assert";
import { is_listed } from "../../server/address_list.ts";

const at = (hostname: string) => ({ transport: "tcp", hostname, port: 5 });

Deno.test("is_listed() knows addresses and blocks of both families, and IPv4 in the form of IPv6", () => {
  const list = ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "fe80::/10", "::ffff:198.51.100.0/120"];
  const on = ["10.0.0.0", "10.255.255.255", "192.0.2.1", "::ffff:10.1.2.3", "2001:db8:ffff::1"];
  for (const hostname of [...on, "fe80::1%eth0", "198.51.100.7", "::ffff:192.0.2.1"]) {
    assert(is_listed(at(hostname), list), hostname);
  }
  for (
    const hostname of ["11.0.0.0", "192.0.2.2", "2001:db9::1", "::1", "198.51.101.1", "", "a name"]
  ) {
    assert(!is_listed(at(hostname), list), hostname);
  }
});

Deno.test("is_listed() has everybody on the lists of all addresses, but nobody without one", () => {
  for (const all of [["*"], ["10.0.0.1", "*"], ["0.0.0.0/0", "::/0"]]) {
    for (const hostname of ["1.2.3.4", "::1", "::ffff:1.2.3.4"]) {
      assert(is_listed(at(hostname), all), hostname);
    }
    for (const address of [{ transport: "unix", path: "" }, "list", null, undefined]) {
      assert(!is_listed(address, all));
    }
  }
  assertEquals(is_listed(at("1.2.3.4"), []), false);
});

Deno.test("is_listed() refuses a list that nobody has checked", () => {
  assertThrows(() => is_listed(at("1.2.3.4"), ["1.2.3.4/33"]), RangeError, "1.2.3.4/33");
});
