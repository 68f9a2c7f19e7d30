/** Values with what is not copied in them, on their way. */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { Lock } from "../../../concurrency/threading/mod.ts";
import { pack, refuse_uncloneable_value, unpack } from "../../../internal/shared/travel.ts";
import { CARRIED } from "../../fixtures/handlers/carried_functions.ts";
import { Linked } from "../../fixtures/tools/linked.ts";

/** A value as it comes to the other end, and back. */
async function there_and_back(value: unknown): Promise<[there: unknown, back: unknown]> {
  const { home, away } = new Linked();
  const there = await unpack(structuredClone(pack(value, home)), away);
  return [there, await unpack(structuredClone(pack(there, away)), home)];
}

Deno.test("travel: an object is a stub at the other end, the same one each time, and itself at home", async () => {
  const { home, away } = new Linked();
  const queue = new Queue<unknown>();
  const send = () => unpack(structuredClone(pack({ list: [queue, queue] }, home)), away);
  const first = await send() as { list: Queue<unknown>[] };
  const second = await send() as { list: Queue<unknown>[] };
  const [stub] = first.list;
  assertInstanceOf(stub, Queue);
  assert(stub !== queue);
  for (const other of [...first.list, ...second.list]) assert(other === stub);
  assert(await unpack(structuredClone(pack(stub, away)), home) === queue);
});

Deno.test("travel: objects and functions deep in values, and as the value itself", async () => {
  const { double } = CARRIED;
  const lock = new Lock();
  const makers: ((inner: unknown) => unknown)[] = [
    (inner) => inner,
    (inner) => [inner],
    (inner) => ({ inner }),
    (inner) => [[1, { list: [undefined, inner, 2] }], "x"],
    (inner) => Object.fromEntries([["__proto__", { inner }], ["x", 1]]),
    (inner) => ({ "a.b": { "": inner, length: 3 } }),
  ];
  for (const make of makers) {
    for (const inner of [lock, double]) {
      const value = make(inner);
      const [there, back] = await there_and_back(value);
      assertEquals(Deno.inspect(there), Deno.inspect(value));
      assertEquals(back, value);
      // What was sent is as it was.
      assertEquals(value, make(inner));
    }
  }
  assertEquals(({} as Record<string, unknown>).inner, undefined);
});

Deno.test("travel: what has nothing of the kind is not looked at twice, and not changed", () => {
  const { home } = new Linked();
  const values = [1, "text", { yours: 1 }, [{ mine: 1, kind: {} }], new Map([["yours", 1]])];
  for (const value of values) {
    const packed = pack(value, home);
    assertEquals(Object.keys(packed), ["value"]);
    assert(packed.value === value);
  }
});

Deno.test("travel: an object where it is not looked for cannot be cloned", () => {
  const { home } = new Linked();
  const lock = new Lock();
  const many = Array.from({ length: 2000 }, () => ({}));
  const cycle: Record<string, unknown> = { lock };
  cycle.cycle = cycle;
  for (const value of [new Map([["lock", lock]]), new Set([lock]), [many, lock], cycle]) {
    const error = assertThrows(() => structuredClone(pack(value, home).value), DOMException);
    assertEquals(error.name, "DataCloneError");
    const refused = assertThrows(() => refuse_uncloneable_value("an item", value), DOMException);
    assertEquals(refused.name, "DataCloneError");
  }
});

Deno.test("travel: nothing is told to an end that is no more", () => {
  const { home } = new Linked();
  const queue = new Queue<unknown>();
  home.closed();
  assertThrows(() => pack(queue, home), Deno.errors.BadResource);
});
