import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { line_of, place_of, printable, text_of } from "../../../internal/runtime/error_text.ts";

/** What must be shown, and how. */
const SHOWN: [char: string, shown: string][] = [
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\0", "\\x00"],
  ["\x1B", "\\x1B"],
  ["\x7F", "\\x7F"],
  ["\x9B", "\\x9B"], // the one byte that begins a sequence for a terminal
  ["\xAD", "\\xAD"], // a soft hyphen
  ["\u061C", "\\u061C"],
  ["\u115F", "\\u115F"], // a letter without a form
  ["\u200B", "\\u200B"],
  ["\u2028", "\\u2028"],
  ["\u2029", "\\u2029"],
  ["\u202E", "\\u202E"],
  ["\u2066", "\\u2066"],
  ["\uD800", "\\uD800"],
  ["\uDC00", "\\uDC00"],
  ["\uFE0F", "\\uFE0F"],
  ["\uFEFF", "\\uFEFF"],
  ["\u{E0041}", "\\u{E0041}"],
  ["\u{E0100}", "\\u{E0100}"],
];

Deno.test("printable() shows what could deceive, and leaves other text as it is", () => {
  for (const [char, shown] of SHOWN) {
    assertEquals(printable(`a${char}b`), `a${shown}b`);
  }
  const plain = "Grüße, 你好, مرحبا, שלום, 🎉 – C:\\temp 'x' \"y\"";
  assertEquals(printable(plain), plain);
});

Deno.test("printable() leaves no code point below U+3000 that moves or hides others", () => {
  for (let code = 0; code < 0x3000; code++) {
    const char = String.fromCodePoint(code);
    if (/[\p{C}\p{Zl}\p{Zp}]/u.test(char) && !/\p{Cn}/u.test(char)) {
      assert(printable(char) !== char, `${code}`);
    }
  }
});

/** What a client may send. */
const FORGED = "x\n    at forged (file:///a.ts:1:1)\nNov 27 sshd[1]: Accepted\x1B[2J";

/** The lines of a report that are none of ours. */
function strange_lines(text: string): string[] {
  const ours = /^(\w*Error|Thrown: |Caused by: |Made of: )|^ {4}at .*(error_text_test|ext:)/;
  return text.split("\n").filter((line) => !ours.test(line));
}

class Renamed extends Error {
  override name = "RenamedError";
}

/** Errors with a text in all places. */
const WITH_TEXT: Record<string, (text: string) => unknown> = {
  message: (text) => new TypeError(text),
  "message of a class with a name": (text) => new Renamed(text),
  "message, changed later": (text) => {
    const error = new Error(text);
    error.message = `Bad line: ${text}`;
    return error;
  },
  name: (text) => Object.assign(new Error("plain"), { name: text }),
  code: (text) => Object.assign(new Error("plain"), { code: text }),
  "own property": (text) => Object.assign(new Error("plain"), { own: { [text]: [text] } }),
  cause: (text) => new Error("plain", { cause: new Error(text, { cause: text }) }),
  errors: (text) => new AggregateError([new Error(text), text], text),
  string: (text) => text,
  object: (text) => ({ [text]: text, symbol: Symbol(text) }),
  DOMException: (text) => new DOMException(text, "DataError"),
  class: (text) => new ({ [text]: class {} }[text]!)(),
};

for (const [place, make] of Object.entries(WITH_TEXT)) {
  Deno.test(`text_of() adds no line of a client's to a report: ${place}`, () => {
    const text = text_of(make(FORGED));
    assertStringIncludes(text, "Accepted");
    assertEquals(strange_lines(text), []);
    assert(!/[^\P{C}\n]/u.test(text), text);
  });
}

Deno.test("text_of() shows stack, properties, causes and errors", () => {
  const cause = new RangeError("inner");
  const made_of = new AggregateError([new SyntaxError("first"), "second"], "outer", { cause });
  const text = text_of(Object.assign(made_of, { code: "E1", name: "OuterError" }));
  const heads = text.split("\n").filter((line) => !line.startsWith("    at "));
  assertEquals(heads, [
    `OuterError: outer { code: "E1" }`,
    "Made of: SyntaxError: first",
    `Made of: "second"`,
    "Caused by: RangeError: inner",
  ]);
  assertEquals(text.match(/^ {4}at .*error_text_test\.ts:\d+:\d+/gm)?.length, 3);
});

Deno.test("text_of() shows the same error once, and an end of very many causes", () => {
  const round = new Error("round");
  round.cause = new Error("inner", { cause: round });
  assertEquals(text_of(round).match(/round/g)?.length, 1);
  let deep = new Error("0");
  for (let count = 1; count < 3000; count++) deep = new Error(`${count}`, { cause: deep });
  assertMatch(text_of(deep), /\(no more is shown\)$|more characters$/);
});

Deno.test("text_of() cuts what is long, in linear time", () => {
  const long = "\u202E".repeat(10_000_000);
  const start = performance.now();
  const text = text_of(Object.assign(new Error(long), { code: long, long: [long] }));
  assert(performance.now() - start < 5000);
  assert(text.length < 17_000, `${text.length}`);
  assertStringIncludes(
    text_of(new Error("a".repeat(10_002_000))),
    "a … and 10,000,000 more characters\n",
  );
});

Deno.test("text_of() and line_of() show anything that can be thrown", () => {
  const { proxy, revoke } = Proxy.revocable(new Error(), {});
  revoke();
  const getters = Object.defineProperties(new Error(), {
    message: {
      get: () => {
        throw new Error("no");
      },
    },
    name: {
      get: () => {
        throw new Error("no");
      },
    },
    stack: {
      get: () => {
        throw new Error("no");
      },
    },
    errors: {
      get: () => {
        throw new Error("no");
      },
    },
    other: {
      get: () => {
        throw new Error("no");
      },
      enumerable: true,
    },
  });
  for (
    const thrown of [proxy, getters, null, undefined, Symbol("s"), Object.create(null), () => {}]
  ) {
    for (const shown of [text_of(thrown), line_of(thrown), place_of(thrown)]) assert(shown !== "");
  }
});

Deno.test("place_of() is the same for errors of one place, whatever they say", () => {
  const errors = ["{", "}", FORGED].map((text) => {
    try {
      return JSON.parse(text);
    } catch (error) {
      return error;
    }
  });
  assertEquals(new Set(errors.map(place_of)).size, 1);
  assert(place_of(new Error("here")) !== place_of(errors[0]));
});

Deno.test("text_of() shows errors whose parts throw, or never end", () => {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  const thrower = new Proxy([1], {
    get() {
      throw new Error("no");
    },
  });
  class Endless extends Error {
    override get cause(): unknown {
      return new Endless("again");
    }
  }
  const odd = [proxy, thrower, Object.assign([1], { slice: () => 5 })]
    .map((errors) => Object.assign(new Error("x"), { errors }));
  for (const thrown of [...odd, new Endless("x")]) assertStringIncludes(text_of(thrown), "x");
});
