import { assert, assertEquals, assertMatch } from "@std/assert";
import { bytes_of, read_bytes, read_to_end, write_bytes } from "../fixtures/tools/bytes.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import { commands_of, is_there, output_of, Task } from "../fixtures/programs/programs.ts";

const [RUN, ...DIGS] = commands_of("dns_server.ts");

/** The server on a free port, started by the command of its head comment. */
async function start(command = RUN!): Promise<{ task: Task; address: Deno.NetAddr }> {
  await using stack = new AsyncDisposableStack();
  const task = stack.use(new Task("--eval", command.replace("--port 5353", "--port 0")));
  const line = await task.line();
  assertMatch(line, /^Serving on 127\.0\.0\.1:\d+; Ctrl-C ends it$/);
  stack.move();
  const port = Number(/:(\d+);/.exec(line)![1]);
  return { task, address: { transport: "udp", hostname: "127.0.0.1", port } };
}

/** What the tests tell queries apart by. */
interface Asked {
  name?: string;
  type?: number;
  flags?: number;
  questions?: number;
}

const [A, TXT, ANY] = [1, 16, 255];

/** A query without EDNS. */
function query({ name = "example.test", type = A, flags = 0x0100, questions = 1 }: Asked = {}) {
  const labels = name.split(".").flatMap((label) => [label.length, ...bytes_of(label)]);
  const header = [0xab, 0xcd, flags >> 8, flags & 255, 0, questions, 0, 0, 0, 0, 0, 0];
  return Uint8Array.from([...header, ...labels, 0, 0, type, 0, 1]);
}

/** A message with its length before it, as over TCP. */
function framed(message: Uint8Array): Uint8Array {
  return Uint8Array.of(message.length >> 8, message.length & 255, ...message);
}

function connect({ hostname, port }: Deno.NetAddr): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname, port });
}

async function read_frame(conn: Deno.Conn): Promise<Uint8Array> {
  const [high, low] = await read_bytes(conn, 2);
  return await read_bytes(conn, high! << 8 | low!);
}

/** What a reply says: its code, how many answers it has, whether it is cut, whether of the zone. */
function gist(reply: Uint8Array) {
  assertEquals([...reply.subarray(0, 2)], [0xab, 0xcd]);
  assert(reply[2]! & 0x80, "It is no reply");
  return {
    code: reply[3]! & 15,
    answers: reply[7]!,
    cut: (reply[2]! & 2) !== 0,
    sure: (reply[2]! & 4) !== 0,
  };
}

const GOOD = { code: 0, answers: 1, cut: false, sure: true };
const BAD = { code: 1, answers: 0, cut: false, sure: false };

for (
  const [how, command] of [["", RUN!], [", without the flag", RUN!.replace("--unstable-net ", "")]]
) {
  Deno.test(`dns_server.ts answers over UDP${how}`, async () => {
    const { task, address } = await start(command);
    await using _task = task;
    using client = new DatagramClient(address);
    const asked = query({ name: "wWw.eXample.TEST" });
    await client.send(asked);
    const reply = await client.receive();
    assertEquals(gist(reply), { ...GOOD, answers: 2 });
    // The question comes back to the letter; then a pointer to it, type, class, time, length, data.
    assertEquals(reply.slice(12, asked.length), asked.slice(12));
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2];
    assertEquals([...reply.subarray(asked.length)], [...answer, 2, ...answer, 3]);
  });
}

Deno.test("dns_server.ts tells names that are not there from those without such a record", async () => {
  const { task, address } = await start();
  await using _task = task;
  using client = new DatagramClient(address);
  const ask = async (asked: Asked) => {
    await client.send(query(asked));
    return gist(await client.receive());
  };
  assertEquals(await ask({ name: "none.example.test" }), { ...GOOD, code: 3, answers: 0 });
  assertEquals(await ask({ name: "example.test.www" }), { ...BAD, code: 5 });
  assertEquals(await ask({ name: "long.example.test", type: A }), { ...GOOD, answers: 0 });
  assertEquals(await ask({ type: 252 }), { ...BAD, code: 5 });
  assertEquals(await ask({ name: "www.example.test", type: 15 }), { ...GOOD, answers: 0 });
  assertEquals(await ask({ flags: 0x2000 }), { ...BAD, code: 4 });
});

