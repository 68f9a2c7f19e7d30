/** Any words on the command line of `serve`: they are understood, or one line says what is wrong with them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { printable } from "../../../internal/runtime/error_text.ts";
import type { BaseServer } from "../../../mod.ts";
import {
  type Command,
  read_command_line,
  type ServeCommand,
} from "../../../operation/serve/command_line.ts";
import {
  PLACE_FLAGS,
  RUN_FLAGS,
  RUN_SWITCHES,
  SETTING_FLAGS,
  TLS_FLAGS,
  WAY_FLAGS,
} from "../../../operation/serve/flags.ts";
import type { HandlerFile } from "../../../operation/serve/handler_file.ts";
import { new_server } from "../../../operation/serve/new_server.ts";
import { UsageError } from "../../../operation/serve/usage_error.ts";
import { UpperHandler } from "../../fixtures/handlers/handlers.ts";
import { ending_of } from "../../fixtures/programs/programs.ts";
import { SERVE } from "../../fixtures/programs/served.ts";
import { runs, slow_runs } from "../../fixtures/tools/fuzz.ts";
import { TempFolder } from "../../fixtures/tools/temp_folder.ts";

/** Texts of each kind of value, and what they mean. */
const VALUES: Record<string, fc.Arbitrary<[text: string, value: unknown]>> = {
  count: fc.oneof(
    fc.integer({ min: 1, max: 1e6 }).map((count): [string, unknown] => [String(count), count]),
  ),
  time: fc.tuple(fc.nat(1000), fc.constantFrom("", "ms", "s", "m", "h")).map(([number, unit]) => [
    `${number}${unit}`,
    number * { "": 1, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit]!,
  ]),
  list: fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant("*")), { minLength: 1, maxLength: 3 })
    .map((list) => [list.join(","), list]),
};

/** Words that are right, and what is read from them. */
type Right = { words: string[]; setting: string; value: unknown };

const right: fc.Arbitrary<Right> = fc.oneof(
  ...SETTING_FLAGS.filter(({ rule, setting }) =>
    (rule.kind! in VALUES || rule.kind === "switch") && setting !== "multicast_groups"
  ).map(({ name, setting, rule }) => {
    if (rule.kind === "switch") {
      return fc.boolean().map((value) => ({
        words: [value ? `--${name}` : `--no-${name}`],
        setting,
        value,
      }));
    }
    return fc.tuple(VALUES[rule.kind!]!, fc.boolean()).map(([[text, value], joined]) => ({
      words: joined ? [`--${name}=${text}`] : [`--${name}`, text],
      setting,
      value,
    }));
  }),
);

Deno.test("serve: settings are read as they were meant, in any order and in both ways to write them", () => {
  const all = fc.uniqueArray(right, { selector: ({ setting }) => setting, maxLength: 6 });
  const place = fc.option(fc.tuple(fc.nat(65_535), fc.ipV4()));
  fc.assert(
    fc.property(all, place, fc.nat(12), (all, place, at) => {
      const flags = all.map(({ words }) => words);
      if (place) flags.push(["--port", String(place[0])], [`--host=${place[1]}`]);
      flags.splice(at % (flags.length + 1), 0, ["handler.ts", "Name"]);
      const command = read_command_line(flags.flat()) as ServeCommand;
      assertEquals([command.handler, command.name], ["handler.ts", "Name"]);
      assertEquals(
        command.settings as Record<string, unknown>,
        Object.fromEntries(all.map(({ setting, value }) => [setting, value])),
      );
      const [port, hostname] = place ?? [8000, "127.0.0.1"];
      assertEquals(command.address, { hostname, port });
    }),
    runs(300),
  );
});

const FLAGS = [...WAY_FLAGS, ...PLACE_FLAGS, ...TLS_FLAGS, ...RUN_FLAGS, ...RUN_SWITCHES]
  .concat(SETTING_FLAGS).map(({ name }) => `--${name}`).concat("--udp");

