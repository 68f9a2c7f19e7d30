/**
 * The programs in the documentation that `deno test --doc` cannot run: those that serve until they are
 * ended, and those whose handlers a worker has to find in a module. Each is run as a program here.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { LineClient } from "../fixtures/clients/clients.ts";
import { output_of, Program } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon } from "../fixtures/tools/waiting.ts";
import { blocks_of, CONFIG, documents, name_of, ROOT } from "./blocks.ts";

/** What a client says to a program, and what it hears up to the end. */
const TALKS: Record<string, [says: string, hears: string | RegExp]> = {
  "README.md: UpperHandler, ThreadingTCPServer": ["hello\nworld\n", "HELLO\nWORLD\n"],
  "README.md: CountHandler, CountingServer": ["", "You are number 1\n"],
  "README.md: UpperHandler, UDPServer": ["hello", "HELLO"],
  "concurrency/queue/mod.ts: LetterHandler, PostServer": ["hello\n", "posted\n"],
  "concurrency/threading/mod.ts: PayHandler, BankServer": ["30\n80\n", "70 left\nnot enough\n"],
  "docs/choosing.md: PrimeHandler, ThreadingTCPServer": ["100\n1000\n", "25\n168\n"],
  "docs/choosing.md: PatternHandler, ForkingTCPServer": ["^a+$\naaa\n", "true\n"],
  "docs/from-python.md: EchoHandler, AsyncTCPServer": ["hello\nworld", "hello\nworld"],
  "docs/from-python.md: LineHandler, AsyncTCPServer": ["hello\nworld\n", "hello\nworld\n"],
  "docs/limits.md: EchoHandler, ThreadingTCPServer": ["hello\n", "hello\n"],
  "docs/observing.md: EchoHandler, ThreadingTCPServer": ["hello\n", "hello\n"],
  "docs/state.md: PrintHandler, PrintServer": ["hello\n", "printed\n"],
  "docs/state.md: VisitHandler, VisitServer": ["ann\nbob\nann\n", "ann: 1\nbob: 1\nann: 2\n"],
  "docs/sharing.md: OracleHandler, OracleServer": ["why?\nnow\n", "perhaps\nno question\n"],
  "docs/state.md: HitHandler, HitServer": ["", "1\n"],
  "mod.ts: UpperHandler, ThreadingTCPServer": ["hello\n", "HELLO\n"],
  "operation/monitor/mod.ts: EchoHandler, ThreadingTCPServer": ["hello\n", "hello\n"],
  "server/forking_mixin.ts: PatternHandler, ForkingTCPServer": ["^a+$\nab\n", "false\n"],
  "server/forking_mixin.ts: PidHandler, PidServer": ["", /^served by process \d+\n$/],
  "server/threading_mixin.ts: CountHandler, CountingServer": ["", "You are number 1\n"],
  "server/threading_mixin.ts: FactorHandler, ThreadingTCPServer": ["91\n", "7\n"],
};

/** What programs print that end by themselves. */
const PRINTS: Record<string, string | RegExp> = {
  "concurrency/futures/mod.ts: primes.ts": "1229\n1033\n983\n",
  "concurrency/futures/process_pool_executor.ts: elsewhere.ts": "true\n",
  "concurrency/futures/thread_pool_executor.ts: factors.ts": "7\n1000003\n",
  "docs/from-python.md: lengths.ts": "3\n",
  "docs/from-python.md: prime_counts.ts": "200\n200\n168\n303\n",
  "docs/from-python.md: squares.ts": "2664667000\n",
  "docs/pools.md: watched.ts": "task 1: timed_out\nworker 1: killed\n",
  "concurrency/multiprocessing/mod.ts: too_long.ts":
    /^<Process\(match, stopped \d+\)> took too long\n$/,
  "concurrency/multiprocessing/process.ts: counting.ts": "Process-1 0 500500\n",
  "concurrency/multiprocessing/process.ts: matching.ts": "true 0\nnull -9\n",
  "docs/porting.md: jobs.ts": "9\n13\n",
  "docs/porting.md: workers.ts": "8\n8\n8\n",
  "docs/processes.md: two_processes.ts": "[ 0, 3 ]\n",
  "concurrency/multiprocessing/async_result.ts: later.ts": "false soso true\n",
  "concurrency/multiprocessing/pool.ts: prime_counts.ts": "[ 4, 168, 9592 ]\n",
  "concurrency/multiprocessing/thread_pool.ts: squares.ts": "1\n4\n9\n",
  "docs/processes.md: letters.ts": "[ 3, 5 ]\nlost: 3\n7\n4\n",
  "docs/processes.md: doubles.ts": "42\n",
  "docs/pools.md: patterns.ts": "^a+$ false\n[ SyntaxError\n^(a+)+$ TimeoutError\nfalse\n",
  "concurrency/threading/thread.ts: counting.ts": "Thread-1 (count) counts\n",
  "concurrency/threading/thread.ts: factors.ts": "[ 2, 2, 3, 5 ]\n",
};

