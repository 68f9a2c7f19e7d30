/** What every TCP server does, in whatever way it runs handlers. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { once } from "node:events";
import net from "node:net";
import {
  AsyncTCPServer,
  StreamRequestHandler,
  type TCPServer,
  ThreadingTCPServer,
} from "../../mod.ts";
import {
  ask,
  connect_and_reset,
  line_or_end,
  LineClient,
  or_end,
} from "../fixtures/clients/clients.ts";
import {
  CommandHandler,
  EchoHandler,
  FloodHandler,
  OneLineHandler,
  UpperHandler,
} from "../fixtures/handlers/handlers.ts";
import { Log, serving } from "../fixtures/servers/serving.ts";
import { make, test_ways, type Way } from "../fixtures/servers/tcp_servers.ts";
import { StandardError } from "../fixtures/tools/standard_error.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

const every = () => true;
const concurrent = (way: Way) => way.concurrent;

/** Notes the errors that a server handles, in place of printing them. */
function with_log<S extends TCPServer>(server: S): S & { log: Log } {
  const log = new Log();
  const handle_error = (_request: unknown, _address: unknown, error: unknown) =>
    log.add_error(error);
  return Object.assign(server, { log, handle_error });
}

test_ways("the same handler answers three clients in turn", every, async (way) => {
  await using server = serving(make(way, UpperHandler));
  for (const line of ["hello", "grüße é", "ß"]) {
    assertEquals(await ask(server.server_address, line), line.toUpperCase());
  }
});

test_ways("100 clients of 20 lines each beside 200 idle ones", concurrent, async (way) => {
  await using server = serving(make(way, UpperHandler));
  const connect = () => LineClient.connect(server.server_address);
  const idle = await Promise.all(Array.from({ length: 200 }, connect));
  await Promise.all(Array.from({ length: 100 }, async (_, client) => {
    using talk = await connect();
    for (let turn = 0; turn < 20; turn++) {
      assertEquals(await talk.ask(`line ${turn} of ${client}`), `LINE ${turn} OF ${client}`);
    }
  }));
  for (const client of idle) assertEquals(await client.ask("idle"), "IDLE");
  for (const client of idle) client[Symbol.dispose]();
});

test_ways("a client that sends all and then FIN gets all answers and FIN", every, async (way) => {
  await using server = serving(make(way, UpperHandler));
  using client = await LineClient.connect(server.server_address);
  await client.conn.write(new TextEncoder().encode("a\nb\nc"));
  await client.conn.closeWrite();
  const answers = [await client.line(), await client.line(), await client.line()];
  assertEquals(answers, ["A", "B", "C"]);
  assertEquals(await client.line(), null);
});

test_ways("8 MiB pass unchanged, both ways at once", every, async (way) => {
  await using server = serving(make(way, EchoHandler));
  const { hostname, port } = server.server_address;
  using conn = await Deno.connect({ hostname, port });
  const sent = crypto.getRandomValues(new Uint8Array(65_536));
  const sending = (async () => {
    for (let block = 0; block < 128; block++) await new Blob([sent]).stream().pipeTo(sink(conn));
    await conn.closeWrite();
  })();
  const received = new Uint8Array(await new Response(conn.readable).arrayBuffer());
  await sending;
  assertEquals(received.length, 128 * sent.length);
  for (let block = 0; block < 128; block++) {
    const part = received.subarray(block * sent.length, (block + 1) * sent.length);
    assert(part.every((byte, at) => byte === sent[at]), `block ${block} differs`);
  }
});

/** Writes whole chunks. */
function sink(conn: Deno.Conn): WritableStream<Uint8Array> {
  return new WritableStream({
    async write(chunk) {
      for (let at = 0; at < chunk.length;) at += await conn.write(chunk.subarray(at));
    },
  });
}

test_ways("a reply is not destroyed by input that nobody read", every, async (way) => {
  await using server = serving(make(way, OneLineHandler));
  using client = await LineClient.connect(server.server_address);
  await client.conn.write(new TextEncoder().encode("first\n" + "x".repeat(200_000)));
  assertEquals(await client.line(), "FIRST");
  assertEquals(await client.line(), null);
});

