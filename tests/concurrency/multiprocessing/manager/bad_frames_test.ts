/** What a client that knows the key, and says what makes no sense, does to itself, and to nobody else. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { framed, message, RawManagerClient } from "../../../fixtures/clients/raw_manager_client.ts";
import { KEY, Managing } from "../../../fixtures/managers/managing.ts";
import { bytes_of, concat } from "../../../fixtures/tools/bytes.ts";
import { Random } from "../../../fixtures/tools/random.ts";
import { soon, until } from "../../../fixtures/tools/waiting.ts";

const MiB = 1024 * 1024;

/** How a link says: call a method; it was answered; it was received. */
const [CALL, ANSWER, RECEIVED] = [0, 3, 4];

/** Says something that ends the connection. */
type Say = (client: RawManagerClient, root: number) => Promise<void>;

const json = (text: string): Say => (client) => client.send(message(text));
const tell = (body: unknown): Say => (client) => client.tell(body);
const with_bytes = (length: number, text: string): Say => (client) => {
  const head = new Uint8Array(5);
  head[0] = 1;
  new DataView(head.buffer).setUint32(1, length);
  return client.send(concat(head, bytes_of(text)));
};

const ENDS: Record<string, Say> = {
  "a frame that is too long": (client) => client.send(new Uint8Array(0), 2 * MiB + 1),
  "a length below 0": (client) => client.send(new Uint8Array(0), -1),
  "a frame without its end": async (client) => {
    await client.send(new Uint8Array(10), 100);
    await (client.conn as Deno.TcpConn).closeWrite();
  },
  "half a length": async (client) => {
    await client.conn.write(new Uint8Array(2));
    await (client.conn as Deno.TcpConn).closeWrite();
  },
  "an unknown kind of frame": (client) => client.send(bytes_of("hello")),
  "no JSON": json("[1, 2"),
  "no UTF-8": (client) => client.send(new Uint8Array([0, 0x22, 0xff, 0x22])),
  "no array": json('{"a": 1}'),
  "nesting without an end": json("[".repeat(MiB / 2) + "]".repeat(MiB / 2)),
  "arguments that are nested too deep": (client, root) =>
    client.send(
      message(`[0,1,${root},"call",1,["echo",[${"[".repeat(3000)}${"]".repeat(3000)}]],null]`),
    ),
  "nothing that a link is told": tell([99, 1]),
  "a text in place of a number": tell(["CALL"]),
  "JSON that is longer than its frame": with_bytes(1000, "[]"),
  "bytes that are not there": with_bytes(
    35,
    '[3,1,0,null,[[[],{"bytes":9e9}]]]  ',
  ),
  "a grant that was none": async (client, root) => {
    await client.tell([CALL, 1, root, "call", 1, ["get_jobs", []], null]);
    const mine = await client.given();
    await client.tell([CALL, 2, mine, "get", 1, [null], null]);
    await client.tell([RECEIVED, 2]);
  },
};

for (const [what, say] of Object.entries(ENDS)) {
  Deno.test(`${what}: that connection ends, and no other`, async () => {
    await using managing = new Managing({ max_message_size: 2 * MiB });
    await using other = await managing.connect();
    const [client, { root }] = await RawManagerClient.greeted(managing.port, KEY);
    using _client = client;
    await say(client, root.mine);
    await soon(client.is_ended());
    await until(() => managing.server.info().active === 1);
    assertEquals(managing.reports.length, 1);
    assertEquals(await other.echo("still here"), "still here");
  });
}

/** A descriptor of the server, which a client has not sent. */
const carried_stream = {
  mine: 8,
  kind: { file: "concurrency/threading/carried_stream.ts", name: "CarriedStream" },
  described: { fd: 1_000_000, taken: [0] },
  fixed: { value: { local: {}, remote: {} } },
};

