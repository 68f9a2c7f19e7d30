import { assertEquals, assertMatch } from "@std/assert";
import { bytes_of, read_to_end, write_bytes } from "../fixtures/tools/bytes.ts";
import { connect_and_reset } from "../fixtures/clients/clients.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import { commands_of, is_there, Task } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { soon } from "../fixtures/tools/waiting.ts";

const [RUN, ...LOGGERS] = commands_of("syslog_collector.ts");
/** The socket in the commands of the head comment. */
const SOCKET = "/tmp/syslog.sock";

/** The collector, started by the command of its head comment, on free ports and in a folder. */
class Collector implements AsyncDisposable {
  readonly task: Task;
  readonly udp: Deno.NetAddr;
  readonly tcp: Deno.NetAddr & { transport: "tcp" };
  readonly path: string;

  private constructor(task: Task, [udp, tcp]: [string, string], path: string) {
    this.task = task;
    this.udp = { transport: "udp", hostname: "127.0.0.1", port: Number(udp) };
    this.tcp = { transport: "tcp", hostname: "127.0.0.1", port: Number(tcp) };
    this.path = path;
  }

  static async start(folder: TempFolder): Promise<Collector> {
    await using stack = new AsyncDisposableStack();
    const path = folder.join("syslog.sock");
    const command = RUN!.replaceAll(SOCKET, path).replace(":5514", "").replace(
      "--port 5514",
      "--port 0",
    );
    const task = stack.use(new Task("--eval", command));
    const line = await soon(task.line());
    assertMatch(line, /^Collecting on UDP port \d+, TCP port \d+ and .*; Ctrl-C ends it$/);
    const [, udp, tcp] = /UDP port (\d+), TCP port (\d+)/.exec(line)!;
    stack.move();
    return new Collector(task, [udp!, tcp!], path);
  }

  /** Sends bytes on a connection of their own, and reads it to its end. */
  async tell(bytes: Uint8Array): Promise<void> {
    using conn = await Deno.connect(this.tcp);
    await write_bytes(conn, bytes);
    await conn.closeWrite();
    await soon(read_to_end(conn));
  }

  async expect(...lines: string[]): Promise<void> {
    for (const line of lines) assertEquals(await soon(this.task.line()), line);
  }

  /** Ends it, and gives what it printed to standard error. */
  async end(): Promise<string> {
    this.task.child.kill("SIGTERM");
    const errors = await this.task.errors();
    assertEquals((await this.task.status()).code, 0);
    return errors;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.task[Symbol.asyncDispose]();
  }
}

function test_collector(
  name: string,
  run: (collector: Collector) => Promise<void>,
  ignore = false,
): void {
  Deno.test({
    name,
    ignore: ignore || Deno.build.os === "windows",
    async fn() {
      await using folder = await TempFolder.make();
      await using collector = await Collector.start(folder);
      await run(collector);
    },
  });
}

/** What may be sent, and the line that is printed. */
const MESSAGES = [
  [
    "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
    "Oct 11 22:14:15 mymachine[127.0.0.1] auth.crit su: 'su root' failed",
  ],
  ["<13>Nov  1 12:00:00 root[7]: hello: x", "Nov  1 12:00:00 127.0.0.1 user.notice root: hello: x"],
  ["<0>Nov  1 12:00:00 ::1 kernel: x", "Nov  1 12:00:00 ::1[127.0.0.1] kern.emerg kernel: x"],
  ["<13>Nov  1 12:00:00 127.0.0.1 t: x", "Nov  1 12:00:00 127.0.0.1 user.notice t: x"],
  [
    "<13>Nov  1 12:00:00 h[192.0.2.1] t: x",
    "Nov  1 12:00:00 h[192.0.2.1][127.0.0.1] user.notice t: x",
  ],
  ["<13>Nov  1 12:00:00 localhost t: x", "Nov  1 12:00:00 localhost[127.0.0.1] user.notice t: x"],
  [
    "<165>1 2003-08-24T05:14:15.000003-07:00 host evnts 8710 ID47 - \uFEFFcaf\u00e9",
    "2003-08-24T05:14:15.000003-07:00 host[127.0.0.1] local4.notice evnts: caf\u00e9",
  ],
  [
    String.raw`<165>1 2003-10-11T22:14:15Z host app - - [a@1 b="c]\"d"][e f="g"] text`,
    "2003-10-11T22:14:15Z host[127.0.0.1] local4.notice app: text",
  ],
  ["<191>1 2003-10-11T22:14:15Z - - - - -", "2003-10-11T22:14:15Z 127.0.0.1 local7.debug -: "],
  [
    "<13>Nov  1 12:00:00 h t: a\x1b[2J\nroot: b",
    "Nov  1 12:00:00 h[127.0.0.1] user.notice t: a%1B[2J%0Aroot: b",
  ],
] as const;

test_collector("syslog_collector.ts prints messages of both forms from UDP", async (collector) => {
  using client = new DatagramClient(collector.udp);
  for (const [message, line] of MESSAGES) {
    await client.send(message);
    await collector.expect(line);
  }
});

test_collector(
  "syslog_collector.ts prints anything as a message: user.notice",
  async (collector) => {
    using client = new DatagramClient(collector.udp);
    for (const message of ["hello", "<192>hello", "<>hello", "<1234>1 - -", "1"]) {
      await client.send(message);
      const line = await soon(collector.task.line());
      assertMatch(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z 127\.0\.0\.1 user\.notice -: /);
      assertEquals(line.replace(/^\S+ \S+ \S+ -: /, ""), message);
    }
  },
);

