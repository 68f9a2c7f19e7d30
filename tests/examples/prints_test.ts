/** The examples that run to their ends: each is run by the command of its head, and prints what that promises. */
import { assertEquals, assertThrows } from "@std/assert";
import { pooledMap } from "@std/async/pool";
import { fileURLToPath } from "node:url";
import { commands_of, type Ending, ending_of, is_there } from "../fixtures/programs/programs.ts";
import { assert_kept, CHECKS, type Promised, promised_in } from "./promises.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const EXAMPLES = `${ROOT}examples/`;
const HAS_DENO = is_there("deno");

/** Those that need another one: `servers_test.ts` has them. */
const PAIRS = ["servers/upper_client.ts", "servers/upper_server.ts"];

/** Those that draw on standard error, too. */
const DRAWS = ["futures/progress.ts"];

interface Run {
  example: string;
  command: string;
  promised: Promised;
  /** Whether this system cannot run it. */
  ignore: boolean;
}

/** The files in a folder, by their paths in it. */
function* files_in(folder: string, path = ""): Iterable<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder + path)) {
    if (isDirectory) yield* files_in(folder, `${path}${name}/`);
    else yield path + name;
  }
}

/** How an example is run, if it ends: by its command for this system, or that for others. */
function run_of(example: string, is_linux: boolean): Run[] {
  const text = Deno.readTextFileSync(EXAMPLES + example);
  const promised = promised_in(text);
  if (promised === undefined || PAIRS.includes(example)) return [];
  const commands = commands_of(example);
  const command = (is_linux ? commands[0] : commands.at(-1))!;
  const ignore = (!is_linux && text.includes(" * On Linux only: ")) ||
    (command.includes("--allow-run=deno") && !HAS_DENO);
  return [{ example, command, promised, ignore }];
}

async function ending(run: Run): Promise<Run & Ending> {
  const [, ...args] = run.command.split(" ");
  try {
    return { ...run, ...await ending_of(Deno.execPath(), args, { cwd: ROOT }) };
  } catch (cause) {
    throw new Error(`${run.example} does not end`, { cause });
  }
}

const SOURCES = [...files_in(EXAMPLES)].filter((path) => path.endsWith(".ts")).sort();

/** Compares what an example has printed with what its head promises. */
function assert_printed({ example, promised, code, output, errors }: Run & Ending): void {
  assertEquals([code, DRAWS.includes(example) ? "" : errors], [0, ""], errors);
  const lines = output.trimEnd().split("\n");
  assert_kept(promised, lines);
  CHECKS[example]?.(lines);
}

Deno.test("Each example that ends prints what its head promises", async (t) => {
  const runs = SOURCES.flatMap((example) => run_of(example, Deno.build.os === "linux"));
  for (const { example } of runs.filter(({ ignore }) => ignore)) {
    await t.step({ name: example, ignore: true, fn() {} });
  }
  const at_once = 2 * navigator.hardwareConcurrency;
  const endings = pooledMap(at_once, runs.filter(({ ignore }) => !ignore), ending);
  for await (const ended of endings) await t.step(ended.example, () => assert_printed(ended));
});

Deno.test({
  name: "A command for other systems than Linux does the same",
  ignore: !HAS_DENO,
  async fn() {
    const [run] = run_of("forking_server.ts", false);
    assert_printed(await ending(run!));
  },
});

Deno.test("Each check is for an example that is there", () => {
  const names = [...Object.keys(CHECKS), ...PAIRS, ...DRAWS];
  assertEquals(names.filter((name) => !SOURCES.includes(name)), []);
});

Deno.test("A promise that was not kept is found", () => {
  const in_order = { lines: ["one …", "two"], is_in_order: true };
  const in_any = { ...in_order, is_in_order: false };
  assert_kept(in_order, ["one 1", "two"]);
  assert_kept(in_any, ["two", "one 1"]);
  assertThrows(() => assert_kept(in_order, ["two", "one 1"]));
  for (const promised of [in_order, in_any]) {
    for (
      const lines of [[], ["one 1"], ["one 1", "two", "two"], ["one ", "two"], ["one 1", "tw."]]
    ) {
      assertThrows(() => assert_kept(promised, lines));
    }
  }
});

Deno.test("The page of the examples has a link to each of them", async () => {
  const page = await Deno.readTextFile(`${EXAMPLES}README.md`);
  assertEquals(SOURCES.filter((path) => !page.includes(`](${path})`)), []);
});