/** Those that other tests run. */
const ELSEWHERE = [
  "docs/distributed.md: GreetHandler, AsyncTCPServer",
  "docs/distributed.md: master.ts",
  "docs/distributed.md: queues.ts",
  "docs/distributed.md: worker.ts",
  "docs/deploying.md: EchoHandler, ThreadingTCPServer",
  "docs/deploying.md: UpperHandler, AsyncTCPServer",
  "docs/porting.md: TaskHandler, TaskServer",
  "docs/porting.md: kitchen.ts",
  "README.md: handler.ts",
  "docs/serve.md: counter.ts",
  "docs/serve.md: upper.ts",
  "docs/testing.md: UpperHandler, UpperServer",
  "docs/testing.md: upper_test.ts",
  "docs/tls.md: EchoHandler, ThreadingTCPServer",
  "docs/tls.md: MailHandler, AsyncTCPServer",
];

/** The program of each block that is ignored, by its file, its handler and its server. */
const PROGRAMS = new Map<string, string>();
for (const path of documents()) {
  for (const { info, code } of blocks_of(path)) {
    if (info !== "ts ignore") continue;
    const handler = /class (\w+Handler)\b/.exec(code)?.[1];
    const server = /new (\w+Server)\(/.exec(code)?.[1];
    PROGRAMS.set(
      `${path}: ${handler && (server || !name_of(code)) ? `${handler}, ${server}` : name_of(code)}`,
      code,
    );
  }
}

Deno.test("Each block that deno test --doc ignores is run by a test", () => {
  const run = [...Object.keys(TALKS), ...Object.keys(PRINTS), ...ELSEWHERE];
  assertEquals([...PROGRAMS.keys()].sort(), run.sort());
});

Deno.test("Each block that deno test --doc ignores has the right types", async () => {
  await using folder = await TempFolder.make();
  // A folder for each page: several have a server.ts.
  const paths = [...PROGRAMS].map(([key, code], at) => {
    const page = folder.join(key.split(": ")[0]!);
    Deno.mkdirSync(page, { recursive: true });
    const path = `${page}/${name_of(code) ?? `${at}.ts`}`;
    Deno.writeTextFileSync(path, code);
    return path;
  });
  assertEquals(new Set(paths).size, paths.length);
  await using check = new Program("check", ...CONFIG, ...paths);
  await check.ends_well();
});

/** Runs a program of the documentation on a free port; it may do what its page says, and no more. */
async function run(
  key: string,
  use: (port: number, program: Program) => Promise<void>,
): Promise<void> {
  await using folder = await TempFolder.make();
  const path = folder.join("server.ts");
  const port_is_printed = "console.log(server.server_address.port);\n$&";
  const written = PROGRAMS.get(key)!.replaceAll("8080", "0");
  const code = written.includes("server_address")
    ? written
    : written.replace("await server.serve_forever(", port_is_printed);
  await Deno.writeTextFile(path, code);
  const flags = ["--no-prompt", "--allow-net=127.0.0.1", `--allow-read=${ROOT},${folder.path}`];
  if (code.includes("Forking")) flags.push(`--allow-run=${Deno.execPath()}`);
  await using program = new Program("run", ...CONFIG, ...flags, path);
  const line = await program.line().catch(async () => Promise.reject(await program.errors()));
  await use(Number(/\d+$/.exec(line)![0]), program);
}

/** Says something over TCP, if there is something to say, and gives what is heard up to the end. */
async function talk(port: number, says: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  if (says !== "") {
    await conn.write(new TextEncoder().encode(says));
    await conn.closeWrite();
  }
  return await soon(new Response(conn.readable).text());
}

/** Says something in one datagram, and gives the one that comes back. */
async function talk_over_udp(port: number, says: string): Promise<string> {
  const hostname = "127.0.0.1";
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  try {
    await socket.send(new TextEncoder().encode(says), { transport: "udp", hostname, port });
    const [answer] = await soon(socket.receive());
    return new TextDecoder().decode(answer);
  } finally {
    socket.close();
  }
}

for (const [key, [says, hears]] of Object.entries(TALKS)) {
  Deno.test(`${key}: answers`, async () => {
    await run(key, async (port) => {
      const heard = await (key.endsWith("UDPServer") ? talk_over_udp : talk)(port, says);
      if (typeof hears === "string") assertEquals(heard, hears);
      else assertMatch(heard, hears);
    });
  });
}

for (const [key, printed] of Object.entries(PRINTS)) {
  Deno.test(`${key}: prints what it should, and ends`, async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("main.ts");
    const code = PROGRAMS.get(key)!;
    await Deno.writeTextFile(path, code);
    const flags = ["--no-prompt", `--allow-read=${ROOT},${folder.path}`];
    if (/ProcessPool|multiprocessing/.test(code)) flags.push(`--allow-run=${Deno.execPath()}`);
    const output = await output_of(Deno.execPath(), ["run", ...CONFIG, ...flags, path]);
    if (typeof printed === "string") assertEquals(output, printed);
    else assertMatch(output, printed);
  });
}

