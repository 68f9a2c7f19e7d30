import { assertEquals, assertMatch } from "@std/assert";
import { bytes_of, read_to_end, write_bytes } from "../fixtures/tools/bytes.ts";
import { connect_and_reset } from "../fixtures/clients/clients.ts";
import { commands_of, is_there, output_of, Task } from "../fixtures/programs/programs.ts";
import { soon } from "../fixtures/tools/waiting.ts";

type TCPAddr = Deno.NetAddr & { transport: "tcp" };

const [RUN, CLIENT] = commands_of("logging_receiver.ts");

/** The receiver on a free port, started by the command of its head comment. */
async function start(): Promise<{ task: Task; address: TCPAddr }> {
  await using stack = new AsyncDisposableStack();
  const command = RUN!.replace("127.0.0.1:9020", "127.0.0.1").replace("--port 9020", "--port 0");
  const task = stack.use(new Task("--eval", command));
  const line = await soon(task.line());
  assertMatch(line, /^Receiving on 127\.0\.0\.1:\d+; Ctrl-C ends it$/);
  stack.move();
  const port = Number(/:(\d+);/.exec(line)![1]);
  return { task, address: { transport: "tcp", hostname: "127.0.0.1", port } };
}

/** Bytes with their length before them. */
function with_length(body: string | Uint8Array): Uint8Array {
  const bytes = typeof body === "string" ? bytes_of(body) : body;
  const record = new Uint8Array(4 + bytes.length);
  new DataView(record.buffer).setUint32(0, bytes.length);
  record.set(bytes, 4);
  return record;
}

function record(message: string): Uint8Array {
  return with_length(JSON.stringify({ name: "app", levelname: "INFO", message }));
}

/** What is printed of {@linkcode record}. */
function printed(message: string): string {
  return `app             INFO     ${message}`;
}

Deno.test("logging_receiver.ts prints records in their order, whatever pieces they come in", async () => {
  const { task, address } = await start();
  await using _task = task;
  using conn = await Deno.connect(address);
  conn.setNoDelay();
  for (const byte of record("caf\u00e9")) await conn.write(new Uint8Array([byte]));
  const many = Array.from({ length: 100 }, (_, at) => `message ${at}`);
  await write_bytes(conn, new Uint8Array(many.flatMap((message) => [...record(message)])));
  for (const message of ["caf\u00e9", ...many]) {
    assertEquals(await soon(task.line()), printed(message));
  }
});

Deno.test("logging_receiver.ts prints what could forge a line as harmless text", async () => {
  const { task, address } = await start();
  await using _task = task;
  using conn = await Deno.connect(address);
  await write_bytes(conn, record("a\nroot INFO b\x1b[2J\u202e"));
  assertEquals(await soon(task.line()), printed("a%0Aroot INFO b%1B[2J%E2%80%AE"));
});

/** What is no record, and why its connection is closed. */
const WRONG: [name: string, bytes: Uint8Array, why: string][] = [
  ["HTTP", bytes_of("GET / HTTP/1.0\r\n\r\n"), "a record of 1195725856 bytes, the limit is 65536"],
  [
    "one byte too much",
    with_length("x".repeat(65_537)),
    "a record of 65537 bytes, the limit is 65536",
  ],
  ["a pickle", with_length("}q\0X"), "a pickle, which could run any code; send JSON"],
  [
    "a new pickle",
    with_length(new Uint8Array([0x80, 4])),
    "a pickle, which could run any code; send JSON",
  ],
  ["no bytes", with_length(""), "a record that is not JSON"],
  ["no JSON", with_length("hello"), "a record that is not JSON"],
  ["no object", with_length("null"), "a record without a text as its name, levelname, message"],
  [
    "numbers",
    with_length('{"name":"","levelname":20,"message":""}'),
    "a record without a text as its levelname",
  ],
];

Deno.test("logging_receiver.ts closes a connection that sends no records, says why, and lives", async () => {
  const { task, address } = await start();
  await using _task = task;
  for (const [name, bytes] of WRONG) {
    using conn = await Deno.connect(address);
    await write_bytes(conn, bytes);
    assertEquals(await soon(read_to_end(conn)), new Uint8Array(0), name);
  }
  using conn = await Deno.connect(address);
  await write_bytes(conn, record("hello"));
  assertEquals(await soon(task.line()), printed("hello"));
  conn.close();
  task.child.kill("SIGTERM");
  const reasons = (await task.errors()).trimEnd().split("\n");
  assertEquals(reasons, WRONG.map(([, , why]) => `Closed the connection of 127.0.0.1: ${why}`));
});

Deno.test("logging_receiver.ts says nothing of clients that go in the middle of a record", async () => {
  const { task, address } = await start();
  await using _task = task;
  const whole = record("gone");
  for (let length = 0; length < whole.length; length++) {
    using conn = await Deno.connect(address);
    await write_bytes(conn, whole.subarray(0, length));
  }
  await connect_and_reset(address);
  using conn = await Deno.connect(address);
  await write_bytes(conn, record("hello"));
  assertEquals(await soon(task.line()), printed("hello"));
  conn.close();
  task.child.kill("SIGTERM");
  await task.ends_well();
});

Deno.test({
  name: "python3: logging_receiver.ts prints what logging_client.py logs",
  ignore: !is_there("python3"),
  async fn() {
    const { task, address } = await start();
    await using _task = task;
    await using client = new Task("--eval", CLIENT!.replace("9020", `${address.port}`));
    for (
      const line of [
        "root            INFO     Jackdaws love my big sphinx of quartz.",
        "myapp.area1     DEBUG    Quick zephyrs blow, vexing daft Jim.",
        "myapp.area1     INFO     How quickly daft jumping zebras vex.",
        "myapp.area2     WARNING  Jail zesty vixen who grabbed pay from quack.",
        "myapp.area2     ERROR    The five boxing wizards jump quickly.",
      ]
    ) assertEquals(await soon(task.line()), line);
    await client.ends_well();
  },
});

/** Logs with Python's own handler, and waits until the connection is closed. */
const PICKLE_CLIENT = `
import logging, logging.handlers, sys
handler = logging.handlers.SocketHandler("127.0.0.1", int(sys.argv[1]))
logging.getLogger("app").addHandler(handler)
logging.getLogger("app").error("hello")
handler.sock.settimeout(10)
print(handler.sock.recv(1))
`;

Deno.test({
  name: "python3: logging_receiver.ts refuses the pickles of Python's own SocketHandler",
  ignore: !is_there("python3"),
  async fn() {
    const { task, address } = await start();
    await using _task = task;
    assertEquals(await output_of("python3", ["-", `${address.port}`], PICKLE_CLIENT), "b''\n");
    task.child.kill("SIGTERM");
    assertEquals(
      await task.errors(),
      "Closed the connection of 127.0.0.1: a pickle, which could run any code; send JSON\n",
    );
  },
});
