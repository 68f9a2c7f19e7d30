/** `server_close({ grace })`: who may finish, who is cut, and when it is over. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  AsyncUDPServer,
  BaseRequestHandler,
  type CloseResult,
  ForkingUDPServer,
  type RequestHandlerConstructor,
  type ServerEvent,
  type ServerOptions,
  type TCPServer,
  ThreadingUDPServer,
  UDPServer,
} from "../../mod.ts";
import {
  type CountingServer,
  FORKING,
  make_counting,
  test_ways_at_once,
} from "../fixtures/servers/all_ways.ts";
import { with_native } from "../fixtures/servers/named_servers.ts";
import { bytes_of, pattern, read_to_end, same_bytes } from "../fixtures/tools/bytes.ts";
import { line_or_end, LineClient, or_end } from "../fixtures/clients/clients.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import { over_node } from "../fixtures/servers/udp_servers.ts";
import { DrainHandler, DrainPacketHandler } from "../fixtures/handlers/drain_handlers.ts";
import { UpperHandler } from "../fixtures/handlers/handlers.ts";
import { Noting, type NotingMembers } from "../fixtures/servers/noting.ts";
import { all_gone } from "../fixtures/programs/processes.ts";
import { Program } from "../fixtures/programs/programs.ts";
import { Random } from "../fixtures/tools/random.ts";
import { type Way, WAYS } from "../fixtures/servers/tcp_servers.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { is_pending, soon, turn, until } from "../fixtures/tools/waiting.ts";

const DAEMON_PROGRAM = fileURLToPath(
  new URL("../fixtures/programs/daemon_program.ts", import.meta.url),
);
/** A grace that no test waits for. */
const LONG = 60_000;
/** How much later than its deadline closing may be over, in ms, on a machine that is busy. */
const A_BIT = 2500;

const all = () => true;
/** For what happens in the same place whether connections are relayed or not. */
const not_relaying = (way: Way) => !way.relay;
const pooled = (way: Way) => way.workers && !way.relay;
/** For what children do as other workers do. */
const not_relaying_or_forking = (way: Way) => !way.relay && way !== FORKING;

/** A server that has not been started. */
function make(
  way: Way,
  options: ServerOptions = {},
  Handler: RequestHandlerConstructor = DrainHandler,
): CountingServer {
  return make_counting(way, Handler, { linger: 50, ...options });
}

/** A server that serves, and its loop. */
function start(way: Way, options?: ServerOptions): [CountingServer, Promise<void>] {
  const server = make(way, options);
  return [server, server.serve_forever()];
}

/** Clients of which each has sent a line, and got it back: their handlers are at what it says. */
async function clients(server: TCPServer, line: string, count = 1): Promise<LineClient[]> {
  const connected = [];
  for (let at = 0; at < count; at++) {
    const client = await LineClient.connect(server.server_address);
    connected.push(client);
    assertEquals(await soon(client.ask(line)), line.split(" ")[0]);
  }
  return connected;
}

/** One such client. */
async function client_at(server: TCPServer, line: string): Promise<LineClient> {
  return (await clients(server, line))[0]!;
}

/** A client of whose last line the server has half, because it came with the one it has answered. */
async function half_client(server: TCPServer): Promise<LineClient> {
  const client = await LineClient.connect(server.server_address);
  await client.conn.write(bytes_of("whole\nremai"));
  assertEquals(await soon(client.line()), "whole");
  return client;
}

/** Closes, and tells how long that took. */
async function timed_close(
  server: { server_close: TCPServer["server_close"] },
  grace: number,
): Promise<[CloseResult, number]> {
  const start = performance.now();
  const result = await soon(server.server_close({ grace }));
  return [result, performance.now() - start];
}

/** Closing was over at its deadline. */
function assert_at(took: number, grace: number): void {
  // Timers may ring up to one ms early.
  assert(took >= grace - 1, `closed after ${took} ms of ${grace}`);
  assert_by(took, grace);
}

/** Closing was over by its deadline. */
function assert_by(took: number, grace: number): void {
  assert(took < grace + A_BIT, `closed after ${took} ms with grace ${grace}`);
}

