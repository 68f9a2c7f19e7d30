import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  bytes_of,
  read_bytes,
  read_to_end,
  text_of,
  write_bytes,
} from "../fixtures/tools/bytes.ts";
import {
  commands_of,
  ending_of,
  is_there,
  output_of,
  Task,
} from "../fixtures/programs/programs.ts";
import { until } from "../fixtures/tools/waiting.ts";

const [RUN, REDIS_CLI, REDIS_BENCHMARK] = commands_of("key_value_store.ts");

/** The server on a free port, started by the command of its head comment. */
async function start(): Promise<{ task: Task; port: number }> {
  await using stack = new AsyncDisposableStack();
  const task = stack.use(
    new Task("--eval", RUN!.replace(":6380", "").replace("--port 6380", "--port 0")),
  );
  const line = await task.line();
  assertMatch(line, /^Serving on 127\.0\.0\.1:\d+; Ctrl-C ends it$/);
  stack.move();
  return { task, port: Number(/:(\d+);/.exec(line)![1]) };
}

/** What a client gets that sends all of this and then listens to the end. */
async function answer_to(port: number, input: Uint8Array): Promise<Uint8Array> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await write_bytes(conn, input);
  await conn.closeWrite();
  return await read_to_end(conn);
}

async function ask(port: number, input: string): Promise<string> {
  return text_of(await answer_to(port, bytes_of(input)));
}