/** What is answered with an error. */
const REFUSED: Record<string, [body: (root: number) => unknown[], message: RegExp]> = {
  "an unknown object": [() => [CALL, 1, 12345, "call", 1, [], null], /withdrawn/],
  "a method that is not exposed": [
    (root) => [CALL, 1, root, "withdraw", 1, [], null],
    /There is no method withdraw/,
  ],
  "a name that is not registered": [
    (root) => [CALL, 1, root, "call", 1, ["constructor", []], null],
    /There is no method constructor/,
  ],
  "__proto__ as a method": [
    (root) => [CALL, 1, root, "__proto__", 1, [], null],
    /There is no method __proto__/,
  ],
  "arguments that are none": [
    (root) => [CALL, 1, root, "call", 1, 5, null],
    /./,
  ],
  "a place that is not there": [
    (root) => [CALL, 1, root, "call", 1, ["echo", [{}]], [[[1, 0, "__proto__"], { date: 0 }]]],
    /no such place/,
  ],
  "a place beyond an array": [
    (root) => [CALL, 1, root, "call", 1, ["echo", [[]]], [[[1, 0, 4294967294], { date: 0 }]]],
    /no such place/,
  ],
  "a function": [
    (root) => [
      CALL,
      1,
      root,
      "call",
      1,
      ["echo", [null]],
      [[[1, 0], { function: { module: "data:text/javascript,", name: "f", hash: 1 } }]],
    ],
    /Functions do not come from other programs/,
  ],
  "a function where only the library looks": [
    (root) => [
      CALL,
      1,
      root,
      "call",
      1,
      ["echo", [null]],
      [[[1, 0], {
        mine: 7,
        kind: { file: "concurrency/threading/lock.ts", name: "Lock" },
        fixed: {
          value: null,
          passengers: [[[], { function: { module: "data:text/javascript,", name: "f", hash: 1 } }]],
        },
      }]],
    ],
    /Functions do not come from other programs/,
  ],
  "an object of no class, and then what may not come": [
    (root) => [
      CALL,
      1,
      root,
      "call",
      1,
      ["echo", [null, null]],
      [
        [[1, 0], {
          mine: 7,
          kind: { file: "concurrency/threading/lock.ts", name: "Nothing" },
          fixed: { value: null },
        }],
        [[1, 1], { function: { module: "data:text/javascript,", name: "f", hash: 1 } }],
      ],
    ],
    /Functions do not come from other programs/,
  ],
  "an object of a file of its own": [
    (root) => [
      CALL,
      1,
      root,
      "call",
      1,
      ["echo", [null]],
      [[[1, 0], { mine: 7, kind: { file: "../evil.ts", name: "Lock" }, fixed: { value: null } }]],
    ],
    /does not come from another program/,
  ],
  "an executor": [
    (root) => [
      CALL,
      1,
      root,
      "call",
      1,
      ["echo", [null]],
      [[[1, 0], {
        mine: 7,
        kind: { file: "concurrency/futures/thread_pool_executor.ts", name: "ThreadPoolExecutor" },
        fixed: { value: {} },
      }]],
    ],
    /does not come from another program/,
  ],
  "a connection": [
    (root) => [
      CALL,
      1,
      root,
      "call",
      1,
      ["echo", [null]],
      [[[1, 0], carried_stream]],
    ],
    /A CarriedStream does not come from another program/,
  ],
  "a connection where only the library looks": [
    (root) => [
      CALL,
      1,
      root,
      "call",
      1,
      ["echo", [null]],
      [[[1, 0], {
        mine: 7,
        kind: { file: "concurrency/threading/condition.ts", name: "Condition" },
        fixed: { value: null, passengers: [[[], carried_stream]] },
      }]],
    ],
    /A CarriedStream does not come from another program/,
  ],
  "an object by its name": [
    () => [CALL, 1, "concurrency/threading/lock.ts Lock ledger", "acquire", 1, [null], null],
    /find no objects by their names/,
  ],
  "a Map of what only says how long it is": [
    (root) => [
      CALL,
      1,
      root,
      "call",
      1,
      ["echo", [null]],
      [[[1, 0], { map: { value: { length: 4_294_967_294 } } }]],
    ],
    /must be an array/,
  ],
  "bytes that are a number": [
    (root) => [
      CALL,
      1,
      root,
      "call",
      1,
      ["echo", [null]],
      [[[1, 0], { bytes: 4_000_000_000, of: "Uint8Array" }]],
    ],
    /no such bytes/,
  ],
};