function dispose(...clients: LineClient[]): void {
  for (const client of clients) client[Symbol.dispose]();
}

test_ways_at_once(
  "closing ends idle clients, lets busy and half-read ones finish, and cuts stuck ones",
  (way) => way.concurrent,
  async (way) => {
    const count = way === FORKING ? 1 : 3;
    const [server, loop] = start(way, { max_children: 4 });
    const idle = await clients(server, "hello", count);
    const busy = await clients(server, "busy", count);
    const stuck = await clients(server, "stuck", count);
    const half = await Promise.all(Array.from({ length: count }, () => half_client(server)));
    const closing = server.server_close({ grace: LONG });
    for (const client of idle) assertEquals(await soon(client.line()), null);
    for (const client of busy) {
      assertEquals(await soon(client.line()), "told: AbortError");
      assertEquals(await soon(client.line()), null);
    }
    for (const client of half) {
      assertEquals(await soon(client.ask("nder")), "remainder");
      assertEquals(await soon(client.line()), null);
    }
    for (const client of stuck) assertEquals(await soon(client.line()), "told: AbortError");
    dispose(...idle, ...busy, ...half);
    assert(await is_pending(closing, 100), "it did not wait for the stuck ones");
    const [result, took] = await timed_close(server, 200);
    assert_at(took, 200);
    assertEquals(result, { drained: 3 * count, aborted: count });
    assertEquals(await closing, result);
    for (const client of stuck) assertEquals(await line_or_end(client), null);
    await soon(loop);
    dispose(...stuck);
    const { completed, failed, active } = server.info();
    assertEquals({ completed, failed, active }, { completed: 3 * count, failed: count, active: 0 });
  },
);

/** What the only client of a sequential server may be at, and how closing goes then. */
const ALONE: Record<string, { aborted: number; run(client: LineClient): Promise<void> }> = {
  hello: { aborted: 0, run: async (client) => assertEquals(await soon(client.line()), null) },
  busy: {
    aborted: 0,
    run: async (client) => assertEquals(await soon(client.line()), "told: AbortError"),
  },
  half: {
    aborted: 0,
    run: async (client) => assertEquals(await soon(client.ask("nder")), "remainder"),
  },
  stuck: {
    aborted: 1,
    run: async (client) => assertEquals(await soon(client.line()), "told: AbortError"),
  },
};
for (const [line, { aborted, run }] of Object.entries(ALONE)) {
  Deno.test(`TCPServer: closing while its one client is at "${line}" aborts ${aborted}`, async () => {
    const [server, loop] = start(WAYS[0]!);
    using client = line === "half" ? await half_client(server) : await client_at(server, line);
    const closing = server.server_close({ grace: aborted ? 200 : LONG });
    await run(client);
    assertEquals(await line_or_end(client), null);
    assertEquals(await soon(closing), { drained: 1 - aborted, aborted });
    await soon(loop);
  });
}

test_ways_at_once("all stuck clients are cut at one deadline", not_relaying, async (way) => {
  const count = way === FORKING ? 2 : way.concurrent ? 20 : 1;
  const [server, loop] = start(way, { max_workers: 2, max_children: 2 });
  const stuck = await clients(server, "stuck", count);
  const [result, took] = await timed_close(server, 300);
  assertEquals(result, { drained: 0, aborted: count });
  assert_at(took, 300);
  await soon(loop);
  dispose(...stuck);
});

test_ways_at_once(
  "handlers in a loop are killed at the deadline",
  pooled,
  async (way) => {
    const [server, loop] = start(way, {
      max_workers: 2,
      max_children: 2,
      max_requests_per_worker: 1,
    });
    const looping = await clients(server, "loop", 2);
    const pids = pids_of(server);
    const [result, took] = await timed_close(server, 300);
    assertEquals(result, { drained: 0, aborted: 2 });
    assert_at(took, 300);
    assertEquals(server.info().workers, []);
    for (const client of looping) assertEquals(await line_or_end(client), null);
    await all_gone(pids);
    await soon(loop);
    dispose(...looping);
  },
);

