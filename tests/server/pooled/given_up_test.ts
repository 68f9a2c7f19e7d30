/** What handlers in workers wait for when their request must end, and who ends with it. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import {
  ForkingTCPServer,
  type ServerOptions,
  type TCPServer,
  ThreadingTCPServer,
} from "../../../mod.ts";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import {
  Called,
  type CalledMembers,
  CallingHandler,
} from "../../fixtures/handlers/calling_handlers.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";
import { ready } from "../../fixtures/servers/ready.ts";

const HERE: [string, number] = ["127.0.0.1", 0];

/** A way to have handlers called in workers. */
interface Way {
  name: string;
  Server: typeof TCPServer;
  options: ServerOptions;
}

const THREADS: Way = { name: "threads", Server: ThreadingTCPServer, options: {} };
const RELAYED: Way = {
  name: "threads, relayed",
  Server: ThreadingTCPServer,
  options: { allow_reuse_port: true },
};
const CHILDREN: Way = {
  name: "children",
  Server: ForkingTCPServer,
  options: { max_children: 6 },
};
const WAYS = [THREADS, RELAYED, CHILDREN];

type CalledServer = TCPServer & CalledMembers & AsyncDisposable;

/** A server with one worker, which serves. */
function serve({ Server, options }: Way, more: ServerOptions = {}): CalledServer {
  const Class = Called(Server) as unknown as typeof TCPServer;
  const settings = { max_workers: 1, linger: 50, ...options, ...more };
  return serving(new Class(HERE, CallingHandler, settings)) as CalledServer;
}

/** Clients that have asked something, and will say nothing for a while. */
async function quiet_clients(server: CalledServer, count: number): Promise<LineClient[]> {
  const clients = [];
  for (let at = 0; at < count; at++) {
    const client = await LineClient.connect(server.server_address);
    assertEquals(await soon(client.ask("hello")), "hello");
    clients.push(client);
  }
  return clients;
}

/** Has all children started: more than one for each core are there only when they are needed. */
async function all_children(server: CalledServer): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: 6 }, () => LineClient.connect(server.server_address)),
  );
  const ready = () => server.info().workers!.filter(({ state }) => state === "ready");
  await soon(until(() => ready().length === 6));
  for (const client of clients) client[Symbol.dispose]();
  await soon(until(() => server.info().active === 0));
}

/** Whether all of them are answered; they are closed then. */
async function all_answered(clients: LineClient[]): Promise<void> {
  const answers = clients.map(async (client) => {
    await client.send("again").catch(() => {});
    return await line_or_end(client);
  });
  assertEquals(await Promise.all(answers), clients.map(() => "again"));
  for (const client of clients) client[Symbol.dispose]();
}

function port_of({ conn }: LineClient): number {
  return (conn.localAddr as Deno.NetAddr).port;
}