test_ways(
  "what a read rejects with when the client resets reaches handle_error()",
  every,
  async (way) => {
    await using server = with_log(serving(make(way, EchoHandler)));
    const { hostname, port } = server.server_address;
    const client = net.connect(port, hostname);
    client.write("hello");
    await soon(once(client, "data"));
    client.resetAndDestroy();
    await soon(server.log.until(({ errors }) => errors.length === 1));
    assertInstanceOf(server.log.errors[0], Deno.errors.ConnectionReset);
    await until(() => server.info().failed === 1);
  },
);

test_ways("what a handler throws reaches handle_error() whole", every, async (way) => {
  await using server = with_log(serving(make(way, CommandHandler)));
  using client = await LineClient.connect(server.server_address);
  assertEquals(await client.ask("fail"), null);
  await soon(server.log.until(({ errors }) => errors.length === 1));
  const [error] = server.log.errors;
  assertInstanceOf(error, TypeError);
  assertEquals(error.message, "bad line");
  assert(error.stack?.includes("handlers.ts"), `the stack is not the handler's: ${error.stack}`);
  assertInstanceOf(error.cause, Deno.errors.NotFound);
  assertEquals(await ask(server.server_address, "still here"), "still");
  assertEquals(server.info().failed, 1);
});

test_ways("200 clients that reset leave nothing and print nothing", every, async (way) => {
  using printed = new StandardError();
  {
    await using server = serving(make(way, UpperHandler));
    for (let batch = 0; batch < 10; batch++) {
      await Promise.all(
        Array.from({ length: 20 }, () => connect_and_reset(server.server_address)),
      );
    }
    assertEquals(await ask(server.server_address, "and now"), "AND NOW");
    await until(() => server.info().active === 0);
  }
  assertEquals(await printed.all(), "");
});

test_ways("handlers run at the same time", concurrent, async (way) => {
  await using server = serving(make(way, CommandHandler));
  const clients = await Promise.all(
    Array.from({ length: 5 }, () => LineClient.connect(server.server_address)),
  );
  for (const client of clients) assertEquals(await client.ask("wait"), "waiting");
  assertEquals(server.info().active, 5);
  const closing = server.server_close();
  for (const client of clients) {
    assertEquals(await client.line(), "told");
    client[Symbol.dispose]();
  }
  assertEquals(await closing, { drained: 5, aborted: 0 });
});

test_ways(
  "max_requests is never exceeded, and the rest waits its turn",
  concurrent,
  async (way) => {
    let most = 0;
    const server = serving(make(way, OneLineHandler, { max_requests: 3 }));
    await using _closing = server;
    const watch = setInterval(() => most = Math.max(most, server.info().active));
    const clients = await Promise.all(
      Array.from({ length: 12 }, () => LineClient.connect(server.server_address)),
    );
    await until(() => server.info().accepted === 12);
    const answers = await Promise.all(clients.map((client, n) => client.ask(`n ${n}`)));
    assertEquals(answers, clients.map((_, n) => `N ${n}`));
    clearInterval(watch);
    for (const client of clients) client[Symbol.dispose]();
    assertEquals(most, 3);
  },
);

test_ways(
  "a client that verify_request() refuses sees the end, and others are served",
  every,
  async (way) => {
    const refused = new Set<number>();
    const server = make(way, UpperHandler);
    server.verify_request = (_request, { port }) => refused.size > 0 || !refused.add(port);
    await using _closing = serving(server);
    assertEquals(await or_end(ask(server.server_address, "one")), null);
    assertEquals(await ask(server.server_address, "two"), "TWO");
    assertEquals(server.info().refused, 1);
  },
);