test_ways_at_once(
  "the listener is closed and its port free while clients are still busy",
  not_relaying_or_forking,
  async (way) => {
    const [server, loop] = start(way);
    using stuck = await client_at(server, "stuck");
    const { hostname, port } = server.server_address;
    const listener = server.socket!;
    const close = listener.close.bind(listener);
    const { promise, resolve } = Promise.withResolvers<void>();
    listener.close = async () => {
      await close();
      // In the same breath: closed means closed. It is called again at the end.
      resolve(Deno.listen({ hostname, port }).close());
      listener.close = close;
    };
    const closing = server.server_close({ grace: LONG });
    await soon(promise);
    assertEquals(await soon(stuck.line()), "told: AbortError");
    await assertRejects(() => Deno.connect({ hostname, port }), Deno.errors.ConnectionRefused);
    assert(await is_pending(closing, 0));
    await soon(server.server_close({ grace: 0 }));
    await soon(loop);
  },
);

test_ways_at_once(
  "clients that nobody has taken yet are sent away, also when the listener is full",
  not_relaying_or_forking,
  async (way) => {
    const server = make(way, { request_queue_size: 2 });
    const { hostname, port } = server.server_address;
    // The system may hold fewer than come: some connects wait, and are refused in the end.
    const coming = Array.from({ length: 8 }, async () => {
      try {
        return await LineClient.connect(server.server_address);
      } catch {
        return undefined;
      }
    });
    await soon(Promise.any(coming));
    await turn();
    assertEquals(await soon(server.server_close({ grace: LONG })), { drained: 0, aborted: 0 });
    Deno.listen({ hostname, port }).close();
    for (const client of await soon(Promise.all(coming))) {
      if (!client) continue;
      assertEquals(await line_or_end(client), null);
      dispose(client);
    }
  },
);

test_ways_at_once(
  "clients in the queue at the close are sent away, and never handled",
  not_relaying,
  async (way) => {
    const [server, loop] = start(way, { max_requests: 1 });
    using busy = await client_at(server, "busy");
    const waiting = [];
    for (let at = 0; at < 3; at++) {
      const client = await LineClient.connect(server.server_address);
      await client.send("hello");
      waiting.push(client);
    }
    if (way.concurrent) await soon(until(() => server.info().accepted === 4));
    const closing = server.server_close({ grace: LONG });
    assertEquals(await soon(busy.line()), "told: AbortError");
    for (const client of waiting) assertEquals(await line_or_end(client), null);
    assertEquals(await soon(closing), { drained: 1, aborted: way.concurrent ? 3 : 0 });
    assertEquals(server.info().completed, 1);
    await soon(loop);
    dispose(...waiting);
  },
);

test_ways_at_once(
  "of two closings at once the earlier deadline holds, in either order",
  not_relaying_or_forking,
  async (way) => {
    for (const graces of [[LONG, 200], [200, LONG]]) {
      const [server, loop] = start(way);
      using _stuck = await client_at(server, "stuck");
      const begin = performance.now();
      const results = await soon(
        Promise.all(graces.map((grace) => server.server_close({ grace }))),
      );
      assert_at(performance.now() - begin, 200);
      assertEquals(results, [{ drained: 0, aborted: 1 }, { drained: 0, aborted: 1 }]);
      await soon(loop);
    }
  },
);

test_ways_at_once(
  "closing while shutdown() is pending ends both, and the loop",
  not_relaying_or_forking,
  async (way) => {
    const [server, loop] = start(way);
    using busy = await client_at(server, "busy");
    const both = Promise.all([server.shutdown(), server.server_close({ grace: LONG })]);
    assertEquals(await soon(busy.line()), "told: AbortError");
    assertEquals((await soon(both))[1], { drained: 1, aborted: 0 });
    await soon(loop);
  },
);

test_ways_at_once(
  "a handler may close its server and go on to its end",
  not_relaying_or_forking,
  async (way) => {
    const [server, loop] = start(way);
    using client = await client_at(server, `close ${LONG}`);
    assertEquals(await soon(client.line()), null);
    await soon(loop);
    assertEquals(await soon(server.server_close()), { drained: 1, aborted: 0 });
  },
);

