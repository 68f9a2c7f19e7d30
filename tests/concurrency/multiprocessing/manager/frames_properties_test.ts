/** Frames of a manager: whole ones come as they were, in any pieces; others end their connection, and nothing else. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { FrameStream } from "../../../../concurrency/multiprocessing/manager/frame_stream.ts";
import {
  body_of,
  frame_of,
} from "../../../../concurrency/multiprocessing/manager/message_frame.ts";
import { connect, TRANSPORTS } from "../../../fixtures/clients/pairs.ts";
import { framed, message, RawManagerClient } from "../../../fixtures/clients/raw_manager_client.ts";
import { KEY, Managing } from "../../../fixtures/managers/managing.ts";
import {
  bytes_of,
  concat,
  read_to_end,
  same_bytes,
  write_bytes,
} from "../../../fixtures/tools/bytes.ts";
import {
  changed,
  changes,
  cut,
  places,
  runs,
  slow_runs,
  some_bytes,
} from "../../../fixtures/tools/fuzz.ts";
import { soon, until } from "../../../fixtures/tools/waiting.ts";

/** How long a frame may be here, in bytes. */
const LIMIT = 150_000;

const frame = fc.oneof(
  { weight: 5, arbitrary: some_bytes(40) },
  {
    weight: 1,
    arbitrary: fc.record({ length: fc.nat(LIMIT), fill: fc.nat(255) })
      .map(({ length, fill }) => new Uint8Array(length).fill(fill)),
  },
);

function all_of(parts: Uint8Array[]): Uint8Array {
  return parts.reduce(concat, new Uint8Array(0));
}

type ErrorClass = new (...args: never[]) => Error;

/** The frames in some bytes, and what comes behind the last one: the end, or what is wrong. */
function frames_in(bytes: Uint8Array): [frames: Uint8Array[], end: ErrorClass | null] {
  const frames: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) return [frames, Deno.errors.UnexpectedEof];
    const length = view.getInt32(at);
    if (length < 0 || length > LIMIT) return [frames, Deno.errors.InvalidData];
    if (at + 4 + length > bytes.length) return [frames, Deno.errors.UnexpectedEof];
    frames.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return [frames, null];
}

/** Whole frames, and such as were tampered with. */
const stream = fc.tuple(
  fc.array(frame, { maxLength: 8 }).map((frames) => all_of(frames.map((one) => framed(one)))),
  fc.option(changes("\u0000\u0001\u007f"), { nil: [] }),
).map(([bytes, list]) => changed(bytes, list));

Deno.test("FrameStream gives the frames that came in any pieces, and says what is none", async () => {
  await fc.assert(
    fc.asyncProperty(
      stream,
      places,
      fc.array(fc.boolean(), { minLength: 1 }),
      async (bytes, places, asks) => {
        using pair = await connect(TRANSPORTS[3]!);
        const frames = new FrameStream(pair.socket, LIMIT);
        const writing = (async () => {
          for (const piece of cut(bytes, places)) await write_bytes(pair.peer, piece);
          await pair.peer.closeWrite();
        })().catch((error) => error);
        const [wanted, end] = frames_in(bytes);
        for (const [number, one] of wanted.entries()) {
          const is_asked = asks[number % asks.length];
          const got = is_asked && frames.received() || await soon(frames.receive());
          assert(got && same_bytes(got, one), `frame ${number} differs`);
        }
        const last = await soon(frames.receive()).catch((error) => error);
        if (end) assertInstanceOf(last, end);
        else assertEquals(last, null);
        frames.close();
        await soon(writing);
      },
    ),
    slow_runs(150),
  );
});

Deno.test("FrameStream sends frames whole, and in their order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 10 }), async (all) => {
      using pair = await connect(TRANSPORTS[3]!);
      const frames = new FrameStream(pair.socket, LIMIT);
      for (const one of all) frames.send_bytes(one);
      const reading = read_to_end(pair.peer);
      await until(() => frames.backlog === 0);
      await pair.socket.closeWrite();
      const [got, end] = frames_in(await reading);
      assertEquals(end, null);
      assertEquals([got.length, frames.left], [all.length, all_of(all).length + 4 * all.length]);
      got.forEach((one, at) => assert(same_bytes(one, all[at]!), `frame ${at} differs`));
    }),
    slow_runs(60),
  );
});

/** Numbers and names that may mean something. */
const word: fc.Arbitrary<unknown> = fc.oneof(
  fc.nat(12),
  fc.constantFrom<unknown>(
    ...[null, true, -1, 0.5, 2 ** 31, 2 ** 32 - 2, 2 ** 32, 2 ** 53, 1e308, -1e9],
    ...["", "0", "a", "-", "length", "__proto__", "constructor", "then", "call", "echo", "acquire"],
    ...["Uint8Array", "BigInt64Array", "DataView", "gi", "(", "NaN", "Lock", "toString"],
    "concurrency/threading/lock.ts",
    "concurrency/multiprocessing/manager/list_proxy.ts",
  ),
);