/** What may stand behind a flag, or anywhere. */
const text = fc.oneof(
  fc.constantFrom(
    ...["0", "1", "8000", "65536", "-1", "1.5", "infinity", "none", "NaN", "1e3", "0x10", " 1"],
    ...["5s", "5x", "1h", "s", "0.5ms", "9".repeat(400), "1s2", "json", "required", "refuse"],
    ...["10.0.0.0/8", "*", ",", "::1", "127.0.0.1", "no such host", "239.1.2.3", "ff02::1%lo"],
    ...["", "-", "--", "=", "true", "a.ts", "Name", "systemd", "999999", "1.3", "h2,h3", "é\u0000"],
    "\u001b[31m\nred",
  ),
  fc.string({ unit: "binary", maxLength: 6 }),
);
const flag = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...FLAGS) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...FLAGS), fc.nat(20), fc.constantFrom("", "x", "-", "_"))
      .map(([flag, at, letter]) => flag.slice(0, at) + letter + flag.slice(at + 1)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["-p", "-A", "-xyz", "--no-port", "--no-quiet", "--__proto__", "--constructor"],
      ...["--no-broadcast", "--no-", "---port", "--PORT", "--port-", "-", "--"],
    ),
  },
);
const some_words = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(flag, text) },
  { weight: 2, arbitrary: flag.map((flag) => [flag]) },
  { weight: 1, arbitrary: fc.tuple(flag, text).map(([flag, text]) => [`${flag}=${text}`]) },
  { weight: 1, arbitrary: text.map((text) => [text]) },
  { weight: 3, arbitrary: right.map(({ words }) => words) },
);
const words = fc.array(some_words, { maxLength: 6 }).map((all) => all.flat(1));

/** Looks at what is said of wrong words: a line that names one of them, or what is missing. */
function check_message(message: string, words: string[]): void {
  assertMatch(message, /^(Cannot|There (is|are)) \P{Cc}{4,}$/u);
  assert(!/\bat (file|https?):|undefined|\[object|NaN ms/.test(message), message);
  if (/^There is no handler: write serve/.test(message)) return;
  const names = words.some((word) => {
    const [, dashes = ""] = /^(--?[^=]*)/.exec(word) ?? [];
    return dashes
      ? message.includes(dashes.slice(0, 2))
      : message.includes(printable(word).slice(0, 20));
  });
  assert(names, `${message}: ${words.join(" ")}`);
}

/** What is read of some words, or what is said of them. */
function read(words: string[]): Command | UsageError {
  try {
    return read_command_line(words);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
}

Deno.test("serve: any words are understood, or one line says what is wrong", () => {
  fc.assert(
    fc.property(words, (words) => {
      const command = read(words);
      if (command instanceof UsageError) return check_message(command.message, words);
      if (typeof command === "string") return;
      assert(command.handler !== "");
      for (const { setting, rule } of SETTING_FLAGS) {
        const value = command.settings[setting];
        assert(value === undefined || rule.check(value), `${setting} = ${value}`);
      }
    }),
    runs(2000),
  );
});

/** A server of a command, which listens at the loopback alone. */
function server_of(
  { address, settings, ...command }: ServeCommand,
  folder: TempFolder,
): BaseServer {
  const file: HandlerFile = { Handler: UpperHandler, name: "UpperHandler", Servers: [] };
  const place = typeof address === "string"
    ? folder.join("a.sock")
    : { hostname: "127.0.0.1", port: 0 };
  return new_server({ ...command, address: place, settings }, file, null);
}

Deno.test("serve: what is understood makes a server that is so, or one line says why not", async () => {
  await using folder = await TempFolder.make();
  await fc.assert(
    fc.asyncProperty(words, async (more) => {
      // Descriptors are those of the tests here.
      const words = ["a.ts", ...more.filter((word) => !/^--fd\b/.test(word))];
      const command = read(words);
      fc.pre(typeof command === "object" && !(command instanceof Error));
      let server: BaseServer;
      try {
        server = server_of(command, folder);
      } catch (error) {
        assert(error instanceof Error);
        return check_message(error.message, words);
      }
      await using _server = server;
      for (const [name, value] of Object.entries(command.settings)) {
        assertEquals(Reflect.get(server, name), value, name);
      }
    }),
    runs(300),
  );
});

Deno.test("serve: the program says the same, and ends with 2", async () => {
  // No program can be given a zero byte.
  const wrong = words.filter((words) =>
    !words.join().includes("\0") && !/\p{Cs}/u.test(words.join()) && read(words) instanceof Error
  );
  await fc.assert(
    fc.asyncProperty(wrong, async (words) => {
      const { code, output, errors } = await ending_of(Deno.execPath(), [
        "run",
        "-A",
        SERVE,
        ...words,
      ]);
      const { message } = read(words) as UsageError;
      if (words.includes("--verbose")) assert(errors.includes(message), errors);
      else assertEquals(errors, `${message}\n`);
      assertEquals([code, output], [2, ""]);
    }),
    slow_runs(5),
  );
});
