/** `max_requests`, the queue and the refusals, counted exactly under bursts and after failures. */
import { assert, assertEquals } from "@std/assert";
import { once } from "node:events";
import net from "node:net";
import {
  AsyncUDPServer,
  type BaseServer,
  ForkingUDPServer,
  type ServerOptions,
  type TCPRequest,
  type TCPServer,
  ThreadingUDPServer,
  type UDPServer,
} from "../../mod.ts";
import {
  type CountingServer,
  FORKING,
  make_counting,
  test_each_way,
  test_ways_at_once,
} from "../fixtures/servers/all_ways.ts";
import { with_native } from "../fixtures/servers/named_servers.ts";
import { bytes_of, text_of } from "../fixtures/tools/bytes.ts";
import { ask, LineClient, or_end } from "../fixtures/clients/clients.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import {
  Counting,
  type CountingMembers,
  LimitHandler,
  LimitPacketHandler,
} from "../fixtures/handlers/limit_handlers.ts";
import { serving } from "../fixtures/servers/serving.ts";
import type { Way } from "../fixtures/servers/tcp_servers.ts";
import { is_pending, soon, until } from "../fixtures/tools/waiting.ts";

/** What is counted does not depend on how connections get to a worker. */
const counted = (way: Way) => way.concurrent && !way.relay;

/** Serves in one of the ways, and counts the handlers. */
function serve(
  way: Way,
  options: ServerOptions,
  hooks: Partial<TCPServer> = {},
): CountingServer & AsyncDisposable {
  return serving(
    Object.assign(make_counting(way, LimitHandler, { max_children: 8, ...options }), hooks),
  );
}

/** So many clients at once, each with its answer. */
function burst(server: CountingServer, clients: number): Promise<string | null>[] {
  return Array.from({ length: clients }, () => answer_of(server, "count"));
}

/** What a client hears; `null` if its connection ends without a word. */
async function answer_of(server: CountingServer, line: string): Promise<string | null> {
  return await or_end(ask(server.server_address, line));
}

/** How often each answer was given. */
async function tally(answers: Promise<string | null>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const answer of await soon(Promise.all(answers))) {
    counts[`${answer}`] = (counts[`${answer}`] ?? 0) + 1;
  }
  return counts;
}

/** Resolves when all that were accepted are over: none is lost, none counted twice. */
async function settled(server: BaseServer): Promise<void> {
  await soon(until(() => {
    const { active, accepted, completed, failed, refused, timed_out } = server.info();
    return active === 0 && accepted === completed + failed + refused + timed_out;
  }));
}

/** What became of the requests. */
function counts({ accepted, completed, failed, refused, timed_out }: Record<string, unknown>) {
  return { accepted, completed, failed, refused, timed_out };
}

/** The counters as they must be at the end: what is not said is 0. */
async function assert_counts(server: BaseServer, wanted: Record<string, number>): Promise<void> {
  await settled(server);
  const none = { accepted: 0, completed: 0, failed: 0, refused: 0, timed_out: 0 };
  assertEquals(counts(server.info() as unknown as Record<string, unknown>), { ...none, ...wanted });
}

/** Resolves when `max` handlers run, and shows that no other one joins them. */
async function assert_full(server: BaseServer & CountingMembers, max: number): Promise<void> {
  await soon(server.log.until(() => server.inside >= max));
  const one_more = server.log.until(() => server.inside > max);
  assert(await is_pending(one_more, 100), `${server.inside} handlers ran`);
  assertEquals(server.info().active, max);
}

test_each_way(
  "max_requests is reached exactly and never exceeded in a burst, and all are served",
  counted,
  async (way) => {
    // As many processes as threads would take the machine, and not show more.
    const [clients, max_requests] = way === FORKING ? [100, 4] : [1000, 100];
    await using server = serve(way, { max_requests });
    const answers = burst(server, clients);
    await soon(until(() => server.info().accepted === clients));
    await assert_full(server, max_requests);
    server.open_gate();
    assertEquals(await tally(answers), { COUNT: clients });
    assertEquals(server.most, max_requests);
    await assert_counts(server, { accepted: clients, completed: clients });
  },
);

test_ways_at_once(
  'overflow "refuse" refuses exactly the rest of a burst, each with its last word',
  counted,
  async (way) => {
    const handle_overflow = async (request: TCPRequest) =>
      await request.sendall(bytes_of("full\n"));
    const options = { max_requests: 4, overflow: "refuse" as const };
    await using server = serve(way, options, { handle_overflow });
    const answers = burst(server, 60);
    await soon(until(() => server.info().refused === 56));
    await assert_full(server, 4);
    server.open_gate();
    assertEquals(await tally(answers), { COUNT: 4, full: 56 });
    await assert_counts(server, { accepted: 60, completed: 4, refused: 56 });
    assertEquals(await soon(answer_of(server, "again")), "AGAIN");
  },
);

