import { assertEquals, assertThrows } from "@std/assert";
import { type ServerOptions, settings_of } from "../../server/options.ts";

/** What lists of addresses may be, and what they may not. */
const LISTS = [
  [],
  ["*"],
  ["10.0.0.1"],
  ["10.0.0.0/8", "::1", "fe80::/10", "0.0.0.0/0", "::ffff:1.2.3.4"],
];
const NO_LISTS = [
  ...["10.0.0.1", "*", true, 1, [1], [["10.0.0.1"]], [""], ["localhost"], ["10.0.0"], ["10.0.0/8"]],
  ...[["10.0.0.1/33"], ["::/129"], ["10.0.0.0/"], ["10.0.0.1/8/8"], ["10.0.0.1/-1"], ["*/8"]],
  ...[["10.0.0.1:80"], ["10.0.0.1 "], ["fe80::1%lo"]],
];

/** What the options of a server may be, and what they may not. */
const CASES: Record<keyof ServerOptions, { good: unknown[]; bad: unknown[] } | undefined> = {
  bind_and_activate: undefined, // is no setting
  timeout: { good: [null, 0, 0.5, 1000, Infinity], bad: [-1, NaN, "1", true] },
  request_queue_size: { good: [1, 4096], bad: [0, -1, 1.5, NaN, Infinity, null, "1"] },
  max_requests: { good: [1, 40, Infinity], bad: [0, -1, 1.5, NaN, -Infinity, null, "1"] },
  overflow: { good: ["queue", "refuse"], bad: ["Queue", "", null, true, 1] },
  max_requests_per_client: { good: [1, 40, Infinity], bad: [0, -1, 1.5, NaN, null, "1"] },
  max_accepts_per_second: { good: [1, 40, Infinity], bad: [0, -1, 1.5, NaN, null, "1"] },
  max_connection_age: { good: [null, 0, 1000, Infinity], bad: [-1, NaN, "1", true] },
  allow: { good: [...LISTS, null], bad: NO_LISTS },
  deny: { good: [...LISTS, null], bad: NO_LISTS },
  request_timeout: { good: [null, 0, 1000, Infinity], bad: [-1, NaN, "1", true] },
  allow_reuse_address: { good: [true, false], bad: [1, 0, null, "true"] },
  allow_reuse_port: { good: [true, false], bad: [1, 0, null, "true"] },
  linger: { good: [0, 1000, Infinity], bad: [-1, NaN, null, "1"] },
  max_packet_size: { good: [1, 65_507], bad: [0, -1, 1.5, NaN, Infinity, null, "1"] },
  broadcast: { good: [true, false], bad: [1, 0, null, "true"] },
  multicast_groups: {
    good: [[], ["224.0.0.1"], ["239.1.2.3%10.0.0.1", "ff02::1234", "ff02::1234%eth0"]],
    bad: [null, "224.0.0.1", ["10.0.0.1"], ["::1"], ["%eth0"], [1], [""]],
  },
  proxy_protocol: { good: ["off", "required"], bad: ["on", "optional", true, null] },
  trusted_proxies: { good: LISTS, bad: [...NO_LISTS, null] },
  proxy_timeout: { good: [0, 3000, Infinity], bad: [-1, NaN, null, "1"] },
  tls: undefined, // has tests of its own
  handshake_timeout: { good: [0, 5000, Infinity], bad: [-1, NaN, null, "1"] },
  inherit: { good: [true, false, 0, 3, "web"], bad: ["", -1, 1.5, NaN, null] },
  max_children: { good: [1, 40], bad: [0, -1, 1.5, NaN, Infinity, null, "1"] },
  max_workers: { good: [1, 64], bad: [0, -1, 1.5, NaN, Infinity, null, "1"] },
  max_requests_per_worker: { good: [1, 9, Infinity], bad: [0, -1, 1.5, NaN, null, "1"] },
  daemon_threads: { good: [true, false], bad: [1, 0, null, "true"] },
  block_on_close: { good: [true, false], bad: [1, 0, null, "true"] },
  observer: { good: [null, console.log], bad: [true, "log", {}, []] },
};

for (const [name, values] of Object.entries(CASES)) {
  if (!values) continue;

  Deno.test(`settings_of() takes good values of ${name}`, () => {
    for (const value of values.good) {
      assertEquals(settings_of({}, { [name]: value }), { [name]: value });
    }
  });

  Deno.test(`settings_of() refuses bad values of ${name}, by name`, () => {
    for (const value of values.bad) {
      const words = `Cannot use ${name} = ${Deno.inspect(value)}: it must be`;
      assertThrows(() => settings_of({}, { [name]: value }), RangeError, words);
    }
  });
}

Deno.test("settings_of() refuses options of other names, and what are no options", () => {
  for (const name of ["max_request", "grace", "toString", "__proto__x"]) {
    assertThrows(() => settings_of({}, { [name]: 1 }), TypeError, `the option "${name}"`);
  }
  for (const options of [false, null, 5]) {
    const words = `Cannot use ${options} as options`;
    assertThrows(() => settings_of({}, options as ServerOptions), TypeError, words);
  }
});

class Server {
  static timeout: number | null = 100;
  static overflow = "refuse";
}

class Derived extends Server {
  static override timeout = 200;
}

Deno.test("settings_of() takes the static properties of the class, inherited ones too", () => {
  assertEquals(settings_of(new Server(), {}), { timeout: 100, overflow: "refuse" });
  assertEquals(settings_of(new Derived(), {}), { timeout: 200, overflow: "refuse" });
});

Deno.test("settings_of() lets options win over static properties", () => {
  const options: ServerOptions = { timeout: null, linger: 0 };
  assertEquals(settings_of(new Derived(), options), {
    timeout: null,
    overflow: "refuse",
    linger: 0,
  });
});

Deno.test("settings_of() takes an option that is undefined as not given", () => {
  const options = { timeout: undefined, linger: undefined } as unknown as ServerOptions;
  assertEquals(settings_of(new Server(), options), { timeout: 100, overflow: "refuse" });
});

Deno.test("settings_of() checks static properties, too", () => {
  class Wrong extends Server {
    static override timeout = -1;
  }
  assertThrows(() => settings_of(new Wrong(), {}), RangeError, "timeout = -1");
  assertEquals(settings_of(new Wrong(), { timeout: 1 }).timeout, 1);
});

Deno.test("settings_of() leaves out what is no setting", () => {
  assertEquals(settings_of({}, { bind_and_activate: false }), {});
});
