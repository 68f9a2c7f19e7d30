import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { client_fault, client_fault_of } from "../../../internal/runtime/client_fault.ts";
import { WorkerDied } from "../../../internal/shared/errors.ts";
import { error_of, image_of } from "../../../internal/workers/error_image.ts";

/** An error as it comes out in another thread. */
function sent(thrown: unknown): Error & { code?: unknown } {
  return error_of(structuredClone(image_of(thrown)));
}

class OwnError extends Error {
  override name = "OwnError";
}

Deno.test("error_of() gives an error of the platform its class, message and stack", () => {
  const errors = [
    new Error("plain"),
    new TypeError("type"),
    new RangeError("range"),
    new Deno.errors.NotFound("no such file"),
    new Deno.errors.ConnectionReset("gone"),
  ];
  for (const error of errors) {
    const again = sent(error);
    assertStrictEquals(again.constructor, error.constructor);
    assertEquals([again.name, again.message], [error.name, error.message]);
    assertEquals(again.stack, error.stack);
    assertEquals(String(again), String(error));
  }
});

Deno.test("error_of() keeps the name where the class is not there", () => {
  for (const error of [new OwnError("mine"), new DOMException("stopped", "AbortError")]) {
    const again = sent(error);
    assertInstanceOf(again, Error);
    assertEquals([again.name, again.message], [error.name, error.message]);
  }
});

Deno.test("error_of() takes no class from a name that is none's", () => {
  for (const name of ["", "constructor", "__proto__", "Object", "Map", "DOMException", "fetch"]) {
    const again = sent(Object.assign(new Error("odd"), { name }));
    assertStrictEquals(again.constructor, Error);
    assertEquals([again.name, again.message], [name, "odd"]);
  }
});

Deno.test("error_of() keeps the message of errors made in another way", () => {
  const several = new AggregateError([new Error("one"), new Error("two")], "all failed");
  const nested = new SuppressedError(new Error("one"), new Error("two"), "both failed");
  for (const error of [several, nested]) {
    const again = sent(error);
    assertEquals([again.name, again.message], [error.name, error.message]);
    const with_cause = sent(Object.assign(error, { cause: new Error("why") }));
    assertEquals(with_cause.message, error.message);
    assertEquals((with_cause.cause as Error).message, "why");
  }
});

Deno.test("error_of() keeps the errors that an error is made of", () => {
  const several = sent(new AggregateError([new RangeError("one"), "two"], "all")) as AggregateError;
  assertInstanceOf(several, AggregateError);
  assertInstanceOf(several.errors[0], RangeError);
  assertEquals(several.errors.map(String), ["RangeError: one", "Error: two"]);
  const error = new SuppressedError(new RangeError("one"), new TypeError("two"), "both");
  const both = sent(error) as SuppressedError;
  assertInstanceOf(both.error, RangeError);
  assertInstanceOf(both.suppressed, TypeError);
  // As those of the platform: not among what can be enumerated.
  assertEquals([Object.keys(several), Object.keys(both)], [[], []]);
});

Deno.test("error_of() keeps how a worker ended", () => {
  const death = { exitcode: null, signal: "SIGKILL", cause: new RangeError("why") };
  const again = sent(sent(new WorkerDied("gone", death))) as unknown as WorkerDied;
  assertInstanceOf(again, WorkerDied);
  assertEquals([again.exitcode, again.signal], [null, "SIGKILL"]);
  assertInstanceOf(again.cause, RangeError);
});

Deno.test("image_of() leaves out further errors, where an error is made of too many", () => {
  let deep = new AggregateError([new Error("the last")]);
  for (let level = 0; level < 60; level++) deep = new AggregateError([deep, deep]);
  const round = new AggregateError([]);
  round.errors.push(round, 5);
  assertEquals((sent(round) as AggregateError).errors.map(String), [
    "Error: Further errors were left out",
    "Error: 5",
  ]);
  let count = 0;
  const look = (error: AggregateError) => {
    count++;
    error.errors?.forEach(look);
  };
  look(sent(deep) as AggregateError);
  assert(count < 10_000, `${count}`);
  const wide = sent(new AggregateError(Array(1000).fill(new Error("one")))) as AggregateError;
  assertEquals(wide.errors.length, 100);
});

Deno.test("error_of() refuses parts that are no parts", () => {
  const { parts, ...rest } = image_of(new AggregateError([]));
  assertEquals(parts, { errors: [] });
  for (const errors of [[{}], [new Map()], [[{}]]]) {
    assertThrows(() => error_of({ ...rest, parts: { errors } as never }), TypeError);
  }
  const odd = error_of({ ...rest, parts: { other: 5 } }) as Error & { other?: unknown };
  assertEquals(odd.other, undefined);
});

