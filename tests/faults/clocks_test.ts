/** Clocks: clients that are silent, requests that take too long, handlers that never end. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { RequestHandlerConstructor, ServerOptions } from "../../mod.ts";
import {
  type CountingServer,
  FORKING,
  make_counting,
  test_each_way,
  test_ways_at_once,
} from "../fixtures/servers/all_ways.ts";
import { ask, line_or_end, LineClient, or_end } from "../fixtures/clients/clients.ts";
import {
  DeadlineHandler,
  FLOOD,
  FloodingHandler,
  HeartbeatHandler,
  IDLE,
  IdleFloodingHandler,
  IdleHandler,
  LimitHandler,
} from "../fixtures/handlers/limit_handlers.ts";
import { ready, workers_kept } from "../fixtures/servers/ready.ts";
import { all_gone, cpu_time } from "../fixtures/programs/processes.ts";
import { Program } from "../fixtures/programs/programs.ts";
import { serving } from "../fixtures/servers/serving.ts";
import type { Way } from "../fixtures/servers/tcp_servers.ts";
import { is_pending, soon, until } from "../fixtures/tools/waiting.ts";

/** How long, in ms, a thing may take beyond what its clock says, on a machine with other work. */
const SLACK = 4000;
/** A `request_timeout` that leaves time for an answer, in ms, on the same machine. */
const LIMIT = 800;
/** How long, in ms, a request has after `request_timeout` before its worker is killed. */
const GIVE_UP = 1000;

const PROGRAM = fileURLToPath(new URL("../fixtures/programs/limit_program.ts", import.meta.url));

const all = () => true;
/** For what happens in the same place whether connections are relayed or not. */
const not_relaying = (way: Way) => !way.relay;
/** For what sockets do: those of children are those of workers. */
const concurrent = (way: Way) => way.concurrent && way !== FORKING;
const pooled = (way: Way) => way.workers && !way.relay;

/** Serves in one of the ways; resolves when all workers are there. */
async function serve(
  way: Way,
  Handler: RequestHandlerConstructor,
  options: ServerOptions = {},
): Promise<CountingServer & AsyncDisposable> {
  const server = serving(make_counting(way, Handler, options));
  await ready(server);
  return server;
}

/** A client of a server. */
function connect(server: CountingServer): Promise<LineClient> {
  return LineClient.connect(server.server_address);
}

/** How long a promise takes, in ms. */
async function duration(promise: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await soon(promise);
  return performance.now() - start;
}

/** How many bytes a client can still read. */
async function rest_of({ conn }: LineClient): Promise<number> {
  const chunk = new Uint8Array(1_048_576);
  let count = 0;
  try {
    for (let more; (more = await conn.read(chunk)) !== null;) count += more;
  } catch {
    // It ended with a reset.
  }
  return count;
}

/** Errors, as their names. */
function names({ log }: CountingServer): string[] {
  return log.errors.map((error) => (error as Error).name);
}

test_ways_at_once(
  "a silent client is closed within the handler's timeout, whatever is written to it",
  all,
  async (way) => {
    await using server = await serve(way, HeartbeatHandler);
    const start = performance.now();
    using client = await connect(server);
    const heard: (string | null)[] = [];
    do heard.push(await line_or_end(client)); while (heard.at(-1) !== null);
    const took = performance.now() - start;
    assert(took > IDLE * 0.9 && took < IDLE + SLACK, `It was closed after ${took} ms`);
    assert(heard.length >= 3, `The heart beat only ${heard.length - 1} times`);
    await soon(server.log.until(({ errors }) => errors.length > 0));
    assertEquals(names(server), ["TimedOut"]);
    await soon(until(() => server.info().failed === 1));
  },
);

test_ways_at_once("a client that sends a byte every timeout / 2 is kept", all, async (way) => {
  await using server = await serve(way, IdleHandler);
  using client = await connect(server);
  const answer = client.line();
  for (const letter of "yes\n") {
    await client.conn.write(new TextEncoder().encode(letter));
    if (letter !== "\n") assert(await is_pending(answer, IDLE / 2), "It was closed");
  }
  assertEquals(await soon(answer), "yes");
});

test_ways_at_once(
  "read_deadline ends a line of which a byte comes every timeout / 2, and no pause between lines",
  all,
  async (way) => {
    await using server = await serve(way, DeadlineHandler);
    using client = await connect(server);
    assertEquals(await soon(client.ask("hello")), "hello");
    const end = line_or_end(client);
    assert(await is_pending(end, IDLE / 2), "It was closed");
    const start = performance.now();
    do await client.conn.write(new TextEncoder().encode("x")); while (
      await is_pending(end, IDLE / 2)
    );
    const took = performance.now() - start;
    assert(took > IDLE * 0.9 && took < IDLE + SLACK, `It was closed after ${took} ms`);
    await soon(server.log.until(({ errors }) => errors.length > 0));
    const [error] = server.log.errors;
    assertInstanceOf(error, Deno.errors.TimedOut);
    assertStringIncludes(error.message, `read_deadline of ${IDLE} ms`);
  },
);