/** A command as clients send it. */
function command(...words: string[]): string {
  const bulks = words.map((word) => `$${bytes_of(word).length}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulks.join("")}`;
}

/** Lines as typed into `nc`, and the replies. */
const DIALOGUE: [string, string][] = [
  ["PING", "+PONG"],
  ["ping hello", "$5\r\nhello"],
  ["SET a 1", "+OK"],
  ["GET a", "$1\r\n1"],
  ["  get   a  ", "$1\r\n1"],
  ["INCR a", ":2"],
  ["INCR b", ":1"],
  ["GET c", "$-1"],
  ["SET c caf\u00e0", "+OK"], // its last byte is a space in latin1
  ["GET c", "$5\r\ncaf\u00e0"],
  ["INCR c", "-ERR value is not an integer or out of range"],
  ["EXPIRE a 100", ":1"],
  ["EXPIRE none 100", ":0"],
  ["EXPIRE a soon", "-ERR value is not an integer or out of range"],
  ["SET b 1 EX 100", "+OK"],
  ["SET b 1 px 100000", "+OK"],
  ["SET b 1 EX", "-ERR syntax error"],
  ["SET b 1 EX soon", "-ERR value is not an integer or out of range"],
  ["SET b 1 EX 0", "-ERR invalid expire time in 'set' command"],
  ["SET b 1 EX -1", "-ERR invalid expire time in 'set' command"],
  ["TTL a", ":100"],
  ["TTL c", ":-1"],
  ["TTL none", ":-2"],
  ['SET d "two  words"', "+OK"],
  ["GET 'd'", "$10\r\ntwo  words"],
  ["SET d don't", "+OK"],
  ["GET d", "$5\r\ndon't"],
  ['SET d "a b', "-ERR syntax error"],
  ["SET b 1 ZX 1", "-ERR syntax error"],
  ["SET b", "-ERR wrong number of arguments for 'set' command"],
  ["GET a b", "-ERR wrong number of arguments for 'get' command"],
  ["constructor", "-ERR unknown command 'constructor', with args beginning with: "],
  ["LPUSH a b", "-ERR unknown command 'LPUSH', with args beginning with: 'a' 'b' "],
  ["DEL a b none", ":2"],
  ["GET a", "$-1"],
  ["EXPIRE c 0", ":1"],
  ["GET c", "$-1"],
  ["QUIT", "+OK"],
];

Deno.test("key_value_store.ts answers lines, and nothing after QUIT", async () => {
  const { task, port } = await start();
  await using _task = task;
  const lines = DIALOGUE.map(([line]) => `${line}\r\n`).join("\n");
  const replies = DIALOGUE.map(([, reply]) => `${reply}\r\n`).join("");
  assertEquals(await ask(port, `${lines}PING\n`), replies);
});

Deno.test("key_value_store.ts keeps any bytes, for all connections", async () => {
  const { task, port } = await start();
  await using _task = task;
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  const bulk = [...bytes_of("$256\r\n"), ...bytes, 13, 10];
  const set = [...bytes_of("*3\r\n$3\r\nSET\r\n"), ...bulk, ...bulk];
  assertEquals(text_of(await answer_to(port, Uint8Array.from(set))), "+OK\r\n");
  const get = [...bytes_of("*2\r\n$3\r\nGET\r\n"), ...bulk];
  assertEquals([...await answer_to(port, Uint8Array.from(get))], bulk);
});

Deno.test("key_value_store.ts answers a command that is split anywhere", async () => {
  const { task, port } = await start();
  await using _task = task;
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const echo = bytes_of(command("ECHO", "two\r\nlines"));
  for (let at = 1; at < echo.length; at++) {
    // Once it has the answer to PING, the server has what came with it.
    await write_bytes(conn, Uint8Array.of(...bytes_of("PING\n"), ...echo.subarray(0, at)));
    assertEquals(text_of(await read_bytes(conn, 7)), "+PONG\r\n");
    await write_bytes(conn, echo.subarray(at));
    assertEquals(text_of(await read_bytes(conn, 17)), "$10\r\ntwo\r\nlines\r\n");
  }
});

Deno.test("key_value_store.ts answers a long pipeline, and a large value", async () => {
  const { task, port } = await start();
  await using _task = task;
  const value = "x".repeat(1_000_000);
  const set = command("SET", "key", value);
  assertEquals(
    await ask(port, set + command("INCR", "n").repeat(5000) + command("GET", "key")),
    `+OK\r\n${Array.from({ length: 5000 }, (_, at) => `:${at + 1}\r\n`).join("")}` +
      `$1000000\r\n${value}\r\n`,
  );
});

Deno.test("key_value_store.ts forgets what has expired", async () => {
  const { task, port } = await start();
  await using _task = task;
  assertEquals(await ask(port, "SET a 1 PX 1\n"), "+OK\r\n");
  await until(async () => await ask(port, "GET a\n") === "$-1\r\n");
  assertEquals(await ask(port, "INCR a\n"), ":1\r\n");
});

Deno.test("key_value_store.ts has a bound for all entries, and for all unfinished commands", async () => {
  const { task, port } = await start();
  await using _task = task;
  const value = "x".repeat(1_000_000);
  const sets = Array.from({ length: 70 }, (_, at) => command("SET", `key ${at}`, value));
  const replies = (await ask(port, sets.join(""))).split("\r\n").slice(0, -1);
  assertEquals(replies.filter((reply) => reply === "+OK").length, 67);
  assertMatch(replies.at(-1)!, /^-OOM /);
  assertEquals(
    await ask(port, "INCR n\nDEL 'key 1'\nINCR n\nGET n\n"),
    ":1\r\n:1\r\n:2\r\n$1\r\n2\r\n",
  );

  await using stack = new AsyncDisposableStack();
  for (let count = 0; count < 67; count++) {
    const conn = stack.use(await Deno.connect({ hostname: "127.0.0.1", port }));
    // Once it has the answer, the server soon has what came with it.
    await write_bytes(conn, bytes_of("PING\n*3\r\n$3\r\nSET\r\n$1000000\r\n"));
    assertEquals(text_of(await read_bytes(conn, 7)), "+PONG\r\n");
  }
  const large = command("ECHO", value);
  await until(async () => (await ask(port, large)).startsWith("-ERR Protocol error: there is no"));
  assertEquals(await ask(port, command("ECHO", "small")), "$5\r\nsmall\r\n");
  await stack.disposeAsync();
  await until(async () => (await ask(port, large)).startsWith("$1000000"));
});

Deno.test("key_value_store.ts keeps no line for the sake of a word in it", async () => {
  const program = `
    import { words_of } from "./examples/resp.ts";
    const words = [];
    for (let count = 0; count < 500; count++) {
      const line = new TextEncoder().encode("SET " + "a".repeat(20) + " ".repeat(60_000) + count + "\\n");
      words.push(await words_of(line));
    }
    gc();
    console.log(Deno.memoryUsage().heapUsed < 15_000_000, words.length);
  `;
  const args = ["eval", "--v8-flags=--expose-gc", program];
  assertEquals(await output_of(Deno.execPath(), args), "true 500\n");
});

const MALFORMED: [string, string][] = [
  ["an array without a length", "*\r\n"],
  ["an array of a negative length", "*-1\r\n"],
  ["an array with too many words", "*8193\r\n"],
  ["an array of something else", "*1\r\n:1\r\n"],
  ["a string without a length", "*1\r\n$\r\n"],
  ["a string of a negative length", "*1\r\n$-1\r\n"],
  ["a string that is too long", "*1\r\n$1048577\r\n"],
  ["strings that are too long together", `*2\r\n$600000\r\n${"x".repeat(600_000)}\r\n$600000\r\n`],
  ["a line that is too long", "x".repeat(70_000)],
];

Deno.test("key_value_store.ts tells what is malformed, and closes that connection only", async (t) => {
  const { task, port } = await start();
  await using _task = task;
  using other = await Deno.connect({ hostname: "127.0.0.1", port });
  for (const [name, input] of MALFORMED) {
    await t.step(name, async () => {
      const reply = await ask(port, `PING\n${input}`);
      assertMatch(reply, /^\+PONG\r\n-ERR Protocol error: [^\r\n]+\r\n$/);
    });
  }
  await t.step("one that is cut short gets no reply", async () => {
    assertEquals(await ask(port, "*1\r\n$4\r\nPI"), "");
  });
  await t.step("no line of a client becomes one of a reply", async () => {
    assertEquals(
      await ask(port, command("a\r\n+b")),
      "-ERR unknown command 'a  +b', with args beginning with: \r\n",
    );
  });
  await write_bytes(other, bytes_of("PING\n"));
  assertEquals(text_of(await read_bytes(other, 7)), "+PONG\r\n");
});

Deno.test({
  name: "key_value_store.ts ends cleanly at Ctrl-C, beside an idle client",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { task, port } = await start();
    await using _task = task;
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await write_bytes(conn, bytes_of("PING\n"));
    assertEquals(text_of(await read_bytes(conn, 7)), "+PONG\r\n");
    task.child.kill("SIGINT");
    assertEquals((await read_to_end(conn)).length, 0);
    await task.ends_well();
  },
});

