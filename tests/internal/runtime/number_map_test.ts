import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { NumberMap } from "../../../internal/runtime/number_map.ts";

/** Some have one bucket, and some are no small numbers. */
const KEYS = [0, 1, 2, 15, 16, 17, 32, 33, 1024, 2 ** 31, 2 ** 32 + 1, 2 ** 40, -1, -16];

Deno.test("NumberMap has what a Map has, in its order", () => {
  const change = fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom("set", "delete", "clear"));
  fc.assert(fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
    const map = new Map<number, number>();
    const numbers = new NumberMap<number>();
    for (const [at, [key, what]] of changes.entries()) {
      if (what === "set") {
        map.set(key, at);
        numbers.set(key, at);
      } else if (what === "delete") {
        assertEquals(numbers.delete(key), map.delete(key));
      } else if (at % 10 === 0) {
        map.clear();
        numbers.clear();
      }
      assertEquals(numbers.size, map.size);
    }
    assertEquals(numbers.values(), [...map.values()]);
    assertEquals(numbers.first, map.values().next().value);
    for (const key of KEYS) {
      assertEquals(numbers.get(key), map.get(key));
      assertEquals(numbers.has(key), map.has(key));
    }
  }));
});

Deno.test("NumberMap finds each of many, in whatever order they go", () => {
  const numbers = new NumberMap<number>();
  for (let key = 0; key < 5000; key++) numbers.set(key * 3, key);
  for (let key = 0; key < 5000; key += 2) assert(numbers.delete(key * 3));
  for (let key = 0; key < 5000; key++) {
    assertEquals(numbers.get(key * 3), key % 2 === 0 ? undefined : key);
  }
  assertEquals(numbers.size, 2500);
});

Deno.test("NumberMap has nothing under what is no number", () => {
  const numbers = new NumberMap<string>();
  numbers.set(16, "sixteen");
  for (
    const key of ["16", null, undefined, NaN, 16.5, [16], -16, 16n, { toString: 1, valueOf: 1 }]
  ) {
    assertEquals(numbers.get(key as number), undefined);
    assertEquals(numbers.delete(key as number), false);
  }
});

Deno.test("NumberMap is quick whatever keys a child chooses", () => {
  const begun = performance.now();
  for (const step of [2 ** 16, 2 ** 20, 2 ** 32]) {
    const numbers = new NumberMap<number>();
    for (let at = 0; at < 60_000; at++) {
      if (!numbers.has(at * step)) numbers.set(at * step, at);
    }
    assertEquals(numbers.size, 60_000);
  }
  // 0.1 s; where all of them are in one bucket it takes 10 s for each step.
  assert(performance.now() - begun < 5000);
});