test_ways_at_once(
  "a handler that waits for its own server's close is cut at the deadline, and told at once in a worker",
  not_relaying_or_forking,
  async (way) => {
    const [server, loop] = start(way);
    using client = await client_at(server, "await_close 200");
    assertEquals(await line_or_end(client), null);
    await soon(loop);
    assertEquals(
      await soon(server.server_close()),
      way.workers ? { drained: 1, aborted: 0 } : { drained: 0, aborted: 1 },
    );
  },
);

test_ways_at_once(
  "service_actions() may wait for the close",
  not_relaying_or_forking,
  async (way) => {
    class Closing extends way.Server {
      override async service_actions(): Promise<void> {
        await this.server_close({ grace: LONG });
      }
    }
    const server = new Closing(["127.0.0.1", 0], DrainHandler, { max_workers: 1 });
    await soon(server.serve_forever({ poll_interval: 10 }));
    assertEquals(server.info().state, "closed");
  },
);

test_ways_at_once(
  "handle_error() may wait for the close, until the deadline",
  not_relaying_or_forking,
  async (way) => {
    class Closing extends way.Server {
      override async handle_error(): Promise<void> {
        await this.server_close({ grace: 200 });
      }
    }
    const server = new Closing(["127.0.0.1", 0], DrainHandler, { max_workers: 1, linger: 0 });
    const loop = server.serve_forever();
    using client = await client_at(server, "fail");
    assertEquals(await line_or_end(client), null);
    await soon(loop);
    assertEquals(await soon(server.server_close()), { drained: 0, aborted: 1 });
    assertEquals(server.info().failed, 1);
  },
);

test_ways_at_once(
  "a slow close_request() changes neither the count nor the deadline",
  not_relaying_or_forking,
  async (way) => {
    const count = way.concurrent ? 10 : 1;
    const hooks: Promise<void>[] = [];
    class Slow extends way.Server {
      override async close_request(request: Parameters<TCPServer["close_request"]>[0]) {
        const closed = super.close_request(request);
        const slow = new Promise<void>((resolve) => setTimeout(resolve, 400));
        hooks.push(slow);
        await Promise.all([closed, slow]);
      }
    }
    const server = new Slow(["127.0.0.1", 0], DrainHandler, { max_workers: 1 });
    const loop = server.serve_forever();
    const stuck = await clients(server, "stuck", count);
    const [result, took] = await timed_close(server, 100);
    assertEquals(result, { drained: 0, aborted: count });
    assert_at(took, 100);
    await soon(loop);
    dispose(...stuck);
    await Promise.all(hooks);
  },
);

test_ways_at_once(
  "a server that never served or was never bound is closed at once",
  all,
  async (way) => {
    for (const bind_and_activate of [true, false]) {
      const server = make(way, { bind_and_activate });
      assertEquals(await soon(server.server_close({ grace: LONG })), { drained: 0, aborted: 0 });
      await assertRejects(() => server.serve_forever(), Deno.errors.BadResource);
    }
  },
);

test_ways_at_once(
  "closing at any moment of the start ends the loop and leaves no worker",
  pooled,
  async (way) => {
    const random = new Random(11);
    for (let time = 0; time < 4; time++) {
      const [server, loop] = start(way, { max_workers: 2, max_children: 2 });
      await new Promise((resolve) => setTimeout(resolve, random.below(300)));
      const pids = pids_of(server);
      const [result, took] = await timed_close(server, 5000);
      assertEquals(result, { drained: 0, aborted: 0 });
      assert(took < 5000, `closed after ${took} ms`);
      await soon(loop);
      assertEquals(server.info().workers, []);
      assertEquals(server.log.errors, []);
      await all_gone(pids);
    }
  },
);