Deno.test("what makes sense and is not allowed is answered with an error", async (test) => {
  await using managing = new Managing();
  for (const [what, [body, words]] of Object.entries(REFUSED)) {
    await test.step(what, async () => {
      const [client, { root }] = await RawManagerClient.greeted(managing.port, KEY);
      using _client = client;
      await client.tell(body(root.mine));
      const [kind, number, how, image] = await soon(client.told());
      assertEquals([kind, number, how], [ANSWER, 1, 2]);
      assertMatch((image as Error).message, words);
      // It may go on.
      await client.tell([CALL, 2, root.mine, "call", 1, ["echo", [5]], null]);
      assertEquals((await soon(client.told())).slice(0, 4), [ANSWER, 2, 0, 5]);
    });
  }
  assertEquals(managing.reports, []);
});

/** What a client that makes sense says, once it knows the root. */
function traffic(root: number): Uint8Array[] {
  const bodies = [
    [CALL, 1, root, "call", 1, ["echo", [{ a: [1, "two", null] }]], null],
    [CALL, 2, root, "call", 1, ["echo", [null]], [[[1, 0], { date: 5 }]]],
    [CALL, 3, root, "call", 2, ["echo", [null]], [[[1, 0], { map: { value: [1, 2] } }]]],
    [CALL, 4, root, "call", 2, ["get_ledger", []], null],
    [CALL, 5, root, "call", 2, ["new_dict", []], null],
    [1, 4],
    [2, 4],
    [RECEIVED, 1],
    [5, 2],
    [8, 1],
    [ANSWER, 1, 0, null, null],
  ];
  const frames = bodies.map((body) => message(JSON.stringify(body)));
  return [...frames, concat(new Uint8Array([1, 0, 0, 0, 2]), bytes_of("[]ab"))];
}

/** Changes a frame in a few places, or makes it longer or shorter. */
function mutated(frame: Uint8Array, random: Random): Uint8Array {
  const changed = frame.slice(0, random.below(4) === 0 ? random.below(frame.length) : undefined);
  for (let times = random.below(4); times > 0 && changed.length > 0; times--) {
    const at = random.below(changed.length);
    changed[at] = random.below(2) === 0
      ? random.below(256)
      : random.pick([...bytes_of('[]{}",:0123456789-e\\nul')]);
  }
  return changed;
}

Deno.test("100,000 frames that were tampered with: the server lives, and its memory stays", async () => {
  await using managing = new Managing({ max_message_size: MiB });
  await using other = await managing.connect();
  const random = new Random(7);
  let used = 0;
  let connections = 0;
  for (let sent = 0; sent < 100_000;) {
    const [client, { root }] = await RawManagerClient.greeted(managing.port, KEY);
    using _client = client;
    connections++;
    const frames = traffic(root.mine);
    const count = Math.min(100_000 - sent, 50);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < count; at++) {
      const frame = mutated(random.pick(frames), random);
      // Now and then the length is wrong, too.
      parts.push(framed(frame, random.below(500) === 0 ? random.below(2 ** 31) : frame.length));
    }
    sent += count;
    const reading = client.is_ended();
    // The server may have had enough before it has all.
    const bytes = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    await client.conn.write(bytes).catch(() => {});
    await (client.conn as Deno.TcpConn).closeWrite().catch(() => {});
    await soon(reading);
    if (sent === 20_000) used = Deno.memoryUsage().heapUsed;
  }
  await until(() => managing.server.info().active === 1);
  assertEquals(await other.echo("still here"), "still here");
  assert(managing.reports.length <= connections);
  const grown = (Deno.memoryUsage().heapUsed - used) / MiB;
  assert(grown < 100, `The memory grew by ${grown} MiB`);
});