test_collector(
  "syslog_collector.ts takes counted messages and lines, split anywhere",
  async (collector) => {
    const [counted, line] = [
      "<13>Nov  1 12:00:00 h t: two\nlines",
      "<13>Nov  1 12:00:00 h t: one line\n",
    ];
    const bytes = bytes_of(`${counted.length} ${counted}${line}${counted.length} ${counted}`);
    for (let at = 0; at < bytes.length; at++) {
      using conn = await Deno.connect(collector.tcp);
      conn.setNoDelay();
      await conn.write(bytes.subarray(0, at));
      await conn.write(bytes.subarray(at));
      await collector.expect(
        "Nov  1 12:00:00 h[127.0.0.1] user.notice t: two%0Alines",
        "Nov  1 12:00:00 h[127.0.0.1] user.notice t: one line",
        "Nov  1 12:00:00 h[127.0.0.1] user.notice t: two%0Alines",
      );
    }
  },
);

test_collector("syslog_collector.ts takes messages that zero bytes end", async (collector) => {
  using conn = await Deno.connect(collector.tcp);
  conn.setNoDelay();
  const part = "<13>Nov  1 12:00:00 h t: ";
  for (const byte of bytes_of(`${part}one\0${part}two\n\0`)) await conn.write(Uint8Array.of(byte));
  await collector.expect(
    "Nov  1 12:00:00 h[127.0.0.1] user.notice t: one",
    "Nov  1 12:00:00 h[127.0.0.1] user.notice t: two",
  );
  // The longest one, its end included.
  await write_bytes(conn, bytes_of(part + "x".repeat(8191 - part.length) + "\0"));
  await collector.expect(
    `Nov  1 12:00:00 h[127.0.0.1] user.notice t: ${"x".repeat(8191 - part.length)}`,
  );
});

/** What is no stream of messages, and why its connection is closed. */
const WRONG = [
  [`<13>${"x".repeat(9000)}\n`, "A message has at most 8192 bytes"],
  ["8193 <13>x", "A count must be a number up to 8192"],
  ["123456 <13>x", "No delimiter was found within 5 bytes"],
  ["1x <13>", "A count must be a number up to 8192"],
];

test_collector(
  "syslog_collector.ts closes a connection without order, and says why",
  async (collector) => {
    for (const [text] of WRONG) await collector.tell(bytes_of(text!));
    await collector.tell(bytes_of("<13>Nov  1 12:00:00 h t: still here\n"));
    await collector.expect("Nov  1 12:00:00 h[127.0.0.1] user.notice t: still here");
    const reasons = (await collector.end()).trimEnd().split("\n");
    assertEquals(reasons, WRONG.map(([, why]) => `Closed the connection of 127.0.0.1: ${why}`));
  },
);

test_collector(
  "syslog_collector.ts says nothing of clients that go in the middle",
  async (collector) => {
    await collector.tell(bytes_of("99 <13>half"));
    await connect_and_reset(collector.tcp);
    await collector.tell(bytes_of("\n\n"));
    await collector.tell(bytes_of("<13>Nov  1 12:00:00 h t: no newline"));
    await collector.expect("Nov  1 12:00:00 h[127.0.0.1] user.notice t: no newline");
    assertEquals(await collector.end(), "");
  },
);

test_collector(
  "syslog_collector.ts drops a datagram that is too long, and says so",
  async (collector) => {
    using client = new DatagramClient(collector.udp);
    await client.send("x".repeat(8193));
    await client.send(MESSAGES[0][0]);
    await collector.expect(MESSAGES[0][1]);
    assertMatch(await collector.end(), /A datagram from .* was dropped: .* max_packet_size = 8192/);
  },
);

/** Logs over UDP, TCP and the Unix socket. It closes none of them before it ends. */
const SYSLOG_HANDLERS = `
import logging, logging.handlers, socket, sys
tcp = ("127.0.0.1", int(sys.argv[2]))
handlers = [
    logging.handlers.SysLogHandler(("127.0.0.1", int(sys.argv[1]))),
    logging.handlers.SysLogHandler(tcp, socktype=socket.SOCK_STREAM),
    logging.handlers.SysLogHandler(sys.argv[3]),
]
for number, handler in enumerate(handlers):
    handler.ident = "app: "
    logger = logging.getLogger(str(number))
    logger.addHandler(handler)
    logger.error("hello %d", number)
    print(sys.stdin.readline(), end="")
`;

test_collector(
  "python3: syslog_collector.ts prints what comes from Python's SysLogHandler",
  async (collector) => {
    const { udp, tcp, path } = collector;
    await using folder = await TempFolder.make();
    await Deno.writeTextFile(folder.join("client.py"), SYSLOG_HANDLERS);
    const command = `python3 ${folder.join("client.py")} ${udp.port} ${tcp.port} ${path}`;
    await using client = new Task("--eval", command);
    for (const [number, sender] of ["127.0.0.1", "127.0.0.1", "localhost"].entries()) {
      const line = await soon(collector.task.line());
      assertMatch(line, /^\S+Z \S+ user\.err -: /);
      assertEquals(line.replace(/^\S+ /, ""), `${sender} user.err -: app: hello ${number}`);
      await client.send("\n");
    }
    await client.ends_well();
  },
  !is_there("python3"),
);

for (const command of LOGGERS) {
  test_collector(
    `logger: syslog_collector.ts prints what comes from ${command}`,
    async (collector) => {
      const { port } = command.includes("--tcp") ? collector.tcp : collector.udp;
      const there = command.replace("5514", `${port}`).replace(SOCKET, collector.path);
      await using client = new Task("--eval", `${there} --priority local3.err --tag test`);
      assertMatch(
        await soon(collector.task.line()),
        /^\S.*\d\d:\d\d\S* \S+ local3\.err test: hello$/,
      );
      await client.ends_well();
    },
    !is_there("logger"),
  );
}
