/** What clients can do to the reports on standard error: nothing but be counted. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ask, line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { LONGEST_LINE, TRIPPING_WORDS } from "../fixtures/handlers/hostile_handlers.ts";
import { Program } from "../fixtures/programs/programs.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { LONG, soon } from "../fixtures/tools/waiting.ts";

const SERVER = fileURLToPath(new URL("../fixtures/programs/hostile_server.ts", import.meta.url));

const SERVERS = ["TCPServer", "AsyncTCPServer", "ThreadingTCPServer", "ForkingTCPServer"];
const has_workers = (name: string) => name.startsWith("Thread") || name.startsWith("Fork");

/** How a line of the server's log would look, which a client sends behind what clears the screen. */
const FORGED = "Nov 27 sshd[1]: Accepted";
const HOSTILE = "\x1B]0;owned\x07\x1B[2J\x9B2J\x7F\u202Eabc\u2066\u200B\u2028\r\n" +
  `    at forged (file:///a.ts:1:1)\n${FORGED}\n${"-".repeat(40)}\n${FORGED}`;
/** What no report has: control characters but the ends of lines, and invisible ones. */
const DECEPTIVE = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/u;

function test_servers(promise: string, run: (name: string) => Promise<void>): void {
  Deno.test(`${SERVERS.join(", ")}: ${promise}`, () => at_once(SERVERS, (name) => name, run));
}

/** Sends a line for which the request fails. */
async function fail(address: Deno.NetAddr, line: string): Promise<void> {
  using client = await LineClient.connect(address);
  await client.send(line);
  assertEquals(await line_or_end(client), null);
}

/** A server as a program; its address. */
async function start(name: string): Promise<[Program, Deno.NetAddr]> {
  const program = new Program("run", "-A", SERVER, name);
  return [program, JSON.parse(await program.line())];
}

test_servers("reports have no line, and no control character, of a client's", async (name) => {
  const [program, address] = await start(name);
  await using _program = program;
  const words = has_workers(name) ? [...TRIPPING_WORDS, "lost"] : TRIPPING_WORDS;
  for (const word of words) await fail(address, `${word} ${JSON.stringify(HOSTILE)}`);
  assertEquals(await ask(address, "echo hello"), "hello");
  program.child.kill("SIGTERM");
  const printed = await program.errors();
  assertEquals(DECEPTIVE.exec(printed), null, printed);
  const lines = printed.split("\n");
  assertEquals(lines.filter((line) => /^\s*(Nov 27|at forged)/.test(line)), []);
  // Two rules for each report, and none that was sent.
  assertEquals(lines.filter((line) => /^-+$/.test(line)).length, 2 * words.length, printed);
  // JSON.parse() quotes no more than the beginning.
  const showing = lines.filter((line) => line.includes(FORGED));
  assert(showing.length >= words.length - 1, printed);
});

test_servers("1,000 lines over a limit are told in less than 20 KB", async (name) => {
  const [program, address] = await start(name);
  await using _program = program;
  for (let count = 0; count < 1000; count++) await fail(address, "x".repeat(LONGEST_LINE));
  assertEquals(await ask(address, "echo hello"), "hello");
  program.child.kill("SIGTERM");
  const printed = await program.errors();
  assert(printed.length < 20_000, printed);
  const told = printed.matchAll(
    /^(?:… and ([\d,]+) more\. The last: )?A request of 127\.0\.0\.1/gm,
  );
  const sum = [...told].reduce((sum, [, more]) => sum + Number(more?.replaceAll(",", "") ?? 1), 0);
  assertEquals(sum, 1000, printed);
  assertStringIncludes(printed, "failed: No end of the line was found within 1024 bytes\n");
});

test_servers("a client that is silent for too long is told of in one line", async (name) => {
  const [program, address] = await start(name);
  await using _program = program;
  await fail(address, "hurry");
  program.child.kill("SIGTERM");
  assertMatch(
    await program.errors(),
    /^A request of 127\.0\.0\.1:\d+ failed: No bytes came from the peer within 10 ms\n$/,
  );
});

test_servers("others are served although nobody reads standard error", async (name) => {
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SERVER, name],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = child.stdout.getReader();
  const { value } = await soon(stdout.read(), LONG);
  const address = JSON.parse(new TextDecoder().decode(value));
  // A pipe takes 64 KiB, and what reads for this test may take as much: these are 300 KB, all different.
  for (let count = 0; count < 150; count++) {
    await fail(address, `unnamed ${"x".repeat(900)}${count}`);
  }
  for (let count = 0; count < 100; count++) {
    assertEquals(await ask(address, `echo ${count}`), `${count}`);
  }
  child.kill("SIGTERM");
  const printed = await soon(new Response(child.stderr).text(), LONG);
  assert(printed.length > 100_000, `${printed.length}`);
  assertStringIncludes(printed, "reports had no room here)");
  await stdout.cancel();
  assertEquals((await soon(child.status)).code, 0);
});