test_ways_at_once(
  "no worker is started after the close for one that ended while the others started",
  // On one core no second child starts.
  (way) => pooled(way) && (way !== FORKING || navigator.hardwareConcurrency > 1),
  async (way) => {
    await using folder = await TempFolder.make();
    const url = new URL("../fixtures/handlers/second_ends_at_load.ts", import.meta.url);
    url.searchParams.set("once", folder.join("once"));
    class LateHandler extends BaseRequestHandler {
      static override module = url.href;
    }
    // As many children start as there are cores, and a server of threads starts all.
    const count = way === FORKING ? 2 : 3;
    const ended = Promise.withResolvers<void>();
    const observer = ({ type }: ServerEvent) => {
      if (type === "worker.stop") ended.resolve();
    };
    const options = { max_workers: count, max_children: count, observer };
    const server = make(way, options, LateHandler);
    const loop = server.serve_forever();
    await soon(ended.promise);
    // Another one is busy with its start, or about to be started.
    await soon(server.server_close({ grace: LONG }));
    await soon(loop);
    // One that ended is replaced after 100 ms.
    const late = until(() => server.info().workers!.length > 0);
    const started = !await is_pending(late, 300);
    // Lets the waiting end.
    Object.assign(server, { info: () => ({ workers: [{}] }) });
    await late;
    assert(!started, "a worker was started");
  },
);

/** The processes of its children; none where there is no way to see that they are gone. */
function pids_of(server: TCPServer): number[] {
  if (Deno.build.os !== "linux") return [];
  return (server.info().workers ?? []).flatMap(({ pid }) => pid ?? []);
}

test_ways_at_once(
  "at any moment of a rush each client has its whole answers or an end, and no worker is left",
  all,
  async (way) => {
    const random = new Random(7);
    const times = way === FORKING || way.relay ? 3 : way.workers ? 6 : 25;
    for (let time = 0; time < times; time++) {
      const server = make(way, { max_workers: 2, max_children: 2 }, UpperHandler);
      const loop = server.serve_forever();
      if (way.workers) await soon(ready(server));
      const pids = pids_of(server);
      const rush = Array.from(
        { length: 20 },
        (_, at) => talk(server.server_address, `${time}-${at}`),
      );
      await new Promise((resolve) => setTimeout(resolve, random.below(20)));
      const [{ aborted }, took] = await timed_close(server, GRACE);
      // Handlers that loop over lines end by themselves: whoever is not told holds it to the deadline.
      assert(took < GRACE, `time ${time}: closed after ${took} ms`);
      // Only those that waited for a child.
      if (way !== FORKING) assertEquals(aborted, 0, `time ${time}`);
      await soon(Promise.all(rush));
      await soon(loop);
      assertEquals(server.info().workers ?? [], []);
      assertEquals(server.log.errors, []);
      assertEquals(server.info().active, 0);
      await all_gone(pids);
    }
  },
);

/** A grace that is long enough for a rush, in ms. */
const GRACE = 15_000;

/** Resolves when a worker can serve. */
function ready(server: TCPServer): Promise<void> {
  return until(() => server.info().workers?.some(({ state }) => state === "ready") ?? false);
}

/** Asks three times at most; a wrong answer or a part of one throws. */
async function talk(address: Deno.NetAddr, name: string): Promise<void> {
  using client = await or_end(LineClient.connect(address));
  if (!client) return;
  for (let count = 0; count < 3; count++) {
    const line = `${name}-${count}-${"x".repeat(2000)}`;
    const answer = await or_end(client.ask(line));
    if (answer === null) return;
    assertEquals(answer, line.toUpperCase());
  }
}

Deno.test("ForkingTCPServer: a connection that follows on an answer which its child has not read is served", async () => {
  await using server = make(FORKING);
  const loop = server.serve_forever();
  using first = await client_at(server, "leave");
  assertEquals(await soon(first.line()), null);
  await soon(server.log.until(({ entries }) => entries.includes("enter")));
  await soon(until(() => server.info().active === 0));
  // The child is busy by then, and finds both at once.
  assert(await is_pending(loop, 200));
  server.open_gate();
  using second = await client_at(server, "hello");
  assertEquals(await soon(server.server_close({ grace: LONG })), { drained: 1, aborted: 0 });
  assertEquals(await line_or_end(second), null);
  await soon(loop);
});

test_ways_at_once("grace 0 cuts at once", not_relaying, async (way) => {
  const [server, loop] = start(way);
  const count = way.concurrent && way !== FORKING ? 2 : 1;
  const stuck = await clients(server, "stuck", count);
  const [result, took] = await timed_close(server, 0);
  assertEquals(result, { drained: 0, aborted: count });
  assert_by(took, 0);
  for (const client of stuck) while (await line_or_end(client) !== null);
  await soon(loop);
  dispose(...stuck);
});