Deno.test({
  name: "redis-cli: key_value_store.ts answers it, and takes a mass of commands",
  ignore: !is_there("redis-cli"),
  async fn() {
    const { task, port } = await start();
    await using _task = task;
    const [program, ...words] = REDIS_CLI!.replace("6380", `${port}`).split(" ");
    assertEquals(await output_of(program!, words), "OK\n");
    const typed = "GET greeting\nINCR n\nINCR greeting\nDEL n none\nTTL greeting\n";
    assertEquals(
      await output_of("redis-cli", ["-p", `${port}`], typed),
      "hello\n1\nERR value is not an integer or out of range\n\n1\n60\n",
    );
    const mass = Array.from({ length: 1000 }, (_, at) => command("SET", `key ${at}`, `${at}`));
    assertStringIncludes(
      await output_of("redis-cli", ["-p", `${port}`, "--pipe"], mass.join("")),
      "errors: 0, replies: 1000",
    );
    assertEquals(await ask(port, command("GET", "key 999")), "$3\r\n999\r\n");
  },
});

/** The one of the head, without its pipelines, and with many connections. */
const BENCHMARKS = [
  REDIS_BENCHMARK!,
  REDIS_BENCHMARK!.replace(" -P 16", ""),
  REDIS_BENCHMARK!.replace("-P 16", "-c 300"),
];
for (const command of BENCHMARKS) {
  Deno.test({
    name: `redis-benchmark: key_value_store.ts answers all of it without an error: ${command}`,
    ignore: !is_there("redis-benchmark"),
    async fn() {
      const { task, port } = await start();
      await using _task = task;
      const [program, ...words] = command.replace("6380", `${port}`).split(" ");
      const { code, output, errors } = await ending_of(program!, [...words, "-n", "2000"]);
      assertEquals({ code, errors }, { code: 0, errors: "" });
      for (const name of ["PING_INLINE", "PING_MBULK", "SET", "GET"]) {
        assert(new RegExp(`${name}: [\\d.]+ requests per second`).test(output), name);
      }
    },
  });
}

Deno.test({
  name: "nc: key_value_store.ts answers lines",
  ignore: !is_there("nc"),
  async fn() {
    const { task, port } = await start();
    await using _task = task;
    const lines = "SET greeting hello\nGET greeting\n";
    const answer = await output_of("nc", ["-N", "127.0.0.1", `${port}`], lines);
    assertEquals(answer, "+OK\r\n$5\r\nhello\r\n");
  },
});