test_ways_at_once(
  "request_queue_size is how many wait: the next one is refused, and the others are served",
  counted,
  async (way) => {
    const handle_overflow = async (request: TCPRequest) =>
      await request.sendall(bytes_of("full\n"));
    const options = { max_requests: 2, request_queue_size: 3 };
    await using server = serve(way, options, { handle_overflow });
    const answers = [];
    // One after the other: the same number bounds those that wait in the system.
    for (let accepted = 1; accepted <= 7; accepted++) {
      answers.push(...burst(server, 1));
      await soon(until(() => server.info().accepted === accepted));
    }
    assertEquals(await soon(Promise.all(answers.slice(5))), ["full", "full"]);
    await assert_full(server, 2);
    server.open_gate();
    assertEquals(await soon(Promise.all(answers.slice(0, 5))), Array(5).fill("COUNT"));
    assertEquals(server.most, 2);
    await assert_counts(server, { accepted: 7, completed: 5, refused: 2 });
  },
);

/** What a `handle_overflow()` may do wrong, by what the client says. */
const BAD_WORDS: Record<string, (request: TCPRequest) => void | Promise<void>> = {
  throws: () => {
    throw new RangeError("no last word");
  },
  "never ends": () => new Promise(() => {}),
  "is too long": (request) => request.sendall(new Uint8Array(33_554_432)),
};

test_ways_at_once(
  "a handle_overflow() that throws, never ends or is not heard out holds up nobody",
  counted,
  async (way) => {
    const ends: string[] = [];
    const handle_overflow = async (request: TCPRequest) => {
      const line = text_of(await request.recv(100)).trim();
      const said = (async () => await BAD_WORDS[line]!(request))();
      said.then(() => ends.push(`${line}: said`), () => ends.push(`${line}: cut`));
      await said;
    };
    const options = { max_requests: 1, overflow: "refuse" as const };
    await using server = serve(way, options, { handle_overflow });
    const first = answer_of(server, "count");
    await assert_full(server, 1);
    const start = performance.now();
    using deaf = await LineClient.connect(server.server_address);
    await deaf.send("is too long");
    const others = [answer_of(server, "throws"), answer_of(server, "never ends")];
    assertEquals(await soon(Promise.all(others)), [null, null]);
    await soon(until(() => ends.includes("is too long: cut")));
    const took = performance.now() - start;
    assert(took < 8000, `The connections were held for ${took} ms`);
    server.open_gate();
    assertEquals(await soon(first), "COUNT");
    await soon(until(() => server.info().active === 0));
    assertEquals(await soon(answer_of(server, "hello")), "HELLO");
    await assert_counts(server, { accepted: 5, completed: 2, refused: 3 });
    const reported = server.log.errors as Error[];
    assert(reported.some(({ message }) => message === "no last word"), `${reported}`);
    // Nothing is left to wait for.
    assertEquals(await soon(server.server_close()), { drained: 0, aborted: 0 });
  },
);

test_ways_at_once(
  "clients that left while they waited keep no place when their turn comes",
  counted,
  async (way) => {
    await using server = serve(way, { max_requests: 1 });
    const first = answer_of(server, "count");
    await assert_full(server, 1);
    const [crashed, left] = [await dial(server), await dial(server)];
    // A client that is gone before it is accepted never is.
    await soon(until(() => server.info().accepted === 3));
    await Promise.all([reset(crashed), once(left.destroy(), "close")]);
    const last = answer_of(server, "count");
    await soon(until(() => server.info().accepted === 4));
    server.open_gate();
    assertEquals(await soon(Promise.all([first, last])), ["COUNT", "COUNT"]);
    // Nobody has entered for those that were gone.
    assertEquals(server.log.entries.filter((entry) => entry === "enter").length, 2);
    await settled(server);
    const { accepted, completed, refused, timed_out } = server.info();
    assertEquals({ accepted, refused, timed_out }, { accepted: 4, refused: 0, timed_out: 0 });
    assert(completed >= 2, `${completed} were completed`);
  },
);

/** A client that can reset its connection. */
async function dial({ server_address: { hostname, port } }: TCPServer): Promise<net.Socket> {
  const socket = net.connect(port, hostname);
  // It may be cut.
  socket.on("error", () => {});
  await soon(once(socket, "connect"));
  return socket;
}