test_ways_at_once(
  "leaving the block of await using lets a busy client finish",
  not_relaying_or_forking,
  async (way) => {
    let loop: Promise<void>;
    let client: LineClient;
    {
      await using server = make(way);
      loop = server.serve_forever();
      client = await client_at(server, "busy");
    }
    assertEquals(await soon(client.line()), "told: AbortError");
    assertEquals(await soon(client.line()), null);
    await soon(loop);
    dispose(client);
  },
);

for (const options of [{ block_on_close: false }, { daemon_threads: true }] as ServerOptions[]) {
  test_ways_at_once(
    `with ${JSON.stringify(options)} closing waits for nobody, and cuts all the same`,
    (way) => way.workers && !way.relay && !("daemon_threads" in options && way === FORKING),
    async (way) => {
      const [server, loop] = start(way, options);
      using stuck = await client_at(server, "stuck");
      const { hostname, port } = server.server_address;
      const begin = performance.now();
      assertEquals(await soon(server.server_close({ grace: 3000 })), { drained: 0, aborted: 0 });
      assert(performance.now() - begin < 2500, "it waited");
      assertEquals(server.info().state, "stopping");
      Deno.listen({ hostname, port }).close();
      await soon(loop);
      assertEquals(await soon(stuck.line()), "told: AbortError");
      assertEquals(await line_or_end(stuck), null);
      await soon(until(() => server.info().state === "closed"));
      assert_at(performance.now() - begin, 3000);
    },
  );
}

Deno.test("ThreadingTCPServer: with daemon_threads a program ends after closing, busy workers or not", async () => {
  await using program = new Program("run", "-A", DAEMON_PROGRAM);
  assertEquals(await soon(program.line()), "closed");
  assertEquals((await program.status()).code, 0);
});

const LARGE = 8 * 2 ** 20;

test_ways_at_once(
  "a slow reader gets the whole of a large reply while the server drains",
  all,
  async (way) => {
    const [server, loop] = start(way);
    using client = await client_at(server, `send ${LARGE}`);
    const closing = server.server_close({ grace: LONG });
    const received = new Uint8Array(LARGE);
    let count = 0;
    for (let part; (part = await soon(client.conn.read(received.subarray(count)))) !== null;) {
      count += part;
      if (count % 16 === 0) await turn();
      if (count === LARGE) break;
    }
    assert(same_bytes(received, pattern(LARGE)), `${count} bytes came`);
    assertEquals(await soon(client.conn.read(new Uint8Array(1))), null);
    client[Symbol.dispose]();
    assertEquals(await soon(closing), { drained: 1, aborted: 0 });
    await soon(loop);
  },
);

test_ways_at_once(
  "a client that never reads its reply is cut at the deadline",
  (way) => way !== FORKING,
  async (way) => {
    const [server, loop] = start(way);
    using client = await client_at(server, `send ${4 * LARGE}`);
    const [result, took] = await timed_close(server, 300);
    assertEquals(result, { drained: 0, aborted: 1 });
    assert_at(took, 300);
    await soon(loop);
    // What the system had taken may still come, but nobody writes more.
    const rest = await or_end(read_to_end(client.conn));
    assert((rest?.length ?? 0) < 4 * LARGE, "all of it was sent after the deadline");
  },
);

test_ways_at_once("a slow finish() is waited for", not_relaying_or_forking, async (way) => {
  const [server, loop] = start(way);
  using client = await client_at(server, "finish_late 200");
  const closing = server.server_close({ grace: LONG });
  assertEquals(await soon(client.line()), "finished");
  assertEquals(await soon(closing), { drained: 1, aborted: 0 });
  await soon(loop);
});

test_ways_at_once(
  "a finish() that is too slow is cut at the deadline",
  not_relaying_or_forking,
  async (way) => {
    const [server, loop] = start(way);
    using client = await client_at(server, "finish_late 500");
    const [result, took] = await timed_close(server, 100);
    assertEquals(result, { drained: 0, aborted: 1 });
    // Before it would have ended by itself: the deadline, not the handler, has ended it.
    assert_at(took, 100);
    assertEquals(await line_or_end(client), null);
    await soon(loop);
    // In this thread nothing ends a handler: its timer rings in vain.
    if (!way.workers) await new Promise((resolve) => setTimeout(resolve, 500));
  },
);