/** What travels where JSON lacks it: right, and nearly so. */
const { handle, packed, value } = fc.letrec<{ handle: unknown; packed: unknown; value: unknown }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      { weight: 4, arbitrary: word },
      { weight: 1, arbitrary: fc.array(tie("value"), { maxLength: 4 }) },
      {
        weight: 1,
        arbitrary: fc.dictionary(
          fc.constantFrom("a", "length", "0", "__proto__", "then", "name", "message", "cause"),
          tie("value"),
          { maxKeys: 3 },
        ),
      },
    ),
    packed: fc.record({
      value: tie("value"),
      passengers: fc.array(
        fc.tuple(fc.array(word, { maxLength: 3 }), tie("handle")) as fc.Arbitrary<unknown>,
        { maxLength: 2 },
      ),
    }, { requiredKeys: ["value"] }),
    handle: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      ...["plain", "bigint", "date", "regexp", "error", "yours", "function"].map((name) =>
        tie("value").map((value) => ({ [name]: value }))
      ),
      tie("packed").map((map) => ({ map })),
      tie("packed").map((set) => ({ set })),
      fc.record({ bytes: word, of: word }),
      fc.record({
        mine: word,
        kind: fc.record({ file: word, name: word }),
        described: tie("value"),
        fixed: tie("packed"),
      }),
      tie("value"),
    ),
  }),
);

/** A body as a link is told, or nearly so: `ROOT` is the number of what a client calls. */
const ROOT = "ROOT";
const call_body = fc.tuple(
  fc.constant(0),
  fc.oneof(fc.nat(5), word),
  fc.oneof({ weight: 4, arbitrary: fc.constant(ROOT) }, { weight: 1, arbitrary: word }),
  fc.oneof({ weight: 4, arbitrary: fc.constant("call") }, { weight: 1, arbitrary: word }),
  fc.oneof(fc.nat(3), word),
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant("echo"), fc.array(value, { maxLength: 2 })) },
    { weight: 1, arbitrary: value },
  ),
  fc.oneof(
    fc.constant(null),
    fc.array(
      fc.tuple(
        fc.oneof(fc.constant([1, 0]), fc.array(word, { maxLength: 3 })),
        handle,
      ) as fc.Arbitrary<unknown>,
      { maxLength: 2 },
    ),
    value,
  ),
);
const body: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: call_body },
  { weight: 1, arbitrary: fc.array(fc.oneof(fc.nat(9), value, packed, handle), { maxLength: 8 }) },
  {
    weight: 1,
    arbitrary: fc.array(call_body, { maxLength: 3 }).map((bodies) => bodies.flat(1)),
  },
);

/** JSON of its own number of bytes behind it. */
function with_bytes(json: string, beside: Uint8Array): Uint8Array {
  const text = bytes_of(json);
  const head = new Uint8Array(5);
  head[0] = 1;
  new DataView(head.buffer).setUint32(1, text.length);
  return all_of([head, text, beside]);
}

/** A frame of a body. */
const body_frame = fc.tuple(
  body,
  fc.option(some_bytes(20)),
  fc.option(changes('[]{}",:0e-'), {
    freq: 8,
    nil: [],
  }),
).map(([body, beside, list]) => (root: number) => {
  const json = JSON.stringify(body).replaceAll(`"${ROOT}"`, String(root));
  return changed(beside ? with_bytes(json, beside) : message(json), list);
});

Deno.test("body_of() gives an array, or says that the frame makes no sense", () => {
  fc.assert(
    fc.property(fc.oneof(body_frame.map((make) => make(1)), some_bytes(60)), (frame) => {
      try {
        assert(Array.isArray(body_of(frame)));
      } catch (error) {
        assertInstanceOf(error, Deno.errors.InvalidData);
        assert(error.message.startsWith("A frame makes no sense: "), error.message);
      }
    }),
    runs(1000),
  );
});

Deno.test("body_of() gives what frame_of() was told, bytes too", () => {
  const json = fc.jsonValue().map((value) => value ?? 0) as fc.Arbitrary<unknown>;
  fc.assert(
    fc.property(fc.array(json, { maxLength: 5 }), fc.array(some_bytes(30)), (items, all) => {
      const passengers = all.map((bytes, at) => [[at], { bytes, of: "Uint8Array" }]);
      const told = [0, 1, 2, "call", 1, items, passengers];
      const wanted = structuredClone(told);
      const frame = new Uint8Array(frame_of(told)).subarray(4);
      const got = body_of(frame);
      assertEquals(got.slice(0, 5), wanted.slice(0, 5));
      assertEquals(JSON.stringify(got[5]), JSON.stringify(items));
      assertEquals(got[6] ?? [], wanted[6]);
    }),
    runs(300),
  );
});

