/** What a server tells its observer, in each of the ways to run handlers. */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import {
  AsyncTCPServer,
  AsyncUDPServer,
  BaseRequestHandler,
  BaseServer,
  ForkingTCPServer,
  type ServerEvent,
  type ServerOptions,
  StreamRequestHandler,
  type TCPServer,
  ThreadingTCPServer,
  UDPServer,
} from "../../mod.ts";
import { ask, line_or_end, LineClient, or_end } from "../fixtures/clients/clients.ts";
import { ask_udp } from "../fixtures/clients/datagrams.ts";
import { ask_from } from "../fixtures/clients/from_address.ts";
import { V1 } from "../fixtures/clients/proxy_headers.ts";
import { UpperPacketHandler } from "../fixtures/handlers/handlers.ts";
import { FaultHandler } from "../fixtures/handlers/fault_handlers.ts";
import { ALL_WAYS, test_ways_at_once } from "../fixtures/servers/all_ways.ts";
import { make, type Way } from "../fixtures/servers/tcp_servers.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { Told } from "../fixtures/servers/told.ts";
import { ODD_VALUES } from "../fixtures/tools/odd_values.ts";
import { StandardError } from "../fixtures/tools/standard_error.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

for (const way of ALL_WAYS) {
  Deno.test(`${way.name}: an observer is told of the server, its workers and a request`, async () => {
    const told = new Told();
    const before = Date.now();
    const server = make(way, FaultHandler, { observer: told.observer, max_children: 1 });
    const address = server.server_address;
    {
      await using _ = serving(server);
      assertEquals(await ask(address, "hello"), "HELLO");
      await until(() => server.info().completed === 1);
      const { since, workers = [] } = server.info();
      assert(since >= before && since <= Date.now());
      for (const worker of workers) assert(worker.since >= since && worker.since <= Date.now());
    }
    for (const { time, server: name } of told.events) {
      assert(time >= before && time <= Date.now());
      assertEquals(name, server.constructor.name);
    }
    const types = told.events.map(({ type }) => type);
    assertEquals([types[0], types.at(-1)], ["server.start", "server.stop"]);
    assertEquals(told.of("server.start")[0]!.address, address);
    const [stop] = told.stops();
    const { outcome, bytes_in, bytes_out, worker, client } = stop!;
    assertEquals([outcome, bytes_in, bytes_out], ["completed", 6, 6]);
    assertEquals(client, told.of("request.start")[0]!.client);
    assertEquals(worker === undefined, !way.workers);
    assert(!way.workers || told.of("worker.start").some((start) => start.worker === worker));
    // One that is not ready yet has nothing to end in peace.
    const reasons = told.of("worker.stop").map(({ reason }) => reason);
    assert(reasons.every((reason) => reason === "closed" || reason === "killed"));
    assertEquals(reasons.length > 0, way.workers);
    const { duration, drained, aborted } = told.of("server.stop")[0]!;
    assert(duration >= stop!.duration);
    assertEquals([drained, aborted], [0, 0]);
  });
}

for (const Server of [ThreadingTCPServer, ForkingTCPServer]) {
  Deno.test(`${Server.name}: a worker that dies is told of, with what was lost, and so is who is in its place`, async () => {
    const told = new Told();
    const options = { observer: told.observer, max_workers: 1, max_children: 1 };
    const server = new Server(["127.0.0.1", 0], FaultHandler, options);
    server.handle_error = () => {};
    const address = server.server_address;
    {
      await using _ = serving(server);
      assertEquals(await ask(address, "one"), "ONE");
      using client = await LineClient.connect(address);
      await client.send("!throws in a timer");
      assertEquals(await line_or_end(client), null);
      assertEquals(await ask(address, "two"), "TWO");
      const { restarts, id } = server.info().workers![0]!;
      assertEquals(restarts, 1);
      await until(() => server.info().completed === 2);
      assertEquals(told.of("request.stop").map(({ worker }) => worker), [1, 1, id]);
    }
    const [first] = told.of("worker.stop");
    const { reason, lost, error_type, worker } = first!;
    assertEquals({ reason, lost, error_type, worker }, {
      reason: "died",
      lost: 1,
      error_type: "RangeError",
      worker: 1,
    });
    const [, failed] = told.stops();
    assertEquals([failed!.outcome, failed!.error_type], ["failed", "WorkerEnded"]);
    assertEquals(failed!.bytes_in, undefined);
  });
}

Deno.test("AsyncUDPServer: a datagram is a request, and its bytes are known", async () => {
  const told = new Told();
  const options = { observer: told.observer };
  const server = new AsyncUDPServer(["127.0.0.1", 0], UpperPacketHandler, options);
  {
    await using _ = serving(server);
    assertEquals(await ask_udp(server.server_address, "hello"), "HELLO");
    await until(() => server.info().completed === 1);
  }
  assertEquals(told.stops().map(({ bytes_in, bytes_out }) => [bytes_in, bytes_out]), [[
    5,
    undefined,
  ]]);
  assertEquals([server.info().bytes_in, server.info().bytes_out], [5, undefined]);
});