test_ways_at_once(
  "a write that makes no progress for the handler's timeout is cut",
  concurrent,
  async (way) => {
    await using server = await serve(way, IdleFloodingHandler);
    using deaf = await connect(server);
    await soon(server.log.until(({ entries }) => entries.includes("flooding")));
    const took = await duration(
      server.log.until(({ entries }) => entries.includes("handle_error")),
    );
    assert(took > IDLE * 0.9 && took < IDLE + SLACK, `It was cut after ${took} ms`);
    assertEquals(names(server), ["TimedOut"]);
    await soon(until(() => server.info().active === 0));
    assertEquals(server.info().failed, 1);
    assert(await soon(rest_of(deaf)) < FLOOD, "It was not cut");
  },
);

test_ways_at_once(
  "a client that reads slowly is kept, and gets every byte",
  concurrent,
  async (way) => {
    await using server = await serve(way, IdleFloodingHandler);
    using slow = await connect(server);
    let read = 0;
    const chunk = new Uint8Array(1_048_576);
    for (let turn = 0; turn < 14; turn++) {
      read += await slow.conn.read(chunk) ?? 0;
      const failed = server.log.until(({ errors }) => errors.length > 0);
      assert(await is_pending(failed, IDLE / 10), `${server.log.errors}`);
    }
    assertEquals(read + await soon(rest_of(slow)), FLOOD);
    await soon(server.log.until(({ entries }) => entries.includes("sent")));
  },
);

test_ways_at_once(
  "request_timeout tells a handler that obeys, and spares its worker",
  not_relaying,
  async (way) => {
    await using server = await serve(way, LimitHandler, { request_timeout: LIMIT });
    const before = ids(server);
    using client = await connect(server);
    assertEquals(await soon(client.ask("obey")), "obeying");
    assertEquals(await line_or_end(client), null);
    await soon(server.log.until(({ entries }) => entries.includes("aborted")));
    await soon(until(() => server.info().active === 0));
    assertEquals(names(server), ["TimedOut"]);
    assert_timed_out(server, 1);
    assertEquals(ids(server), before);
  },
);

/** The numbers of the workers, if there are any. */
function ids(server: CountingServer): number[] | undefined {
  return server.info().workers?.map(({ id }) => id);
}

/** So many timed out, and nothing else went wrong. */
function assert_timed_out(server: CountingServer, wanted: number): void {
  const { timed_out, failed, refused, active } = server.info();
  const none = { failed: 0, refused: 0, active: 0 };
  assertEquals({ timed_out, failed, refused, active }, { timed_out: wanted, ...none });
}

test_ways_at_once(
  "request_timeout closes although the handler ignores it, and is not that of who waits meanwhile",
  not_relaying,
  async (way) => {
    // The clock of the second one runs while a new worker starts, where there is only one.
    const request_timeout = 5 * LIMIT;
    const options = { request_timeout, max_requests: 1, max_workers: 2, max_children: 2 };
    await using server = await serve(way, LimitHandler, options);
    // Waited for, as hooks may be.
    Object.assign(server, { verify_request: async () => await Promise.resolve(true) });
    using client = await connect(server);
    assertEquals(await soon(client.ask("ignore")), "ignoring");
    const waiting = or_end(ask(server.server_address, "hello"));
    const took = await duration(line_or_end(client));
    assert(took < request_timeout + GIVE_UP + SLACK, `It was closed after ${took} ms`);
    // The first has held its place for longer than the second may take.
    assertEquals(await soon(waiting), "HELLO");
    await soon(server.log.until(({ entries }) => entries.includes("aborted")));
    await soon(until(() => server.info().active === 0));
    assertEquals(names(server), ["TimedOut"]);
    assert_timed_out(server, 1);
  },
);

test_ways_at_once(
  "request_timeout bounds a verify_request() that never ends",
  (way) => !way.workers,
  async (way) => {
    await using server = await serve(way, LimitHandler, { request_timeout: LIMIT });
    let calls = 0;
    Object.assign(server, { verify_request: () => ++calls > 1 || new Promise(() => {}) });
    using client = await connect(server);
    const took = await duration(line_or_end(client));
    assert(took < LIMIT + GIVE_UP + SLACK, `It was closed after ${took} ms`);
    server.request_timeout = null;
    assertEquals(await soon(ask(server.server_address, "hello")), "HELLO");
    await soon(until(() => server.info().active === 0));
    assertEquals(names(server), ["TimedOut"]);
    assert_timed_out(server, 1);
  },
);

// One after the other: each writes so much that the handlers of the others would be told too late.
test_each_way("request_timeout cuts a write to a client that never reads", all, async (way) => {
  await using server = await serve(way, FloodingHandler, { request_timeout: LIMIT });
  const before = ids(server);
  using deaf = await connect(server);
  const took = await duration(server.log.until(({ entries }) => entries.includes("cut")));
  assert(took < LIMIT + GIVE_UP + SLACK, `It was cut after ${took} ms`);
  await soon(until(() => server.info().active === 0));
  assertEquals(names(server), ["TimedOut"]);
  assert_timed_out(server, 1);
  assertEquals(ids(server), before);
  assert(await soon(rest_of(deaf)) < FLOOD / 2, "It was not cut");
});