Deno.test("values of all kinds come back from a manager as they were", async () => {
  await using managing = new Managing();
  await using client = await managing.connect();
  const value = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    maxDepth: 4,
    values: [
      fc.constantFrom(undefined, null, true, NaN, -0, Infinity, -Infinity, ""),
      fc.string({ unit: "binary" }),
      fc.integer(),
      fc.double(),
    ],
  });
  await fc.assert(
    fc.asyncProperty(value, async (value) => {
      // Unlike assertEquals(), this tells 0 and -0 apart.
      assert(isDeepStrictEqual(await soon(client.echo(value)), value), Deno.inspect(value));
    }),
    runs(300),
  );
  assertEquals(managing.reports, []);
});

Deno.test("a client that knows the key, and says anything: its connection ends, and nothing else", async () => {
  await using managing = new Managing({ max_message_size: 2 ** 20 });
  await using other = await managing.connect();
  let clients = 0;
  const property = fc.asyncProperty(
    fc.array(body_frame, { minLength: 1, maxLength: 20 }),
    places,
    async (frames, places) => {
      const [client, { root }] = await soon(RawManagerClient.greeted(managing.port, KEY));
      using _client = client;
      clients++;
      const bytes = all_of(frames.map((make) => framed(make(root.mine))));
      const reading = client.is_ended();
      for (const piece of cut(bytes, places)) await client.conn.write(piece).catch(() => {});
      await (client.conn as Deno.TcpConn).closeWrite().catch(() => {});
      await soon(reading);
      assertEquals(await soon(other.echo("still here")), "still here");
      await managing.is_left(1);
      assert(managing.reports.length <= clients, String(managing.reports.at(-1)));
    },
  );
  await fc.assert(property, slow_runs(150));
});

/** What gives objects, and the methods that some of them have. */
const GIVERS = [
  ...["get_jobs", "get_lock", "get_permits", "get_event", "get_condition", "get_barrier"],
  ...["get_rlock", "get_count", "get_samples", "new_dict", "new_list", "get_ledger"],
];
const METHODS = [
  ...["get", "put", "task_done", "join", "qsize", "take", "done", "set", "clear", "wait", "notify"],
  ...["acquire", "release", "reset", "abort", "load", "store", "swap", "add", "slice", "assign"],
  ...["delete", "has", "keys", "items", "pop", "update", "append", "extend", "insert", "remove"],
  ...["index", "copy", "length", "call", "later", "fail", "then", "toString", "withdraw"],
];

Deno.test("a client that calls anything of anything with anything: nobody else is harmed", async () => {
  await using managing = new Managing({ max_message_size: 2 ** 20 });
  await using other = await managing.connect();
  const calls = fc.array(
    fc.record({
      method: fc.constantFrom(...METHODS),
      args: fc.array(value, { maxLength: 4 }),
      passengers: fc.array(
        fc.tuple(fc.tuple(fc.nat(3)), handle) as fc.Arbitrary<unknown>,
        { maxLength: 2 },
      ),
    }),
    { minLength: 1, maxLength: 20 },
  );
  const property = fc.asyncProperty(fc.constantFrom(...GIVERS), calls, async (giver, calls) => {
    const [client, { root }] = await soon(RawManagerClient.greeted(managing.port, KEY));
    using _client = client;
    await client.tell([0, 1, root.mine, "call", 1, [giver, []], null]);
    const mine = await soon(client.given());
    const reading = client.is_ended();
    for (const [number, { method, args, passengers }] of calls.entries()) {
      await client.tell([0, number + 2, mine, method, 1, args, passengers]).catch(() => {});
    }
    await (client.conn as Deno.TcpConn).closeWrite().catch(() => {});
    await soon(reading);
    assertEquals(await soon(other.echo("still here")), "still here");
    await managing.is_left(1);
  });
  await fc.assert(property, slow_runs(150));
});

Deno.test("a client that does not know the key, and says anything: its connection ends, and nothing else", async () => {
  await using managing = new Managing();
  await using other = await managing.connect();
  const known = fc.constantFrom("{sha256}", "#WELCOME#", "#FAILURE#", "#CHALLENGE#{sha256}");
  const said = fc.tuple(fc.option(known, { nil: "" }), some_bytes(60)).map(([word, rest]) =>
    framed(concat(bytes_of(word), rest))
  );
  const property = fc.asyncProperty(
    fc.array(fc.oneof(said, some_bytes(30)), { maxLength: 6 }),
    fc.option(changes("#{}\u0000\u0001"), { nil: [] }),
    async (frames, list) => {
      using client = await soon(RawManagerClient.connect(managing.port));
      const reading = client.is_ended();
      await client.conn.write(changed(all_of(frames), list)).catch(() => {});
      await (client.conn as Deno.TcpConn).closeWrite().catch(() => {});
      await soon(reading);
      assertEquals(await soon(other.echo("still here")), "still here");
      await managing.is_left(1);
    },
  );
  await fc.assert(property, slow_runs(80));
});