Deno.test("dns_server.ts cuts what is too long for a datagram, and not over TCP", async () => {
  const { task, address } = await start();
  await using _task = task;
  using client = new DatagramClient(address);
  const asked = query({ name: "big.example.test", type: TXT });
  await client.send(asked);
  const reply = await client.receive();
  assertEquals(gist(reply), { ...GOOD, answers: 0, cut: true });
  assertEquals(reply.length, asked.length);
  using conn = await connect(address);
  await write_bytes(conn, framed(asked));
  assertEquals(gist(await read_frame(conn)), { ...GOOD, answers: 8 });
});

/** A query with EDNS, for replies of up to 4096 bytes. */
function with_edns(query: Uint8Array): Uint8Array {
  const longer = Uint8Array.of(...query, 0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0);
  longer[11] = 1; // one more record
  return longer;
}

const NAMES = [
  "example.test",
  "www.example.test",
  "long.example.test",
  "big.example.test",
  "x.test",
];

Deno.test("dns_server.ts sends no datagram more than 4 times as long as its query", async () => {
  const { task, address } = await start();
  await using _task = task;
  using client = new DatagramClient(address);
  for (const name of [...NAMES, "none.example.test"]) {
    for (const type of [A, 6, TXT, 28, ANY]) {
      const asked = query({ name, type });
      for (const message of [asked, with_edns(asked)]) {
        await client.send(message);
        const reply = await client.receive();
        assert(reply.length <= 4 * message.length, `${name} ${type}: ${reply.length} bytes`);
        const is_long = type === TXT && /long|big/.test(name);
        assertEquals(gist(reply).cut, is_long, `${name} ${type}`); // the others get all
      }
    }
  }
});

Deno.test("dns_server.ts answers ANY over UDP with one record, and over TCP with all", async () => {
  const { task, address } = await start();
  await using _task = task;
  using client = new DatagramClient(address);
  const asked = query({ type: ANY });
  await client.send(asked);
  const reply = await client.receive();
  assertEquals(gist(reply), GOOD);
  const record = [0xc0, 12, 0, 13, 0, 1, 0, 0, 14, 16, 0, 9, 7, ...bytes_of("RFC8482"), 0];
  assertEquals([...reply.subarray(asked.length)], record);
  await client.send(query({ name: "none.example.test", type: ANY }));
  assertEquals(gist(await client.receive()), { ...GOOD, code: 3, answers: 0 });
  using conn = await connect(address);
  await write_bytes(conn, framed(asked));
  assertEquals(gist(await read_frame(conn)), { ...GOOD, answers: 4 });
});

const HEADER = query().slice(0, 12);
const IGNORED: [string, Uint8Array][] = [
  ["nothing", new Uint8Array(0)],
  ["less than a header", HEADER.slice(0, 11)],
  ["a reply", query({ flags: 0x8180 })],
  ["a malformed reply", Uint8Array.of(...query({ flags: 0x8180 }).slice(0, 12), 0xc0, 0x0c)],
];
const MALFORMED: [string, Uint8Array][] = [
  ["a header only", HEADER],
  ["no question", query({ questions: 0 })],
  ["two questions", query({ questions: 2 })],
  ["a pointer to itself", Uint8Array.of(...HEADER, 0xc0, 0x0c, 0, 1, 0, 1)],
  ["a pointer to the header", Uint8Array.of(...HEADER, 1, 97, 0xc0, 0, 0, 1, 0, 1)],
  ["a label of an unknown kind", Uint8Array.of(...HEADER, 0x40, 0, 0, 1, 0, 1)],
  ["a label beyond the end", Uint8Array.of(...HEADER, 63, 97)],
  ["a name that is too long", query({ name: Array(5).fill("a".repeat(60)).join(".") })],
  ["less than a question", query().slice(0, -1)],
];

Deno.test("dns_server.ts survives any datagram", async (t) => {
  const { task, address } = await start();
  await using _task = task;
  using client = new DatagramClient(address);
  for (const [name, message] of IGNORED) {
    await t.step(`no reply to ${name}`, async () => {
      await client.send(message);
      await client.send(query());
      assertEquals(gist(await client.receive()), GOOD);
    });
  }
  for (const [name, message] of MALFORMED) {
    await t.step(`FORMERR to ${name}`, async () => {
      await client.send(message);
      assertEquals(gist(await client.receive()), BAD);
    });
  }
  await t.step("FORMERR to a query that is cut anywhere", async () => {
    for (let length = 12; length < query().length; length++) {
      await client.send(query().slice(0, length));
      assertEquals(gist(await client.receive()), BAD);
    }
  });
});