Deno.test("error_of() keeps the code", () => {
  const error = Object.assign(new Error("out of files"), { code: "EMFILE" });
  assertEquals(sent(error).code, "EMFILE");
  assertEquals(sent(Object.assign(new Error("zero"), { code: 0 })).code, 0);
  assert(!("code" in sent(new Error("none"))));
});

Deno.test("error_of() keeps the cause, and its cause", () => {
  const root = new Deno.errors.NotFound("root");
  const error = new TypeError("top", { cause: new OwnError("middle", { cause: root }) });
  const again = sent(error);
  const middle = again.cause as Error;
  assertEquals([middle.name, middle.message], ["OwnError", "middle"]);
  assertInstanceOf(middle.cause, Deno.errors.NotFound);
  assertEquals((middle.cause as Error).message, "root");
  assertEquals((middle.cause as Error).cause, undefined);
  assert(!("cause" in sent(new Error("none"))));
  assertEquals((sent(new Error("top", { cause: "a word" })).cause as Error).message, "a word");
});

Deno.test("error_of() gives an error for what is none", () => {
  const thrown: [unknown, string][] = [
    ["a word", "a word"],
    [42, "42"],
    [null, "null"],
    [undefined, "undefined"],
    [{ status: 404 }, "{ status: 404 }"],
    [Symbol("odd"), "Symbol(odd)"],
  ];
  for (const [value, message] of thrown) {
    const again = sent(value);
    assertStrictEquals(again.constructor, Error);
    assertEquals(again.message, message);
  }
});

Deno.test("error_of() keeps whose fault it is", () => {
  const fault = client_fault(new Deno.errors.TimedOut("silent"));
  const own = new Deno.errors.TimedOut("silent");
  assertEquals(client_fault_of(sent(fault))?.message, "silent");
  assertEquals(client_fault_of(sent(own)), undefined);
  // A client that was silent, and then gone: still its own fault.
  const gone = new Deno.errors.BrokenPipe("gone", { cause: fault });
  assertEquals(client_fault_of(sent(gone))?.message, "silent");
  assertEquals(client_fault_of(sent(new Error("wrapped", { cause: fault }))), undefined);
});

Deno.test("image_of() gives an error for what cannot even be inspected", () => {
  const odd = {
    [Symbol.for("Deno.customInspect")]() {
      throw new Error("not to be inspected");
    },
  };
  assertEquals(sent(odd).message, "An error that cannot be read");
  assertEquals(sent(new Error("top", { cause: odd })).message, "top");
});

Deno.test("image_of() ends where a cause goes round", () => {
  const one = new Error("one");
  const two = new Error("two", { cause: one });
  one.cause = two;
  const again = sent(one);
  assertEquals(again.message, "one");
  assertEquals((again.cause as Error).message, "two");
});

Deno.test("image_of() leaves out what cannot be sent to another thread", () => {
  for (const code of [() => {}, {}, Symbol("odd")]) {
    const again = sent(Object.assign(new Error("still there"), { code }));
    assertEquals([again.message, again.code], ["still there", undefined]);
  }
});

Deno.test("image_of() can be sent whatever the properties of an error are", () => {
  for (const property of ["name", "message", "stack"]) {
    for (const value of [() => {}, Symbol("odd"), { odd() {} }]) {
      assertInstanceOf(sent(Object.assign(new Error("odd"), { [property]: value })), Error);
    }
  }
});

Deno.test("error_image: a DOMException is one again, of the same kind", () => {
  const error = error_of(structuredClone(image_of(new DOMException("told to end", "AbortError"))));
  assertInstanceOf(error, DOMException);
  assertEquals([error.name, error.message], ["AbortError", "told to end"]);
});

/** An error and its causes, as many as are asked for. */
function with_causes(count: number): Error {
  let error = new Error("cause " + count);
  for (let at = count - 1; at >= 0; at--) error = new Error(`cause ${at}`, { cause: error });
  return error;
}

function causes_of(error: Error): string[] {
  const messages: string[] = [];
  for (let at = error.cause; at instanceof Error; at = at.cause) messages.push(at.message);
  return messages;
}

Deno.test("image_of() takes 16 causes, of which the last one says that there are more", () => {
  assertEquals(causes_of(sent(with_causes(15))).at(-1), "cause 15");
  for (const count of [16, 17, 100_000]) {
    const causes = causes_of(sent(with_causes(count)));
    assertEquals(causes.length, 16);
    assertEquals(causes.slice(-2), ["cause 15", "Further causes were left out"]);
  }
});

Deno.test("image_of() ends where each cause makes another", () => {
  class Endless extends Error {
    // deno-lint-ignore no-explicit-any
    override get cause(): any {
      return new Endless("once more");
    }
  }
  assertEquals(causes_of(sent(new Endless("first"))).length, 16);
});