test_ways("overflow goes to handle_overflow(), which may answer", concurrent, async (way) => {
  const server = serving(make(way, CommandHandler, { max_requests: 1, overflow: "refuse" }));
  await using _closing = server;
  Object.assign(server, {
    handle_overflow: (request: Deno.Conn) => request.write(new TextEncoder().encode("full\n")),
  });
  using first = await LineClient.connect(server.server_address);
  assertEquals(await first.ask("me"), format(first));
  using second = await LineClient.connect(server.server_address);
  assertEquals(await second.line(), "full");
  assertEquals(await second.line(), null);
  assertEquals(server.info().refused, 1);
});

function format({ conn: { localAddr } }: LineClient): string {
  return `${localAddr.hostname}:${localAddr.port}`;
}

test_ways("a request beyond request_queue_size is refused", concurrent, async (way) => {
  const options = { max_requests: 1, request_queue_size: 2 };
  await using server = serving(make(way, CommandHandler, options));
  const connect = () => LineClient.connect(server.server_address);
  const clients = [];
  for (let n = 1; n <= 4; n++) {
    clients.push(await connect());
    await until(() => server.info().accepted === n);
  }
  assertEquals(await clients[3]!.line(), null);
  assertEquals(server.info().refused, 1);
  for (const client of clients) client[Symbol.dispose]();
});

test_ways(
  "server_close() ends idle clients at once and lets busy ones reply",
  every,
  async (way) => {
    const server = make(way, CommandHandler);
    const loop = server.serve_forever();
    using busy = await LineClient.connect(server.server_address);
    assertEquals(await busy.ask("wait"), "waiting");
    using idle = await LineClient.connect(server.server_address);
    if (way.concurrent) assertEquals(await idle.ask("hello"), "hello");
    const start = performance.now();
    const closing = server.server_close({ grace: 15_000 });
    assertEquals(await busy.line(), "told");
    if (way.concurrent) assertEquals(await idle.line(), null);
    assertEquals(await closing, { drained: way.concurrent ? 2 : 1, aborted: 0 });
    assert(performance.now() - start < 10_000, "it waited for the whole grace");
    await soon(loop);
  },
);

test_ways("server_close() cuts what has not ended after its grace", every, async (way) => {
  const server = make(way, CommandHandler);
  const loop = server.serve_forever();
  using stuck = await LineClient.connect(server.server_address);
  assertEquals(await stuck.ask("hang"), "hanging");
  assertEquals(await soon(server.server_close({ grace: 50 })), { drained: 0, aborted: 1 });
  assertEquals(await line_or_end(stuck), null);
  await soon(loop);
});

test_ways("a half-read line may be completed while the server closes", every, async (way) => {
  const server = make(way, UpperHandler);
  const loop = server.serve_forever();
  using client = await LineClient.connect(server.server_address);
  assertEquals(await client.ask("one"), "ONE");
  await client.conn.write(new TextEncoder().encode("tw"));
  // A second client's answer says that the first one's bytes were read by then, or soon are.
  if (way.concurrent) assertEquals(await ask(server.server_address, "other"), "OTHER");
  await new Promise((resolve) => setTimeout(resolve, 50));
  const closing = server.server_close();
  await client.send("o");
  assertEquals(await client.line(), "TWO");
  assertEquals(await client.line(), null);
  await soon(closing);
  await soon(loop);
});

test_ways("shutdown() from a handler stops serving and the answer arrives", every, async (way) => {
  await using server = make(way, CommandHandler);
  const loop = server.serve_forever();
  assertEquals(await ask(server.server_address, "shutdown"), "shutdown");
  await soon(loop);
  assertEquals(server.info().state, "idle");
});

test_ways("the server can be used again after shutdown()", every, async (way) => {
  await using server = make(way, UpperHandler);
  for (const line of ["one", "two"]) {
    const loop = server.serve_forever();
    assertEquals(await ask(server.server_address, line), line.toUpperCase());
    await soon(server.shutdown());
    await soon(loop);
  }
  const served = server.handle_request();
  assertEquals(await ask(server.server_address, "three"), "THREE");
  await served;
});

