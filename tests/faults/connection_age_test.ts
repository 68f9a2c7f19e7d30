/** `max_connection_age`: who sees the end, who may finish, and who is cut. */
import { assert, assertEquals } from "@std/assert";
import { AsyncTCPServer, type BaseServer, StreamRequestHandler } from "../../mod.ts";
import { ask, line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import { DrainHandler } from "../fixtures/handlers/drain_handlers.ts";
import { LimitHandler, ObedientHandler } from "../fixtures/handlers/limit_handlers.ts";
import { make_counting, test_ways_at_once } from "../fixtures/servers/all_ways.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { SharedSocket } from "../fixtures/servers/shared_socket.ts";
import { bytes_of } from "../fixtures/tools/bytes.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

/** An age, in ms, that nobody reaches only because the machine is busy. */
const AGE = 3000;

/** What became of the requests, when all are over. */
async function outcomes(server: BaseServer): Promise<Record<string, number>> {
  await soon(until(() => server.info().active === 0 && server.info().waiting === 0));
  const { completed, failed, timed_out, refused } = server.info();
  return { completed, failed, timed_out, refused };
}

test_ways_at_once(
  "an old connection that is idle sees the end, a busy or half-read one finishes",
  (way) => way.concurrent,
  async (way) => {
    const options = { max_children: 4, linger: 50 };
    await using server = serving(make_counting(way, DrainHandler, options));
    // What a child takes to start is not to count.
    await Promise.all(Array.from({ length: 3 }, () => ask(server.server_address, "bye")));
    await soon(until(() => server.info().completed === 3));
    server.configure({ max_connection_age: AGE });
    const start = performance.now();
    using idle = await LineClient.connect(server.server_address);
    assertEquals(await soon(idle.ask("hello")), "hello");
    using busy = await LineClient.connect(server.server_address);
    assertEquals(await soon(busy.ask("busy")), "busy");
    using half = await LineClient.connect(server.server_address);
    await half.conn.write(bytes_of("whole\nremai"));
    assertEquals(await soon(half.line()), "whole");
    assertEquals(await soon(idle.line()), null);
    const took = performance.now() - start;
    assert(took >= AGE * 0.9 - 1, `the end came after ${took} ms`);
    assertEquals(await soon(busy.line()), "told: TimedOut");
    assertEquals(await soon(busy.line()), null);
    await soon(until(() => server.info().completed === 5));
    assertEquals(await soon(half.ask("nder")), "remainder");
    assertEquals(await soon(half.line()), null);
    assertEquals(await outcomes(server), { completed: 6, failed: 0, timed_out: 0, refused: 0 });
    assertEquals(server.log.errors, []);
  },
);

test_ways_at_once(
  "one that goes on is cut five seconds later, and its neighbours are not",
  (way) => way.concurrent && !way.relay,
  async (way) => {
    const options = { max_children: 4, linger: 50 };
    await using server = serving(make_counting(way, LimitHandler, options));
    assertEquals(await soon(ask(server.server_address, "hello")), "HELLO");
    server.configure({ max_connection_age: AGE });
    using stuck = await LineClient.connect(server.server_address);
    assertEquals(await soon(stuck.ask("ignore")), "ignoring");
    const start = performance.now();
    await soon(server.log.until((log) => log.entries.includes("aborted")));
    server.configure({ max_connection_age: null });
    using neighbour = await LineClient.connect(server.server_address);
    assertEquals(await soon(neighbour.ask("hello")), "HELLO");
    assertEquals(await soon(line_or_end(stuck)), null);
    const took = performance.now() - start;
    assert(took >= 4900, `it was cut after ${took} ms`);
    await soon(until(() => server.info().failed === 1));
    assertEquals(await soon(neighbour.ask("again")), "AGAIN");
    assertEquals(server.info().timed_out, 0);
  },
);

test_ways_at_once(
  "a sequential server ends an old connection, and takes the next one",
  (way) => !way.concurrent,
  async (way) => {
    const options = { max_connection_age: 50 };
    await using server = serving(make_counting(way, DrainHandler, options));
    for (let n = 0; n < 3; n++) {
      using idle = await LineClient.connect(server.server_address);
      assertEquals(await soon(idle.line()), null);
    }
    assertEquals(await outcomes(server), { completed: 3, failed: 0, timed_out: 0, refused: 0 });
  },
);

Deno.test("many that came at once do not end at once", async () => {
  const age = 1000;
  const server = new AsyncTCPServer(["127.0.0.1", 0], DrainHandler, { max_connection_age: age });
  await using _serving = serving(server);
  const clients = await Promise.all(
    Array.from({ length: 50 }, () => LineClient.connect(server.server_address)),
  );
  await soon(until(() => server.info().active === 50));
  const ends = await Promise.all(clients.map(async (client) => {
    assertEquals(await soon(client.line()), null);
    client[Symbol.dispose]();
    return performance.now();
  }));
  const spread = Math.max(...ends) - Math.min(...ends);
  assert(spread >= age * 0.05, `all ended within ${spread} ms`);
});

test_ways_at_once(
  "a handler that throws the reason of its end has failed, and is not reported",
  (way) => way.concurrent,
  async (way) => {
    const options = { max_connection_age: 20 };
    await using server = serving(make_counting(way, ObedientHandler, options));
    using client = await LineClient.connect(server.server_address);
    assertEquals(await soon(client.line()), null);
    await soon(until(() => server.info().failed === 1));
    assertEquals(await outcomes(server), { completed: 0, failed: 1, timed_out: 0, refused: 0 });
    assertEquals(server.log.errors, []);
  },
);

Deno.test("server_close() gives an old connection its own grace", async () => {
  const options = { max_connection_age: 500 };
  const server = new AsyncTCPServer(["127.0.0.1", 0], DrainHandler, options);
  const loop = server.serve_forever();
  using busy = await LineClient.connect(server.server_address);
  assertEquals(await soon(busy.ask("busy")), "busy");
  assertEquals(await soon(busy.line()), "told: TimedOut");
  assertEquals(await soon(server.server_close()), { drained: 1, aborted: 0 });
  await soon(loop);
});

/** Answers a line after a while, whatever it is told meanwhile. */
class BusyHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    await this.rfile.readline();
    await new Promise((resolve) => setTimeout(resolve, 400));
    await this.wfile.write("done\n");
  }
}

Deno.test("when a server closes its grace counts and no age, also for what it has yet to serve", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using socket = await SharedSocket.listen();
  const server = new AsyncTCPServer(["127.0.0.1", 0], BusyHandler, {
    inherit: socket.descriptor(),
    max_requests: 1,
    max_connection_age: 200,
  });
  const loop = server.serve_forever();
  const answers = Promise.all(["one", "two"].map((word) => ask(server.server_address, word)));
  await soon(until(() => server.info().active === 1 && server.info().waiting === 1));
  const closing = server.server_close({ grace: 20_000 });
  assertEquals(await soon(answers), ["done", "done"]);
  await soon(closing);
  await soon(loop);
  assertEquals(await outcomes(server), { completed: 2, failed: 0, timed_out: 0, refused: 0 });
});
