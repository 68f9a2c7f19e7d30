/** Which values can wait to be sent, and that nobody can change them then. */
import { assert, assertEquals } from "@std/assert";
import { CANNOT_WAIT, copy_that_waits } from "../../../internal/shared/waiting_copy.ts";

Deno.test("copy_that_waits: small and plain values are copied", () => {
  const values = [
    undefined,
    null,
    1,
    1n,
    "text",
    [],
    {},
    [1, [2, { three: [3] }]],
    { list: [null, undefined], text: "x" },
    JSON.parse('{"__proto__": {"polluted": true}}'),
    Array.from({ length: 64 }, (_, at) => at),
  ];
  for (const value of values) {
    const copy = copy_that_waits(value);
    assertEquals(copy, value);
    if (typeof value === "object" && value !== null) assert(copy !== value);
  }
  const inner = { list: [1] };
  const copy = copy_that_waits({ inner }) as { inner: typeof inner };
  inner.list.push(2);
  assertEquals(copy, { inner: { list: [1] } });
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
});

Deno.test("copy_that_waits: all others cannot wait", () => {
  const cycle: Record<string, unknown> = {};
  cycle.cycle = cycle;
  const named = Object.assign([1], { name: "x" });
  class Own {}
  const values = [
    Symbol("odd"),
    () => 1,
    new Date(),
    new Map(),
    new Error("odd"),
    new Uint8Array(1),
    new ArrayBuffer(1),
    new SharedArrayBuffer(1),
    new Own(),
    new Proxy({}, {}),
    Object.create(null),
    Object.create([]),
    [, 1], // deno-lint-ignore no-sparse-arrays
    named,
    cycle,
    "x".repeat(65).split(""),
    Array.from({ length: 8 }, () => Array.from({ length: 8 }, () => 1)),
  ];
  for (const value of values) {
    assert(copy_that_waits(value) === CANNOT_WAIT, Deno.inspect(value));
    assert(copy_that_waits({ inner: [value] }) === CANNOT_WAIT, Deno.inspect(value));
  }
});