test_ways("the port is free as soon as server_close() has resolved", every, async (way) => {
  const server = make(way, UpperHandler);
  const loop = server.serve_forever();
  assertEquals(await ask(server.server_address, "one"), "ONE");
  await soon(server.server_close());
  await soon(loop);
  const { hostname, port } = server.server_address;
  Deno.listen({ hostname, port }).close();
});

test_ways("handlers see the server's address, its settings and its state", every, async (way) => {
  const server = serving(make(way, CommandHandler, { request_queue_size: 77 }));
  await using _closing = server;
  using client = await LineClient.connect(server.server_address);
  assertEquals(await client.ask("port"), `${server.server_address.port}`);
  assertEquals(await client.ask("queue"), "77");
  assertEquals(await client.ask("state"), "serving");
  assertEquals(await client.ask("me"), format(client));
});

test_ways("a connection is not closed by what a handler leaves unread", every, async (way) => {
  await using server = serving(make(way, OneLineHandler, { linger: 50 }));
  using client = await LineClient.connect(server.server_address);
  assertEquals(await client.ask("one"), "ONE");
  assertEquals(await client.line(), null);
  await until(() => server.info().active === 0);
});

Deno.test("AsyncTCPServer: the signal aborts when a read shows that the client is gone", async () => {
  const gone = Promise.withResolvers<unknown>();
  class Waiting extends StreamRequestHandler {
    override async handle(): Promise<void> {
      this.signal.addEventListener("abort", () => gone.resolve(this.signal.reason));
      await this.rfile.readline().catch(() => {});
      await gone.promise;
    }
  }
  await using server = serving(new AsyncTCPServer(["127.0.0.1", 0], Waiting));
  const { hostname, port } = server.server_address;
  const socket = net.connect(port, hostname);
  await until(() => server.info().active === 1);
  socket.resetAndDestroy();
  assertInstanceOf(await gone.promise, Deno.errors.ConnectionReset);
});

test_ways(
  "a reply that nobody reads is kept for no longer than linger",
  concurrent,
  async (way) => {
    await using server = serving(make(way, FloodHandler, { linger: 100 }));
    using client = await LineClient.connect(server.server_address);
    await until(() => server.info().completed === 1);
    const start = performance.now();
    assertEquals((await soon(server.server_close({ grace: 15_000 }))).aborted, 0);
    assert(performance.now() - start < 10_000, "it was kept until the grace was over");
    await client.conn.read(new Uint8Array(1));
  },
);

test_ways(
  "what a client sent before server_close() is answered",
  (way) => !way.relay,
  async (way) => {
    for (let round = 0; round < 5; round++) {
      await using server = serving(make(way, UpperHandler));
      using client = await LineClient.connect(server.server_address);
      assertEquals(await soon(client.ask("first")), "FIRST");
      await client.send("second");
      const closing = server.server_close();
      assertEquals(await soon(client.line()), "SECOND");
      assertEquals(await soon(client.line()), null);
      assertEquals(await soon(closing), { drained: 1, aborted: 0 });
    }
  },
);

Deno.test("ThreadingTCPServer: a client that never stops asking does not hold up another one", async () => {
  const options = { max_workers: 1, linger: 100 };
  await using server = serving(new ThreadingTCPServer(["127.0.0.1", 0], UpperHandler, options));
  const { hostname, port } = server.server_address;
  const greedy = await Deno.connect({ hostname, port });
  using client = await LineClient.connect(server.server_address);
  assertEquals(await soon(client.ask("hello")), "HELLO");
  const asking = ask_for_ever(greedy);
  for (let turn = 0; turn < 5; turn++) assertEquals(await soon(client.ask("hello")), "HELLO");
  greedy.close();
  await asking;
});

/** Asks more than can be answered, and reads what is, until the connection is closed. */
async function ask_for_ever(conn: Deno.Conn): Promise<void> {
  const lines = new TextEncoder().encode("more\n".repeat(10_000));
  const buffer = new Uint8Array(65_536);
  const write = async () => {
    for (;;) await conn.write(lines);
  };
  const read = async () => {
    for (;;) await conn.read(buffer);
  };
  await Promise.allSettled([write(), read()]);
}