Deno.test("suspend() and resume() are told of, once each, and not of a closed server", async () => {
  const told = new Told();
  await using server = new AsyncTCPServer(["127.0.0.1", 0], FaultHandler, {
    observer: told.observer,
  });
  for (let turn = 0; turn < 2; turn++) server.suspend();
  for (let turn = 0; turn < 2; turn++) server.resume();
  await server.server_close();
  server.suspend();
  server.resume();
  assertEquals(told.events.map(({ type }) => type), ["server.suspend", "server.resume"]);
});

Deno.test("why a request is refused is told, and how long it waited", async () => {
  const told = new Told();
  class ChoosyServer extends AsyncTCPServer {
    override verify_request(): boolean {
      return this.info().accepted !== 3;
    }
  }
  const server = new ChoosyServer(["127.0.0.1", 0], FaultHandler, {
    observer: told.observer,
    deny: ["127.0.0.2"],
    max_requests: 1,
    overflow: "refuse",
  });
  const address = server.server_address;
  {
    await using _ = serving(server);
    await ask_from("127.0.0.2", address, "denied");
    using busy = await LineClient.connect(address);
    assertEquals(await busy.ask("one"), "ONE");
    for (let turn = 0; turn < 2; turn++) {
      using client = await LineClient.connect(address);
      assertEquals(await line_or_end(client), null);
    }
  }
  const reasons = told.stops().map(({ outcome, reason }) => [outcome, reason]).sort();
  assertEquals(reasons, [
    ["completed", undefined],
    ["refused", "denied"],
    ["refused", "overflow"],
    ["refused", "verify"],
  ]);
});

Deno.test("what cannot be accepted is told of by the system's name of the error, and counted", async () => {
  const told = new Told();
  const faults = ["EMFILE", "ECONNABORTED", undefined];
  class FailingServer extends BaseServer<null, string, string> {
    override get_request(): [string, string] {
      if (faults.length === 0) throw new Deno.errors.BadResource("closed");
      const code = faults.shift();
      throw Object.assign(new RangeError("secret"), code !== undefined && { code });
    }
    override handle_error(): void {}
  }
  await using server = new FailingServer(null, BaseRequestHandler, { observer: told.observer });
  await soon(server.serve_forever());
  const errors = told.of("accept.error");
  assertEquals(
    errors.map(({ class: kind, code, error_type, count }) => [kind, code, error_type, count]),
    [
      ["pause", "EMFILE", "RangeError", 1],
      ["retry", "ECONNABORTED", "RangeError", 2],
      ["pause", undefined, "RangeError", 3],
      ["stop", undefined, "BadResource", 4],
    ],
  );
});

Deno.test("a connection without a good PROXY header is told of, and is no request", async () => {
  const told = new Told();
  const options: ServerOptions = {
    observer: told.observer,
    proxy_protocol: "required",
    trusted_proxies: ["127.0.0.1"],
  };
  const server = new AsyncTCPServer(["127.0.0.1", 0], FaultHandler, options);
  server.handle_error = () => {};
  {
    await using _ = serving(server);
    using stranger = await LineClient.connect(server.server_address);
    await stranger.send("GET / HTTP/1.1");
    assertEquals(await line_or_end(stranger), null);
    using client = await LineClient.connect(server.server_address);
    await client.conn.write(V1);
    assertEquals(await client.ask("hello"), "HELLO");
  }
  const [rejected] = told.of("proxy.rejected");
  assertEquals(rejected!.error_type, "InvalidData");
  assertEquals((rejected!.peer as Deno.NetAddr).hostname, "127.0.0.1");
  const [stop] = told.stops();
  assertEquals((stop!.client as Deno.NetAddr).hostname, "192.0.2.7");
  // The header is the proxy's, and not the client's.
  assertEquals(stop!.bytes_in, 6);
});

Deno.test("nothing is told of what clients send, and of what errors say", async () => {
  const told = new Told();
  class LoudHandler extends StreamRequestHandler {
    override async handle(): Promise<void> {
      const line = await this.rfile.readline();
      throw new TypeError(`secret ${new TextDecoder().decode(line)}`, { cause: "secret" });
    }
  }
  const options = { observer: told.observer };
  const server = new AsyncTCPServer(["127.0.0.1", 0], LoudHandler, options);
  server.handle_error = () => {};
  {
    await using _ = serving(server);
    using client = await LineClient.connect(server.server_address);
    await client.send("secret");
    assertEquals(await line_or_end(client), null);
  }
  assertEquals(told.stops()[0]!.error_type, "TypeError");
  assert(!JSON.stringify(told.events).includes("secret"));
});

for (
  const fails of [
    () => {
      throw new Error("the observer's");
    },
    () => Promise.reject(new Error("the observer's")),
    () => {
      throw ODD_VALUES.revoked();
    },
    () => Promise.reject(ODD_VALUES.revoked()),
    () => Object.defineProperty({}, "then", { get: () => fail() }),
  ]
) {
  Deno.test(`an observer that fails is reported once, and harms nothing: ${fails}`, async () => {
    using printed = new StandardError();
    const options = { observer: fails as () => void };
    await using server = serving(new AsyncTCPServer(["127.0.0.1", 0], FaultHandler, options));
    for (let turn = 0; turn < 3; turn++) assertEquals(await ask(server.server_address, "a"), "A");
    assertEquals((await printed.all()).match(/The observer of a server failed/g)?.length, 1);
  });
}