for (const way of WAYS) {
  Deno.test(`${way.name}: a handler that waits for the server past request_timeout takes no neighbour along`, async () => {
    await using server = serve(way, { request_timeout: 2000 });
    if (way === CHILDREN) await all_children(server);
    using waiter = await LineClient.connect(server.server_address);
    await waiter.send("catch");
    await soon(until(() => server.info().active === 1));
    // The neighbours have no clock of their own.
    server.request_timeout = null;
    const neighbours = await quiet_clients(server, 5);
    assertEquals(await line_or_end(waiter), null);
    await soon(
      server.log.until(({ entries }) => entries.some((entry) => entry.includes("reason"))),
    );
    // A worker that did not answer would be ended 1 s after its request.
    await new Promise((resolve) => setTimeout(resolve, 1300));
    await all_answered(neighbours);
    assert(server.log.entries.includes("TimedOut, the signal's reason"), `${server.log.entries}`);
    const of_waiter = server.reported.filter(([port]) => port === port_of(waiter));
    assertEquals(of_waiter.length, 1);
    assertInstanceOf(of_waiter[0]![1], Deno.errors.TimedOut);
    assertEquals(server.info().failed, 0);
  });

  Deno.test(`${way.name}: a call that rejects and is not awaited takes no neighbour along`, async () => {
    await using server = serve(way);
    const neighbours = await quiet_clients(server, 5);
    using client = await LineClient.connect(server.server_address);
    assertEquals(await soon(client.ask("forget")), "forget");
    await soon(until(() => server.reported.length === 1));
    assertEquals(await soon(client.ask("hello")), "hello");
    await all_answered(neighbours);
    const [port, error] = server.reported[0]!;
    assertEquals(port, port_of(client));
    assertInstanceOf(error, RangeError);
    assertEquals(error.message, "released too often");
    assertEquals(server.reported.length, 1);
    assertEquals(server.info().failed, 0);
  });

  Deno.test(`${way.name}: what waits for the server ends at the drain`, async () => {
    await using server = serve(way);
    using one = await LineClient.connect(server.server_address);
    await one.send("catch");
    using other = await LineClient.connect(server.server_address);
    await other.send("both");
    await soon(until(() => server.info().active === 2));
    using idle = await LineClient.connect(server.server_address);
    assertEquals(await soon(idle.ask("hello")), "hello");
    const start = performance.now();
    assertEquals(await soon(server.server_close({ grace: 8000 })), { drained: 3, aborted: 0 });
    const took = performance.now() - start;
    assert(took < 4000, `it took ${took} ms`);
    assert(server.log.entries.includes("AbortError, the signal's reason"), `${server.log.entries}`);
    assert(server.log.entries.includes("rejected,rejected,fulfilled"), `${server.log.entries}`);
  });

  Deno.test(`${way.name}: a busy handler can reply at the drain, and quick calls are answered`, async () => {
    await using server = serve(way);
    const words = ["reply", "late"];
    const clients = [];
    for (const word of words) {
      const client = await LineClient.connect(server.server_address);
      assertEquals(await soon(client.ask(word)), "busy");
      clients.push(client);
    }
    const closing = server.server_close({ grace: 8000 });
    const answers = await Promise.all(clients.map(line_or_end));
    assertEquals(answers, ["answered true", "the signal's reason"]);
    assertEquals(await soon(closing), { drained: 2, aborted: 0 });
    for (const client of clients) client[Symbol.dispose]();
  });

  Deno.test(`${way.name}: a promise of a call refuses to become text or a number`, async () => {
    await using server = serve(way);
    using client = await LineClient.connect(server.server_address);
    for (const word of ["template", "json", "plus", "minus", "string"]) {
      const answer = await soon(client.ask(word));
      assertEquals(
        answer,
        "TypeError: Cannot use the promise of server.quick() as its value: await it",
      );
    }
    assertEquals(await soon(client.ask("awaited")), "1 1");
    assertEquals(server.reported, []);
  });
}

for (const way of [THREADS, CHILDREN]) {
  const reports: Record<string, number> = {
    "forget-helper": 1,
    "forget-all": 1,
    "forget-twice": 1,
    "forget-odd": 1,
    "forget-uncloneable": 1,
    "forget-many 1000": 1000,
  };
  Deno.test(`${way.name}: each call that rejects is reported once, however it is forgotten`, async () => {
    await using server = serve(way);
    using client = await LineClient.connect(server.server_address);
    for (const [line, count] of Object.entries(reports)) {
      const before = server.reported.length;
      assertEquals(await soon(client.ask(line)), line.split(" ")[0]);
      await soon(until(() => server.reported.length >= before + count));
      // What comes after this has an answer has come by then.
      assertEquals(await soon(client.ask("awaited")), "1 1");
      assertEquals(server.reported.length, before + count, line);
      const ports = server.reported.slice(before).map(([port]) => port);
      assertEquals(new Set(ports), new Set([port_of(client)]), line);
    }
    const messages = server.reported.map(([, error]) => (error as Error).message);
    assertEquals(messages.slice(0, 4), [...Array(3).fill("released too often"), "odd"]);
    assertStringIncludes(messages[4]!, "an argument of slow()");
    assertEquals(server.info().failed, 0);
  });

  Deno.test(`${way.name}: a call after the request is over that rejects is reported without it`, async () => {
    await using server = serve(way);
    await ready(server);
    const ids = () => server.info().workers!.map(({ id }) => id);
    const before = ids();
    using client = await LineClient.connect(server.server_address);
    await client.send("forget-afterwards");
    assertEquals(await line_or_end(client), null);
    await soon(until(() => server.reported.length === 2));
    const [port, error] = server.reported[1]!;
    assertEquals(port, null);
    assertEquals((error as Error).message, "released too often");
    assertEquals(ids(), before);
    const [again] = await quiet_clients(server, 1);
    await all_answered([again!]);
  });
}

Deno.test("threads: a worker that gave a request up takes no new ones, and ends when its others are over", async () => {
  await using server = serve(THREADS, { request_timeout: 2500 });
  await soon(ready(server));
  using waiter = await LineClient.connect(server.server_address);
  assertEquals(await soon(waiter.ask("forever")), "waiting");
  const first = server.info().workers![0]!.id;
  // The neighbours have no clock of their own.
  server.request_timeout = null;
  const neighbours = await quiet_clients(server, 3);
  assertEquals(await line_or_end(waiter), null);
  await soon(until(() => server.info().workers!.every(({ id }) => id !== first)));
  // Another serves now, also while the first still has its neighbours.
  using newcomer = await LineClient.connect(server.server_address);
  assertEquals(await soon(newcomer.ask("hello")), "hello");
  const [worker] = server.info().workers!;
  assert(worker!.id !== first);
  assertEquals(worker!.active, 1);
  await all_answered(neighbours);
  newcomer[Symbol.dispose]();
  await soon(until(() => server.info().active === 0));
  assertEquals(server.info().workers!.length, 1);
});

