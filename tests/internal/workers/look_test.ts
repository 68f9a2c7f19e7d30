import { assertEquals } from "@std/assert";
import { is_small_and_plain, look_at, MAX_DEPTH } from "../../../internal/workers/look.ts";
import { deep, KINDS } from "../../fixtures/tools/deep_values.ts";

Deno.test("look_at() knows how deep a value of any kind is, also one that overflows every stack", () => {
  for (const kind of KINDS.filter((kind) => kind !== "getter")) {
    assertEquals(look_at(deep(kind, MAX_DEPTH)).is_deep, false, kind);
    assertEquals(look_at(deep(kind, MAX_DEPTH + 1)).is_deep, true, kind);
    assertEquals(look_at(deep(kind, 50_000)).is_deep, true, kind);
    // Beside others, and in a long array.
    assertEquals(look_at([...Array(2000).fill({}), deep(kind, MAX_DEPTH)]).is_deep, true, kind);
  }
});

Deno.test("look_at() goes round no cycle, and through no object twice", () => {
  const cycle: Record<string, unknown> = {};
  cycle.itself = { cycle };
  assertEquals(look_at(cycle).is_deep, false);
  const ring = deep("object", MAX_DEPTH - 1) as Record<string, unknown>;
  const last = { ring };
  assertEquals(look_at(Object.assign(ring, { last })).is_deep, false);
  // 2 ** 400 paths.
  let shared: unknown = {};
  for (let at = 0; at < 400; at++) shared = [shared, shared];
  assertEquals(look_at(shared).is_deep, false);
});

Deno.test("look_at() counts as structured cloning does, which takes what it has seen as seen", () => {
  const chain: Record<string, unknown>[] = [{}];
  for (let at = 0; at < MAX_DEPTH; at++) chain.push({ next: chain.at(-1) });
  assertEquals(look_at(chain).is_deep, false);
  assertEquals(look_at(chain.toReversed()).is_deep, true);
});

Deno.test("look_at() runs no code of a value", () => {
  const traps = new Proxy({}, {
    get: (_target, name) => () => {
      throw new Error(`${String(name)} was run`);
    },
  });
  class Odd extends Map<unknown, unknown> {
    override forEach(): void {
      throw new Error("forEach() was run");
    }
    get inherited(): unknown {
      throw new Error("an inherited getter was run");
    }
  }
  const getter = Object.defineProperty({}, "odd", {
    enumerable: true,
    get() {
      throw new Error("a getter was run");
    },
  });
  const error = Object.defineProperty(new Error("odd"), "cause", {
    get: () => deep("object", 9999),
  });
  const value = [new Proxy({}, traps), new Odd([["a", 1]]), getter, error];
  assertEquals(look_at(value), {
    is_small_and_plain: false,
    is_deep: false,
    has_getters: true,
    platform_objects: [],
  });
});

Deno.test("look_at() is done at once with arrays whose elements are not there", () => {
  const sparse: unknown[] = [];
  sparse[4_000_000_000] = deep("object", MAX_DEPTH);
  assertEquals(look_at(sparse).is_deep, true);
});

Deno.test("is_small_and_plain() is true of what can surely be cloned", () => {
  const fixed = new Uint8Array(4);
  const plain = [1, "a", null, undefined, fixed, { a: [fixed] }, Object.create(null)];
  for (const value of [...plain, plain]) assertEquals(is_small_and_plain(value), true);
  const detached = new Uint8Array(4);
  detached.buffer.transfer();
  const odd = [() => 1, Symbol("odd"), new Proxy({}, {}), detached, new Map(), new WeakMap()];
  for (const value of odd) assertEquals(is_small_and_plain([value]), false);
  assertEquals(is_small_and_plain(Array.from({ length: 64 }, () => ({}))), false);
});