/** The least part of a core that it used in a few intervals: a loop lets none be quiet. */
async function least_load(pid: number): Promise<number> {
  let least = Infinity;
  for (let interval = 0; interval < 5 && least > 0.1; interval++) {
    const [start, before] = [performance.now(), cpu_time(pid)];
    await is_pending(new Promise(() => {}), 300);
    least = Math.min(least, (cpu_time(pid) - before) / (performance.now() - start));
  }
  return least;
}

Deno.test("ThreadingTCPServer: the core of a killed endless loop is free again", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using program = new Program("run", "-A", PROGRAM, `${LIMIT}`);
  const address = JSON.parse(await soon(program.line()));
  using client = await LineClient.connect(address);
  assertEquals(await soon(client.ask("loop")), "looping");
  assertEquals(await line_or_end(client), null);
  assertEquals(await soon(program.line()), "TimedOut");
  assertEquals(await soon(ask(address, "hello")), "HELLO");
  const load = await least_load(program.child.pid);
  assert(load < 0.1, `${load} of a core is still used`);
});

test_ways_at_once(
  "a handler in an endless loop is killed with its worker or child, and others are served",
  pooled,
  async (way) => {
    const options = { request_timeout: LIMIT, max_workers: 2, max_children: 2 };
    await using server = await serve(way, LimitHandler, options);
    using client = await connect(server);
    assertEquals(await soon(client.ask("loop")), "looping");
    // The clock of the next request would run while a new worker starts.
    server.request_timeout = null;
    const busy = server.info().workers!.find(({ active }) => active > 0)!;
    const took = await duration(line_or_end(client));
    assert(took < LIMIT + GIVE_UP + SLACK, `It was closed after ${took} ms`);
    await soon(until(() => server.info().active === 0));
    assertEquals(names(server), ["TimedOut"]);
    assert_timed_out(server, 1);
    assertEquals(await soon(ask(server.server_address, "hello")), "HELLO");
    await ready(server);
    assertEquals(server.info().workers!.length, workers_kept(server));
    assert(!ids(server)!.includes(busy.id), "The worker is still there");
    if (busy.pid !== undefined && Deno.build.os === "linux") await all_gone([busy.pid]);
  },
);

test_ways_at_once(
  "requests that shared the killed worker are reported as such, those of others go on",
  (way) => pooled(way) && way !== FORKING,
  async (way) => {
    const options = { request_timeout: LIMIT, max_workers: 2 };
    await using server = await serve(way, LimitHandler, options);
    using victim = await connect(server);
    assertEquals(await soon(victim.ask("hello")), "HELLO");
    // Only the first has a clock.
    server.request_timeout = null;
    using neighbour = await connect(server);
    assertEquals(await soon(neighbour.ask("hello")), "HELLO");
    using mate = await connect(server);
    assertEquals(await soon(mate.ask("hello")), "HELLO");
    assertEquals(server.info().workers!.map(({ active }) => active), [2, 1]);
    assertEquals(await soon(victim.ask("loop")), "looping");
    assertEquals(await line_or_end(victim), null);
    assertEquals(await line_or_end(mate), null);
    assertEquals(await soon(neighbour.ask("still there")), "STILL THERE");
    await soon(server.log.until(({ errors }) => errors.length === 2));
    const [late, lost] = server.log.errors as [Error, Error];
    assertInstanceOf(late, Deno.errors.TimedOut);
    assertStringIncludes(lost.message, "ended while it handled the request");
    await soon(until(() => server.info().active === 1));
    const { timed_out, failed } = server.info();
    assertEquals({ timed_out, failed }, { timed_out: 1, failed: 1 });
  },
);

test_ways_at_once(
  "max_requests_per_worker 1 keeps others out of a worker that is killed",
  pooled,
  async (way) => {
    const options = { max_requests_per_worker: 1, max_workers: 2, max_children: 2 };
    await using server = await serve(way, LimitHandler, options);
    using neighbour = await connect(server);
    assertEquals(await soon(neighbour.ask("hello")), "HELLO");
    // Only the next one has a clock, which runs while a child starts for it where only one is kept.
    server.request_timeout = 5 * LIMIT;
    using victim = await connect(server);
    assertEquals(await soon(victim.ask("loop")), "looping");
    server.request_timeout = null;
    // There is no worker for it until the first is killed and replaced.
    using third = await connect(server);
    const answer = third.ask("hello");
    assert(await is_pending(answer, 100));
    assertEquals(server.info().workers!.map(({ active }) => active), [1, 1]);
    assertEquals(await line_or_end(victim), null);
    assertEquals(await soon(answer), "HELLO");
    assertEquals(await soon(neighbour.ask("still there")), "STILL THERE");
    assertEquals(names(server), ["TimedOut"]);
    const { timed_out, failed } = server.info();
    assertEquals({ timed_out, failed }, { timed_out: 1, failed: 0 });
  },
);