/** Closes with a reset, as a client that crashes does. */
async function reset(socket: net.Socket): Promise<void> {
  if (socket.closed) return;
  const closed = once(socket, "close");
  socket.resetAndDestroy();
  await closed;
}

/** Requests that end badly; most of them cheaply. */
function bad_line(at: number): string {
  if (at % 500 === 0) return "loop";
  if (at % 500 === 1) return "ignore";
  return ["fail", "reset", "obey", "hello", "fail", "reset", "fail", "hello"][at % 8]!;
}

/** One request that ends as its line says. */
async function end_badly(server: CountingServer, line: string): Promise<void> {
  if (line === "reset") {
    const socket = await dial(server);
    const heard = new Promise((resolve) => socket.once("data", resolve).once("close", resolve));
    socket.write("hello\nhel");
    await heard;
    return await reset(socket);
  }
  try {
    using client = await LineClient.connect(server.server_address);
    await client.send(line);
    while (await client.line() !== null && line !== "hello");
  } catch {
    // It was cut: so it was meant.
  }
}

/** The same; no request may be lost, and leave its client waiting. */
async function ends_soon(server: CountingServer, line: string): Promise<void> {
  try {
    await soon(end_badly(server, line));
  } catch (cause) {
    const info = JSON.stringify(server.info());
    throw new Error(`The request "${line}" was never ended: ${info}`, { cause });
  }
}

test_ways_at_once(
  "max_requests is exact again after 1,000 requests that failed, timed out or were cut",
  counted,
  async (way) => {
    const max_requests = way === FORKING ? 4 : 8;
    await using server = serve(way, { max_requests, request_timeout: 100, max_workers: 2 });
    const can_loop = (line: string) => way.workers || line !== "loop";
    const lines = Array.from({ length: 1000 }, (_, at) => bad_line(at)).filter(can_loop);
    // More at a time than there are places.
    const next = lines.values();
    const one_by_one = async () => {
      for (const line of next) await ends_soon(server, line);
    };
    await Promise.all(Array.from({ length: 16 }, one_by_one));
    await settled(server);
    const { accepted, completed, failed, refused, timed_out } = server.info();
    assertEquals({ accepted, refused }, { accepted: lines.length, refused: 0 });
    for (const count of [completed, failed, timed_out]) {
      assert(count > 0, "One kind did not happen");
    }
    server.request_timeout = null;
    const answers = burst(server, 24);
    await assert_full(server, max_requests);
    server.open_gate();
    assertEquals(await tally(answers), { COUNT: 24 });
    assertEquals(server.most, max_requests);
    await assert_counts(server, {
      accepted: lines.length + 24,
      completed: completed + 24,
      failed,
      timed_out,
    });
  },
);

/** Ways to handle datagrams at the same time. */
const UDP_SERVERS = with_native(
  [AsyncUDPServer, ThreadingUDPServer, ForkingUDPServer] as (typeof UDPServer)[],
);

/** What {@linkcode ServerOptions.overflow} lets wait of datagrams beyond two. */
const OVERFLOWS = { refuse: 0, queue: 3 };

for (const Server of UDP_SERVERS) {
  for (const [overflow, room] of Object.entries(OVERFLOWS)) {
    Deno.test(`${Server.name}: overflow "${overflow}" refuses exactly the rest, each with its last word`, async () => {
      const options = {
        max_requests: 2,
        overflow: overflow as "refuse",
        request_queue_size: 3,
        max_workers: 2,
        max_children: 2,
      };
      const Counted = Counting(Server);
      const server = new Counted(["127.0.0.1", 0], LimitPacketHandler, options);
      server.handle_overflow = async ([packet, socket], address) => {
        await socket.sendto(bytes_of(`full: ${text_of(packet)}`), address);
      };
      await using _closing = serving(server);
      using client = new DatagramClient(server.server_address);
      const heard = async (length: number) =>
        await Promise.all(Array.from({ length }, async () => text_of(await client.receive())));
      for (let n = 1; n <= 8; n++) {
        await client.send(`${n}`);
        await soon(until(() => server.info().accepted === n));
      }
      const fit = 2 + room;
      const names = ["1", "2", "3", "4", "5", "6", "7", "8"];
      assertEquals(await heard(8 - fit), names.slice(fit).map((name) => `full: ${name}`));
      await assert_full(server, 2);
      server.open_gate();
      assertEquals((await heard(fit)).sort(), names.slice(0, fit));
      assertEquals(server.most, 2);
      await assert_counts(server, { accepted: 8, completed: fit, refused: 8 - fit });
    });
  }
}