test_ways_at_once(
  "a lingering client that keeps sending does not hold it beyond the deadline",
  not_relaying,
  async (way) => {
    const [server, loop] = start(way, { linger: LONG });
    using client = await client_at(server, "bye");
    assertEquals(await soon(client.line()), null);
    await soon(until(() => server.info().active === 0));
    const sending = keep_sending(client);
    const [result, took] = await timed_close(server, 300);
    assertEquals(result, { drained: 0, aborted: 0 });
    assert_at(took, 300);
    await soon(sending);
    await soon(loop);
  },
);

/** Sends a byte again and again, until nobody takes it. */
async function keep_sending({ conn }: LineClient): Promise<void> {
  try {
    for (;;) {
      await conn.write(new Uint8Array(1));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } catch {
    // The connection is closed.
  }
}

/** A way to handle datagrams. */
interface PacketWay {
  name: string;
  Server: typeof UDPServer;
  node?: boolean;
  concurrent: boolean;
}

const PACKET_WAYS: PacketWay[] = [
  { name: "UDPServer", Server: UDPServer, concurrent: false },
  { name: "AsyncUDPServer", Server: AsyncUDPServer, concurrent: true },
  { name: "AsyncUDPServer over node:dgram", Server: AsyncUDPServer, node: true, concurrent: true },
  { name: "ThreadingUDPServer", Server: ThreadingUDPServer, concurrent: true },
  {
    name: "ThreadingUDPServer over node:dgram",
    Server: ThreadingUDPServer,
    node: true,
    concurrent: true,
  },
  { name: "ForkingUDPServer", Server: ForkingUDPServer, concurrent: true },
  ...with_native([UDPServer, AsyncUDPServer, ThreadingUDPServer, ForkingUDPServer]).slice(4)
    .map((Server) => ({
      name: Server.name,
      Server,
      concurrent: Server.name !== "NativeUDPServer",
    })),
];

for (const { name, Server, node = false, concurrent } of PACKET_WAYS) {
  Deno.test(`${name}: closing lets datagrams under way be answered, and cuts stuck ones`, async () => {
    const count = concurrent ? 2 : 0;
    const make = () =>
      new (Noting(Server))(["127.0.0.1", 0], DrainPacketHandler, {
        max_workers: 2,
        max_children: 3,
      }) as UDPServer & NotingMembers;
    const server = node ? over_node(make) : make();
    const loop = server.serve_forever();
    using stuck = new DatagramClient(server.server_address);
    using busy = new DatagramClient(server.server_address);
    await stuck.send("stuck");
    for (let at = 0; at < count; at++) await busy.send(`busy ${at}`);
    await soon(server.log.until(({ entries }) => entries.length === 1 + count));
    const closing = server.server_close({ grace: LONG });
    const replies = [];
    for (let at = 0; at < count; at++) replies.push(new TextDecoder().decode(await busy.receive()));
    assertEquals(replies.sort(), ["busy 0", "busy 1"].slice(0, count));
    assert(await is_pending(closing, 50), "it did not wait for the stuck one");
    const [result, took] = await timed_close(server, 200);
    assertEquals(result, { drained: count, aborted: 1 });
    assert_at(took, 200);
    await soon(loop);
  });
}

Deno.test("UDPServer: closing waits for the one datagram under way, whose reply arrives", async () => {
  const server = new (Noting(UDPServer))(["127.0.0.1", 0], DrainPacketHandler) as
    & UDPServer
    & NotingMembers;
  const loop = server.serve_forever();
  using client = new DatagramClient(server.server_address);
  await client.send("busy");
  await soon(server.log.until(({ entries }) => entries.length === 1));
  const closing = server.server_close({ grace: LONG });
  assertEquals(new TextDecoder().decode(await client.receive()), "busy");
  assertEquals(await soon(closing), { drained: 1, aborted: 0 });
  await soon(loop);
});