Deno.test("threads: two requests of one worker are given up, and the server goes on", async () => {
  await using server = serve(THREADS, { request_timeout: 1000 });
  for (let round = 0; round < 2; round++) {
    // The clock of a request runs while its worker starts.
    await soon(ready(server));
    const waiters = [];
    for (let at = 0; at < 3; at++) {
      const waiter = await LineClient.connect(server.server_address);
      assertEquals(await soon(waiter.ask("forever")), "waiting");
      waiters.push(waiter);
    }
    for (const waiter of waiters) {
      assertEquals(await line_or_end(waiter), null);
      waiter[Symbol.dispose]();
    }
    await soon(until(() => server.info().active === 0));
  }
  const { timed_out, completed, failed } = server.info();
  assertEquals({ timed_out, completed, failed }, { timed_out: 6, completed: 0, failed: 0 });
});

Deno.test("threads: a handler that goes on after it was given up and then ends counts once", async () => {
  await using server = serve(THREADS, { request_timeout: 200 });
  await soon(ready(server));
  using client = await LineClient.connect(server.server_address);
  // A neighbour's own waits keep the worker: the handler has time to go on.
  assertEquals(await soon(client.ask("ignore")), "busy");
  assertEquals(await line_or_end(client), null);
  await soon(until(() => server.info().active === 0));
  const { active, timed_out, completed, failed } = server.info();
  assertEquals({ active, timed_out, completed, failed }, {
    active: 0,
    timed_out: 1,
    completed: 0,
    failed: 0,
  });
});

for (const way of [THREADS, CHILDREN]) {
  const loops: Record<string, string> = {
    "loop": "looping",
    "loop-when-told": "busy",
    "loop-later 400": "busy",
  };
  for (const [line, answer] of Object.entries(loops)) {
    Deno.test(`${way.name}: a handler that says "${line}" is ended after request_timeout`, async () => {
      await using server = serve(way, { request_timeout: 1500 });
      await soon(ready(server));
      await ready(server);
      using client = await LineClient.connect(server.server_address);
      assertEquals(await soon(client.ask(line)), answer);
      const { id } = server.info().workers!.find(({ active }) => active > 0)!;
      assertEquals(await line_or_end(client), null);
      await soon(until(() => server.info().workers!.every((worker) => worker.id !== id)));
      using next = await LineClient.connect(server.server_address);
      assertEquals(await soon(next.ask("hello")), "hello");
      const { timed_out, failed } = server.info();
      assertEquals({ timed_out, failed }, { timed_out: 1, failed: 0 });
    });
  }
}

Deno.test("threads: a neighbour that computes for half a second is not ended with who is given up", async () => {
  await using server = serve(THREADS, { request_timeout: 2000 });
  await soon(ready(server));
  using waiter = await LineClient.connect(server.server_address);
  assertEquals(await soon(waiter.ask("forever")), "waiting");
  const asked = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 1700));
  using neighbour = await LineClient.connect(server.server_address);
  assertEquals(await soon(neighbour.ask("hello")), "hello");
  assertEquals(await line_or_end(waiter), null);
  // The worker has heard of the end; it computes when it is asked to give the request up.
  await new Promise((resolve) => setTimeout(resolve, 2900 - (performance.now() - asked)));
  assertEquals(await soon(neighbour.ask("compute 600")), "compute");
  neighbour[Symbol.dispose]();
  await soon(until(() => server.info().active === 0));
  assertEquals(server.info().failed, 0);
});

Deno.test("threads: a handler that loops when its worker was told to end is ended", async () => {
  const options = { request_timeout: 300, linger: 800 };
  await using server = serve(THREADS, options);
  await ready(server);
  using looping = await LineClient.connect(server.server_address);
  assertEquals(await soon(looping.ask("loop-later 1500")), "busy");
  const asked = performance.now();
  const at = (time: number) =>
    new Promise((resolve) => setTimeout(resolve, time - (performance.now() - asked)));
  // The neighbour's connection lingers in the worker, which is to end, when the loop begins.
  await at(1150);
  using neighbour = await LineClient.connect(server.server_address);
  assertEquals(await soon(neighbour.ask("hello")), "hello");
  await at(1380);
  await neighbour.send("forget-afterwards");
  await at(2200);
  assertEquals(server.info().active, 0);
  const start = performance.now();
  await soon(server.server_close({ grace: 9000 }));
  const took = performance.now() - start;
  assert(took < 6000, `it took ${took} ms`);
});
