/** What reaches another program, and what does not. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { Empty, Queue, TimeoutError } from "../../../../concurrency/multiprocessing/mod.ts";
import { ThreadPoolExecutor } from "../../../../concurrency/futures/mod.ts";
import { Managing } from "../../../fixtures/managers/managing.ts";
import type { TestManager } from "../../../fixtures/managers/test_manager.ts";
import { pattern, same_bytes } from "../../../fixtures/tools/bytes.ts";
import { soon } from "../../../fixtures/tools/waiting.ts";

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let at = 0; at < depth; at++) value = at % 2 === 0 ? [value] : { value };
  return value;
}

const VALUES: Record<string, unknown> = {
  "nothing": undefined,
  "null": null,
  "numbers": [0, -0, 1.5, -1, NaN, Infinity, -Infinity, 2 ** 53, Number.MIN_VALUE],
  "bigints": [0n, 12345678901234567890n, -(2n ** 200n)],
  "texts": ["", "ä€😀", '\u0000\n"', "\ud800 alone", "x".repeat(100_000)],
  "booleans": [true, false],
  "dates": [new Date(0), new Date(NaN), new Date(8.64e15)],
  "a Map": new Map<unknown, unknown>([["a", 1], [2, new Map([[NaN, new Set([undefined])]])]]),
  "a Map with arrays": new Map([[[1, 2], [3, [4]]]]),
  "a Set": new Set([1, "1", null, new Set()]),
  "an expression": /a+b/giu,
  "bytes": new Uint8Array([0, 1, 255]),
  "no bytes": new Uint8Array(0),
  "a part of bytes": new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  "other arrays": [new Float64Array([1.5, NaN]), new Int16Array([-1]), new BigInt64Array([5n])],
  "a buffer": new Uint8Array([1, 2]).buffer,
  "bytes in a Map in a Set": new Set([new Map([["k", new Uint8Array([9])]])]),
  "undefined inside": { a: undefined, b: [undefined, null] },
  "keys that look odd": { "$": 1, "": 2, "mine": 3, "a.b": 4, "0": 5 },
  "a deep value": nested(400),
  "rows": Array.from({ length: 1000 }, (_, id) => ({ id, name: `row ${id}`, at: new Date(id) })),
};

Deno.test("values come as they were", async (test) => {
  await using managing = new Managing();
  await using client = await managing.connect();
  for (const [what, value] of Object.entries(VALUES)) {
    await test.step(what, async () => assertEquals(await soon(client.echo(value)), value));
  }
  await test.step("minus zero", async () => {
    // assertEquals() takes it for 0.
    assert(Object.is(await soon(client.echo(-0)), -0));
    const [inner] = await soon(client.echo([-0])) as number[];
    assert(Object.is(inner, -0));
  });
  await test.step("an error", async () => {
    const error = await client.echo(new RangeError("too far", { cause: new Empty("none") }));
    assertInstanceOf(error, RangeError);
    assertEquals(error.message, "too far");
    assertInstanceOf(error.cause, Empty);
  });
  await test.step("an object of a class, as a plain one", async () => {
    class Point {
      x = 1;
      y = 2;
    }
    assertEquals(await client.echo(new Point()), { x: 1, y: 2 });
  });
  await test.step("__proto__, as a key like any other", async () => {
    const value = JSON.parse('{"__proto__": {"polluted": true, "at": null}, "a": 1}');
    value.__proto__.at = new Date(5);
    const back = await client.echo(value) as Record<string, unknown>;
    assertEquals(Object.getPrototypeOf(back), Object.prototype);
    assertEquals(Object.keys(back), ["__proto__", "a"]);
    assertEquals(back.polluted, undefined);
    assertEquals(({} as Record<string, unknown>).polluted, undefined);
  });
  await test.step("10 MB", async () => {
    const bytes = pattern(10_000_000);
    assert(same_bytes(await soon(client.echo(bytes)) as Uint8Array, bytes));
  });
  await test.step("many large ones at once, each by itself", async () => {
    const values = Array.from({ length: 50 }, (_, at) => String(at).padStart(900_000));
    assertEquals(await soon(Promise.all(values.map((value) => client.echo(value)))), values);
  });
  assertEquals(managing.reports, []);
});

Deno.test("what is changed after the call was not sent so", async () => {
  await using managing = new Managing();
  await using client = await managing.connect();
  const [bytes, list] = [new Uint8Array([1]), [1]];
  const echoed = Promise.all([client.echo(0), client.echo(bytes), client.echo({ list })]);
  bytes[0] = 2;
  list[0] = 2;
  assertEquals(await echoed, [0, new Uint8Array([1]), { list: [1] }]);
});

const circle: unknown[] = [];
circle.push(circle);

const REFUSED: Record<string, [value: unknown, message: string]> = {
  "a function": [() => 1, "A function cannot be sent to another program"],
  "a function inside": [{ deep: [parseInt] }, "A function cannot be sent to another program"],
  "a symbol": [Symbol("s"), "A symbol cannot be sent to another program"],
  "a promise": [Promise.resolve(), "A Promise cannot be sent to another program"],
  "a WeakMap": [new WeakMap(), "A WeakMap cannot be sent to another program"],
  "shared memory": [new SharedArrayBuffer(8), "A SharedArrayBuffer cannot be sent"],
  "a circle": [circle, "or is in itself"],
  "what is too deep": [nested(5000), "It is nested deeper than"],
  "Maps that are too deep": [
    Array.from({ length: 200 }).reduce((inner) => new Map([[1, inner]]), 1),
    "It is nested deeper than",
  ],
  "a text that is too large": ["x".repeat(2_000_000), "It is larger than max_message_size"],
  "bytes that are too large": [new Uint8Array(2_000_000), "It is larger than max_message_size"],
  "what has much in it": [doubled(40), "It is larger than max_message_size"],
  "an array without an end": [new Array(2 ** 31), "It is larger than max_message_size"],
};

/** As many values as 2 to this power, in few objects. */
function doubled(power: number): unknown {
  let value: unknown = 1;
  for (let at = 0; at < power; at++) value = [value, value];
  return value;
}

async function is_refused(client: TestManager, value: unknown, message: string): Promise<void> {
  const error = await assertRejects(() => soon(client.echo(value)), DOMException, message);
  assertEquals(error.name, "DataCloneError");
}

Deno.test("what cannot be sent is refused at the caller, in words", async (test) => {
  await using managing = new Managing();
  await using client = await managing.connect({ max_message_size: 1024 * 1024 });
  for (const [what, [value, message]] of Object.entries(REFUSED)) {
    await test.step(what, () => is_refused(client, value, message));
  }
  await test.step("an executor", async () => {
    await using executor = new ThreadPoolExecutor(1);
    await is_refused(client, executor, "A ThreadPoolExecutor cannot be sent to another program");
  });
  assertEquals(await client.echo("still here"), "still here");
  assertEquals(managing.reports, []);
});

Deno.test("a result that cannot be sent is told to who asked", async () => {
  await using managing = new Managing({ max_message_size: 1024 * 1024 });
  await using client = await managing.connect({ max_message_size: 1024 * 1024 * 64 });
  const queue = await client.get_jobs();
  const local = new Queue<unknown>();
  using stub = await client.echo(local) as Queue<unknown>;
  assertEquals(stub, local);
  await queue.put(local);
  using there = await queue.get() as Queue<unknown>;
  assertEquals(there, local);
  await assertRejects(() => queue.get({ timeout: 0 }), Empty);
  await assertRejects(() => queue.join({ timeout: 0 }), TimeoutError);
  await queue.task_done();
});
