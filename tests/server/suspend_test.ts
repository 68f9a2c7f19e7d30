/** `suspend()`, `resume()`, `configure()` and `max_accepts_per_second`: what a server does that is told so while it serves. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AsyncTCPServer,
  AsyncUDPServer,
  AsyncUnixStreamServer,
  type ConfigureOptions,
  type Overflow,
  TCPServer,
  ThreadingUnixStreamServer,
} from "../../mod.ts";
import { ask, LineClient } from "../fixtures/clients/clients.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";
import { UpperHandler, UpperPacketHandler } from "../fixtures/handlers/handlers.ts";
import { LimitHandler, SettingsHandler } from "../fixtures/handlers/limit_handlers.ts";
import {
  ALL_WAYS,
  make_counting,
  test_each_way,
  test_ways_at_once,
} from "../fixtures/servers/all_ways.ts";
import { with_native } from "../fixtures/servers/named_servers.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { make } from "../fixtures/servers/tcp_servers.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { is_pending, soon, turn, until } from "../fixtures/tools/waiting.ts";

test_ways_at_once(
  "a suspended server keeps its port, and serves what has waited when it is resumed",
  () => true,
  async (way) => {
    await using server = serving(make_counting(way, LimitHandler));
    const { port } = server.server_address;
    assertEquals(await soon(ask(server.server_address, "before")), "BEFORE");
    server.suspend();
    server.suspend();
    assertEquals([server.info().suspended, server.info().state], [true, "serving"]);
    const { accepted } = server.info();
    const answers = Promise.all(
      ["one", "two", "three"].map((word) => ask(server.server_address, word)),
    );
    assert(await is_pending(answers, 200), "it serves although it is suspended");
    assertEquals([server.info().accepted, server.server_address.port], [accepted, port]);
    server.resume();
    assertEquals(await soon(answers), ["ONE", "TWO", "THREE"]);
    assertEquals(server.info().suspended, false);
    assertEquals(await soon(ask(server.server_address, "after")), "AFTER");
  },
);

test_ways_at_once("requests under way go on while it is suspended", () => true, async (way) => {
  await using server = serving(make_counting(way, LimitHandler));
  using client = await LineClient.connect(server.server_address);
  assertEquals(await soon(client.ask("hello")), "HELLO");
  server.suspend();
  assertEquals(await soon(client.ask("again")), "AGAIN");
});

test_ways_at_once(
  "a suspended server can be closed, and loses nobody silently",
  () => true,
  async (way) => {
    const server = make_counting(way, LimitHandler);
    server.suspend();
    const loop = server.serve_forever();
    await soon(until(() => server.info().state === "serving"));
    using client = await LineClient.connect(server.server_address);
    const end = client.line().catch(() => null);
    assert(await is_pending(end, 50), "it serves although it is suspended");
    assertEquals(await soon(server.server_close()), { drained: 0, aborted: 0 });
    await soon(loop);
    assertEquals(await soon(end), null);
    const { accepted, refused, refused_by } = server.info();
    assertEquals([accepted, refused_by.closing], [refused, refused]);
  },
);

test_ways_at_once(
  "a suspended server can be suspended and resumed at any time",
  (way) => way.workers,
  async (way) => {
    await using server = serving(make_counting(way, LimitHandler));
    for (let round = 0; round < 30; round++) {
      const answer = ask(server.server_address, `round ${round}`);
      server.suspend();
      if (round % 3 === 0) await new Promise((resolve) => setTimeout(resolve, round));
      server.resume();
      if (round % 2 === 0) {
        server.suspend();
        server.resume();
      }
      assertEquals(await soon(answer), `ROUND ${round}`);
    }
  },
);

Deno.test("handle_request() waits while the server is suspended, and calls handle_timeout() in time", async () => {
  let timeouts = 0;
  class Server extends TCPServer {
    override handle_timeout(): void {
      timeouts++;
    }
  }
  await using server = new Server(["127.0.0.1", 0], UpperHandler, { timeout: 50 });
  server.suspend();
  const answer = ask(server.server_address, "hello");
  await soon(server.handle_request());
  assertEquals(timeouts, 1);
  server.configure({ timeout: null });
  const handled = server.handle_request();
  assert(await is_pending(handled, 50), "it serves although it is suspended");
  server.resume();
  await soon(handled);
  assertEquals(await soon(answer), "HELLO");
});

Deno.test("service_actions() runs while the server is suspended", async () => {
  let actions = 0;
  class Server extends AsyncTCPServer {
    override service_actions(): void {
      actions++;
    }
  }
  await using server = new Server(["127.0.0.1", 0], UpperHandler);
  server.suspend();
  const loop = server.serve_forever({ poll_interval: 5 });
  await soon(until(() => actions > 3));
  await soon(server.shutdown());
  await soon(loop);
});

for (const Server of with_native([AsyncUDPServer])) {
  Deno.test(`${Server.name}: datagrams wait while it is suspended`, async () => {
    await using server = serving(new Server(["127.0.0.1", 0], UpperPacketHandler));
    using client = new DatagramClient(server.server_address);
    server.suspend();
    const answers = Promise.all([client.ask("one")]);
    assert(await is_pending(answers, 50), "it serves although it is suspended");
    server.resume();
    await soon(answers);
  });
}

test_each_way(
  "no more are taken in a second than may be, all are served, and nothing spins",
  (way) => way.concurrent,
  async (way) => {
    let turns = 0;
    const per_second = 20;
    const options = { max_accepts_per_second: per_second, max_children: 4 };
    const counting = make_counting(way, LimitHandler, options);
    const service_actions = () => void turns++;
    await using server = serving(Object.assign(counting, { service_actions }));
    // The bucket is full at the start.
    const count = per_second * 2;
    const start = performance.now();
    const answers = Array.from({ length: count }, () => ask(server.server_address, "hello"));
    assertEquals(await soon(Promise.all(answers)), Array(count).fill("HELLO"));
    const took = performance.now() - start;
    assert(took >= 950, `${count} were taken in ${took} ms`);
    assertEquals(server.info().refused, 0);
    assert(turns < 8 * count, `${turns} turns`);
    server.configure({ max_accepts_per_second: Infinity });
    const more = Array.from({ length: 200 }, () => ask(server.server_address, "hello"));
    await soon(Promise.all(more));
    // What was taken meanwhile counts for nothing.
    server.configure({ max_accepts_per_second: 1 });
    assertEquals(await soon(ask(server.server_address, "hello")), "HELLO");
  },
);

const [, async_way] = ALL_WAYS;

Deno.test("configure() takes the settings that can change, and refuses the others; then none is changed", async () => {
  await using server = new AsyncTCPServer(["127.0.0.1", 0], UpperHandler);
  const changes = {
    timeout: 5,
    max_requests: 7,
    overflow: "refuse" as Overflow,
    max_requests_per_client: 3,
    max_accepts_per_second: 100,
    max_connection_age: 1000,
    allow: ["10.0.0.0/8"],
    deny: null,
    request_timeout: 500,
    linger: 0,
  } satisfies Required<ConfigureOptions>;
  server.configure(changes);
  const now = () =>
    Object.fromEntries(Object.keys(changes).map((name) => [name, Reflect.get(server, name)]));
  assertEquals(now(), changes);
  // As a program has it that passes on what it was perhaps told.
  server.configure({ max_requests: undefined } as unknown as ConfigureOptions);
  assertEquals(now(), changes);
  const refused = [
    "bind_and_activate",
    "request_queue_size",
    "allow_reuse_address",
    "allow_reuse_port",
    "max_packet_size",
    "broadcast",
    "multicast_groups",
    "max_workers",
    "max_requests_per_worker",
    "max_children",
    "daemon_threads",
    "block_on_close",
  ];
  for (const name of refused) {
    const options = { max_requests: 1, [name]: true };
    assertThrows(() => server.configure(options), TypeError, `Cannot change ${name}`);
  }
  assertThrows(() => server.configure({ max_requests: 1, linger: -1 }), RangeError, "linger = -1");
  assertThrows(() => server.configure({ max_requests: 1, deny: ["here"] }), RangeError, "deny");
  const unknown = { max_requests: 1, max_request: 1 } as ConfigureOptions;
  assertThrows(() => server.configure(unknown), TypeError, '"max_request"');
  server.configure({});
  assertEquals(now(), changes);
});

test_ways_at_once(
  "a larger max_requests lets those in that wait, a smaller one lets none in until there is room",
  (way) => way.concurrent && !way.relay,
  async (way) => {
    const options = { max_requests: 1, max_children: 4, max_workers: 2 };
    await using server = serving(make_counting(way, LimitHandler, options));
    const answers = Array.from({ length: 6 }, () => ask(server.server_address, "count"));
    await soon(until(() => server.info().accepted === 6 && server.inside === 1));
    assertEquals([server.info().active, server.info().waiting], [1, 5]);
    server.configure({ max_requests: 3 });
    await soon(until(() => server.inside === 3));
    assertEquals([server.info().active, server.info().waiting], [3, 3]);
    server.configure({ max_requests: 1, overflow: "refuse" });
    server.open_gate();
    // Those that wait already are served.
    assertEquals(await soon(Promise.all(answers)), Array(6).fill("COUNT"));
    assertEquals(server.most, 3);
  },
);

test_ways_at_once(
  "a request_timeout that is set while the server serves holds for new requests",
  (way) => way.concurrent && !way.relay,
  async (way) => {
    await using server = serving(make_counting(way, LimitHandler, { max_children: 4 }));
    using old = await LineClient.connect(server.server_address);
    assertEquals(await soon(old.ask("hello")), "HELLO");
    server.configure({ request_timeout: 100 });
    using client = await LineClient.connect(server.server_address);
    assertEquals(await soon(client.line().catch(() => null)), null);
    await soon(until(() => server.info().timed_out === 1));
    assertEquals(await soon(old.ask("still here")), "STILL HERE");
  },
);

test_ways_at_once(
  "handlers see changed settings, in workers that run and in later ones",
  () => true,
  async (way) => {
    const server = make(way, SettingsHandler, { max_workers: 1, max_children: 2, linger: 10 });
    const settings = async () => {
      using client = await LineClient.connect(server.server_address);
      return await client.line();
    };
    await using _serving = serving(server);
    assertEquals(await soon(settings()), "Infinity 10");
    server.configure({ max_requests: 5, linger: 20 });
    assertEquals(await soon(settings()), "5 20");
    assertEquals(
      await soon(Promise.all([settings(), settings(), settings()])),
      Array(3).fill("5 20"),
    );
  },
);

Deno.test("a server that is not bound yet can be suspended and configured", async () => {
  const options = { bind_and_activate: false };
  const server = make(async_way!, UpperHandler, options);
  server.suspend();
  server.configure({ max_requests: 2 });
  await server.server_bind();
  server.server_activate();
  await using _serving = serving(server);
  const answer = ask(server.server_address, "hello");
  assert(await is_pending(answer, 50), "it serves although it is suspended");
  server.resume();
  assertEquals(await soon(answer), "HELLO");
});

for (const Server of [AsyncUnixStreamServer, ThreadingUnixStreamServer]) {
  Deno.test(`${Server.name}: a suspended server serves what has waited when it is resumed`, {
    ignore: Deno.build.os === "windows",
  }, async () => {
    await using folder = await TempFolder.make();
    const server = new Server(folder.join("socket"), UpperHandler, { linger: 10 });
    await using _serving = serving(server);
    for (let round = 0; round < 3; round++) {
      server.suspend();
      await turn();
      using client = await LineClient.connect(server.server_address);
      const answer = client.ask("hello");
      assert(await is_pending(answer, 50), "it serves although it is suspended");
      server.resume();
      assertEquals(await soon(answer), "HELLO");
    }
  });
}