Deno.test({
  name: "docs/limits.md: ends in good order at SIGTERM, beside an idle client",
  ignore: Deno.build.os === "windows",
  async fn() {
    await run("docs/limits.md: EchoHandler, ThreadingTCPServer", async (port, program) => {
      using client = await LineClient.connect({ transport: "tcp", hostname: "127.0.0.1", port });
      assertEquals(await soon(client.ask("hello")), "hello");
      program.child.kill("SIGTERM");
      assertEquals(await soon(program.line()), "1 drained, 0 cut");
      assertEquals(await soon(client.line()), null);
      assertEquals((await program.status()).code, 0);
    });
  },
});

Deno.test({
  name: "docs/limits.md: ends at once at a second SIGTERM, beside a busy client",
  ignore: Deno.build.os === "windows",
  async fn() {
    await run("docs/limits.md: EchoHandler, ThreadingTCPServer", async (port, program) => {
      const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
      using busy = await LineClient.connect(address);
      await busy.conn.write(new TextEncoder().encode("half a line"));
      using idle = await LineClient.connect(address);
      assertEquals(await soon(idle.ask("hello")), "hello");
      const asked = performance.now();
      program.child.kill("SIGTERM");
      assertEquals(await soon(idle.line()), null);
      await program.kill_until_it_ends("SIGTERM");
      assertEquals((await program.status()).code, 143);
      const took = performance.now() - asked;
      assert(took < 7000, `It took ${took} ms`); // Its grace is 8000.
    });
  },
});

Deno.test("deno lint has nothing against the blocks of the pages, in a project that has the package", async () => {
  await using folder = await TempFolder.make();
  const imports = { "@socketserver/socketserver": "jsr:@socketserver/socketserver@^0.2" };
  await Deno.writeTextFile(folder.join("deno.json"), JSON.stringify({ imports }));
  const pages = documents().filter((path) => path.endsWith(".md"));
  const blocks = pages.flatMap(blocks_of).filter(({ info }) => info.startsWith("ts"));
  await Promise.all(
    blocks.map(({ code }, at) => Deno.writeTextFile(folder.join(`${at}.ts`), code)),
  );
  // A file that `serve` is given is often alone, without a project that would name the package.
  const alone = "--rules-exclude=no-import-prefix,no-unversioned-import";
  await using lint = new Program("lint", "--quiet", alone, folder.path);
  await lint.ends_well();
});