function fail(): never {
  throw new Error("the observer's");
}

/** Sends all that there is to say. */
async function send_all(client: LineClient | null, line: string): Promise<void> {
  await client?.send(line);
  await client?.conn.closeWrite();
}

/** What an observer may call, and whether requests still come afterwards. */
const CALLS: [name: string, call: (server: TCPServer) => void, goes_on: boolean][] = [
  ["suspend(), resume(), configure() and info()", (server) => {
    server.suspend();
    server.configure({ max_requests: 5, deny: [] });
    server.resume();
    server.info();
  }, true],
  ["shutdown()", (server) => void server.shutdown(), false],
  ["server_close()", (server) => void server.server_close({ grace: 0 }), false],
];
const AT: ServerEvent["type"][] = ["server.start", "request.start", "request.run", "request.stop"];

for (const [name, call, goes_on] of CALLS) {
  const each = async (way: Way, type: ServerEvent["type"]) => {
    const told = new Told();
    const observer = (event: ServerEvent) => {
      told.observer(event);
      if (event.type === type) call(server);
    };
    const server = make(way, FaultHandler, { observer, max_children: 1, max_workers: 1 });
    {
      await using _ = serving(server);
      // A server that is closed at once resets it.
      using client = await or_end(LineClient.connect(server.server_address));
      await or_end(send_all(client, "a"));
      if (goes_on) assertEquals(await client!.line(), "A");
      else await until(() => told.of(type).length > 0);
    }
    assertEquals(told.stops().length, server.info().accepted);
    assertEquals(told.of("server.stop").length, 1);
  };
  const fits = ({ relay }: Way) => !relay;
  test_ways_at_once(`an observer may call ${name} at any event`, fits, async (way) => {
    await at_once(AT, (type) => type, (type) => each(way, type));
  });
}

test_ways_at_once(
  "a server that is closed while its workers start leaves none",
  ({ workers, relay }) => workers && !relay,
  async (way) => {
    await at_once(["server.start", "worker.start"] as const, (type) => type, async (type) => {
      const told = new Told();
      const closed: Promise<unknown>[] = [];
      const observer = (event: ServerEvent) => {
        told.observer(event);
        if (event.type === type) closed.push(server.server_close());
      };
      const server = make(way, FaultHandler, { observer, max_workers: 3, max_children: 3 });
      await soon(server.serve_forever());
      await soon(Promise.all(closed));
      assertEquals(server.info().workers, []);
      assertEquals(told.of("worker.start").length, told.of("worker.stop").length);
      assertEquals(told.events.at(-1)!.type, "server.stop");
    });
  },
);

test_ways_at_once(
  "what an observer takes for a trace, and is none, harms no request",
  () => true,
  async (way) => {
    const observer = (event: ServerEvent) => void Object.assign(event, { traceparent: () => {} });
    await using server = serving(make(way, FaultHandler, { observer, max_workers: 1 }));
    assertEquals(await ask(server.server_address, "a"), "A");
  },
);

Deno.test("without an observer no event is made, and no clock of events is read", async () => {
  await using server = serving(new AsyncTCPServer(["127.0.0.1", 0], FaultHandler));
  const { now } = Date;
  let calls = 0;
  Date.now = () => {
    calls++;
    return now();
  };
  try {
    for (let turn = 0; turn < 10; turn++) assertEquals(await ask(server.server_address, "a"), "A");
  } finally {
    Date.now = now;
  }
  assertEquals(calls, 0);
});

/** Answers when some time is over. */
class LatePacketHandler extends UpperPacketHandler {
  override async handle(): Promise<void> {
    await delay(LATE);
    await super.handle();
  }
}

/** How long, in ms, that is, and how far a duration may be from what the observer sees. */
const LATE = 200;
const NEAR = 100;

for (const [Server, pause] of [[UDPServer, 0], [AsyncUDPServer, LATE]] as const) {
  Deno.test(`${Server.name}: a request lasts from when it is taken, however long others took before`, async () => {
    const seen = new Map<number, number>();
    const errors: number[] = [];
    const observer = (event: ServerEvent) => {
      if (event.type === "request.start") seen.set(event.id, performance.now());
      if (event.type !== "request.stop") return;
      errors.push(event.duration - (performance.now() - seen.get(event.id)!));
    };
    await using server = serving(new Server(["127.0.0.1", 0], LatePacketHandler, { observer }));
    const asked: Promise<string>[] = [];
    for (const text of ["one", "two", "three"]) {
      asked.push(ask_udp(server.server_address, text));
      await delay(pause);
    }
    assertEquals(await soon(Promise.all(asked)), ["ONE", "TWO", "THREE"]);
    await until(() => errors.length === 3);
    for (const error of errors) assert(Math.abs(error) < NEAR, `${error} ms too many`);
  });
}