Deno.test("dns_server.ts answers several queries of a TCP connection, split anywhere", async () => {
  const { task, address } = await start();
  await using _task = task;
  using conn = await connect(address);
  const asked = framed(query());
  for (let at = 1; at < asked.length; at++) {
    // Once it has answered the first one, the server has what came with it.
    await write_bytes(conn, Uint8Array.of(...asked, ...asked.subarray(0, at)));
    assertEquals(gist(await read_frame(conn)), GOOD);
    await write_bytes(conn, asked.subarray(at));
    assertEquals(gist(await read_frame(conn)), GOOD);
  }
  await conn.closeWrite();
  assertEquals((await read_to_end(conn)).length, 0);
});

Deno.test("dns_server.ts says nothing to what is cut short over TCP, and serves on", async () => {
  const { task, address } = await start();
  await using _task = task;
  for (const input of [Uint8Array.of(0), Uint8Array.of(0, 50, 1), framed(HEADER.slice(0, 5))]) {
    using conn = await connect(address);
    await write_bytes(conn, input);
    await conn.closeWrite();
    assertEquals((await read_to_end(conn)).length, 0);
  }
  using conn = await connect(address);
  await write_bytes(conn, framed(query()));
  assertEquals(gist(await read_frame(conn)), GOOD);
  assert(Deno.build.os === "windows" || await ends_cleanly(task), "It did not end cleanly");
});

async function ends_cleanly(task: Task): Promise<boolean> {
  task.child.kill("SIGINT");
  const { code } = await task.status();
  return code === 0 && await task.errors() === "";
}

/** What `dig` is asked, and what it prints. */
const DIG_CASES: [string, RegExp][] = [
  [DIGS[0]!.replace(/.* -p 5353 /, ""), /status: NOERROR[^]*flags: qr aa rd;[^]*A\t192\.0\.2\.1\n/],
  [DIGS[1]!.replace(/.* -p 5353 /, ""), /TXT\t"[0-9 ]{255}" "[0-9 ]+"\n[^]*\(TCP\)/],
  ["www.example.test AAAA", /EDNS: version: 0[^]*AAAA\t2001:db8::c000:202\n[^]*\(UDP\)/],
  ["+notcp example.test ANY", /status: NOERROR[^]*HINFO\t"RFC8482" ""\n[^]*\(UDP\)/],
  ["long.example.test TXT", /Truncated, retrying in TCP mode[^]*ANSWER: 1,[^]*\(TCP\)/],
  ["example.test TXT", /TXT\t"v=spf1 -all" "; two strings"\n/],
  ["none.example.test A", /status: NXDOMAIN[^]*ANSWER: 0, AUTHORITY: 1[^]*SOA\tns\.example\.test/],
  ["www.example.test MX", /status: NOERROR[^]*ANSWER: 0, AUTHORITY: 1[^]*SOA\tns\.example\.test/],
  ["big.example.test TXT", /Truncated, retrying in TCP mode[^]*ANSWER: 8,[^]*\(TCP\)/],
  ["+noedns big.example.test TXT", /Truncated, retrying in TCP mode[^]*ANSWER: 8,[^]*\(TCP\)/],
  ["+bufsize=512 +ignore big.example.test TXT", /flags: qr aa tc rd;[^]*ANSWER: 0,[^]*\(UDP\)/],
  ["+edns=1 +noednsneg example.test A", /status: BADVERS/],
  ["+opcode=notify example.test SOA", /status: NOTIMP/],
  ["other.test A", /status: REFUSED/],
  [
    "www.example.test CNAME",
    /status: NOERROR[^]*ANSWER: 0, AUTHORITY: 1[^]*SOA\tns\.example\.test/,
  ],
  ["example.test CH TXT", /status: REFUSED/],
  ["example.test AXFR", /global options: \+cmd\n; Transfer failed\.\n/],
  ["+cookie +subnet=192.0.2.0/24 +dnssec example.test A", /EDNS: version: 0[^]*A\t192\.0\.2\.1\n/],
];

Deno.test({
  name: "dig: dns_server.ts answers it",
  ignore: !is_there("dig"),
  async fn(t) {
    const { task, address } = await start();
    await using _task = task;
    for (const [words, expected] of DIG_CASES) {
      await t.step(words, async () => {
        const args = ["@127.0.0.1", "-p", `${address.port}`, ...words.split(" ")];
        const printed = await output_of("dig", args);
        assertMatch(printed, expected);
        assert(!/warning:.*malformed|extra bytes|mismatch/i.test(printed), printed);
      });
    }
  },
});
