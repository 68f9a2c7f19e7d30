/** What `deno task start` and `deno task client` say of what they cannot do: one line, and no stack. */
import { assertEquals, assertMatch } from "@std/assert";
import { Program, Task } from "../fixtures/programs/programs.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/** Longer than a part of a name may be: no server of names is asked. */
const NO_NAME = "x".repeat(64);
const START = "Usage: upper_tcp_server.ts [--host 127.0.0.1] [--port 8080] [--workers N]";
const CLIENT = "Usage: tcp_client.ts [--host 127.0.0.1] [--port 8080] WORDS";

async function said_by(program: Program): Promise<{ code: number; line: string }> {
  await using running = program;
  const [line, { code }] = await soon(Promise.all([running.errors(), running.status()]));
  assertMatch(line, /^[^\n]+\n$/);
  return { code, line: line.trimEnd() };
}

/** Wrong command lines, and what is said of them before the usage. */
const WRONG: [words: string[], said: string][] = [
  [
    ["start", "--port", "abc"],
    'Cannot use --port "abc": it must be a whole number from 0 to 65535',
  ],
  [
    ["start", "--port", "65536"],
    'Cannot use --port "65536": it must be a whole number from 0 to 65535',
  ],
  [["start", "--port"], 'Cannot use --port "": it must be a whole number from 0 to 65535'],
  [["start", "--port", "-1"], "Unknown: -1"],
  [["start", "--prot", "8080", "more"], "Unknown: --prot more"],
  [["start", "--host", ""], 'Unknown: ""'],
  [["start", "--workers", "1.5"], 'Cannot use --workers "1.5": it must be a whole number from 1'],
  [["start", "--workers", "0"], 'Cannot use --workers "0": it must be a whole number from 1'],
  [
    ["client", "--port", "0", "hi"],
    'Cannot use --port "0": it must be a whole number from 1 to 65535',
  ],
  [["client", "--prot", "8080", "hi"], "Unknown: --prot"],
  [["client"], "There is nothing to send"],
];

for (const [words, said] of WRONG) {
  Deno.test(`deno task ${words.join(" ")}: a line with the usage, and exit code 2`, async () => {
    const usage = words[0] === "start" ? START : CLIENT;
    assertEquals(await said_by(new Task(...words)), { code: 2, line: `${said}. ${usage}` });
  });
}

Deno.test("deno task start and deno task client: a line for a name that nobody has", async () => {
  const start = await said_by(new Task("start", "--host", NO_NAME, "--port", "0"));
  assertMatch(start.line, new RegExp(`^Cannot listen: .*${NO_NAME}:0$`));
  assertEquals(start.code, 1);
  const client = await said_by(new Task("client", "--host", NO_NAME, "hi"));
  assertMatch(client.line, new RegExp(`^Cannot talk to ${NO_NAME}:8080: .+$`));
  assertEquals(client.code, 1);
});

Deno.test("upper_tcp_server.ts says in one line which permissions it lacks", async () => {
  const run = (...flags: string[]) =>
    new Program("run", "--no-prompt", ...flags, "examples/upper_tcp_server.ts", "--port", "0");
  const net = await said_by(run());
  assertMatch(net.line, /^Cannot listen: .*net access.*--allow-net/);
  assertEquals(net.code, 1);
  const read = await said_by(run("--allow-net"));
  assertMatch(read.line, /^Workers cannot read .*: add --allow-read=[^,]+$/);
  assertEquals(read.code, 1);
});
