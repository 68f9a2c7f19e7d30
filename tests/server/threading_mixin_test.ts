/** What only servers with workers do. */
import { fileURLToPath } from "node:url";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  BaseRequestHandler,
  type ServerInfo,
  StreamRequestHandler,
  ThreadingTCPServer,
} from "../../mod.ts";
import { ask, line_or_end, LineClient, or_end } from "../fixtures/clients/clients.ts";
import DefaultHandler, { CommandHandler, UpperHandler } from "../fixtures/handlers/handlers.ts";
import { LOST } from "../fixtures/handlers/lost_handlers.ts";
import { ready } from "../fixtures/servers/ready.ts";
import { Log, serving } from "../fixtures/servers/serving.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";
import { output_of } from "../fixtures/programs/programs.ts";

const HERE: [string, number] = ["127.0.0.1", 0];

/** A server with state and methods for handlers to use, and a log of its errors. */
class ObservedServer extends ThreadingTCPServer {
  static greeting = "hello from the class";
  static override max_workers = 2;
  static override linger = 200;
  count = 0;
  readonly log: Log = new Log();

  add(amount: number): number {
    return this.count += amount;
  }

  break(): void {
    throw new RangeError("broken on purpose");
  }

  override handle_error(_request: unknown, _address: unknown, error: unknown): void {
    this.log.add_error(error);
  }
}

/** The first `n` clients, each on a worker of its own where there are enough. */
async function clients(server: ObservedServer, n: number): Promise<LineClient[]> {
  const connected = [];
  for (let at = 0; at < n; at++) {
    const client = await LineClient.connect(server.server_address);
    await client.ask("hello");
    connected.push(client);
  }
  return connected;
}

Deno.test("ThreadingMixIn: connections go to the worker with the least to do", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  await ready(server);
  const connected = await clients(server, 6);
  assertEquals(server.info().workers!.map(({ active }) => active), [3, 3]);
  for (const client of connected) client[Symbol.dispose]();
});

Deno.test("ThreadingMixIn: this.server has the class's statics and calls the server's methods", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  const [one, other] = await clients(server, 2);
  assertEquals(await one!.ask("greeting"), "hello from the class");
  assertEquals(await one!.ask("add 3"), "3");
  assertEquals(await other!.ask("add 4"), "7");
  assertEquals(server.count, 7);
  for (const client of [one!, other!]) client[Symbol.dispose]();
});

Deno.test("ThreadingMixIn: what a method of the server throws reaches the handler's await", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  assertEquals(await ask(server.server_address, "break"), null);
  await soon(server.log.until(({ errors }) => errors.length > 0));
  assertInstanceOf(server.log.errors[0], RangeError);
  assertEquals(server.log.errors[0].message, "broken on purpose");
});

Deno.test("ThreadingMixIn: a field of the server read in a worker is an error that says what to do", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler));
  assertEquals(await ask(server.server_address, "count"), null);
  await soon(server.log.until(({ errors }) => errors.length > 0));
  const { message } = server.log.errors[0] as Error;
  assert(message.includes("server.count") && message.includes("method"), message);
});

/** Ways for a worker to end, and whether the program says why. */
const ENDS: Record<string, string | undefined> = {
  stray: "stray",
  late: "late",
  exit: undefined,
};
for (const [command, cause] of Object.entries(ENDS)) {
  Deno.test(`ThreadingMixIn: a worker that ends by "${command}" loses only its own requests`, async () => {
    await using server = serving(new ObservedServer(HERE, CommandHandler));
    await ready(server);
    const [victim, neighbour, mate] = await clients(server, 3);
    assertEquals(await victim!.ask(command), null);
    assertEquals(await or_end(mate!.ask("hello")), null);
    assertEquals(await neighbour!.ask("hello"), "hello");
    await soon(server.log.until(({ errors }) => errors.length === 2));
    for (const error of server.log.errors) {
      assert((error as Error).message.includes("ended while it handled the request"));
      assertEquals(((error as Error).cause as Error | undefined)?.message, cause);
    }
    await until(() => server.info().workers!.filter(({ state }) => state === "ready").length === 2);
    assertEquals(await ask(server.server_address, "hello"), "hello");
    for (const client of [victim!, neighbour!, mate!]) client[Symbol.dispose]();
    await until(() => server.info().active === 0);
    assertEquals(server.info().failed, 2);
  });
}

Deno.test("ThreadingMixIn: requests behind one that computes go to other workers", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler, { max_workers: 2 }));
  await ready(server);
  using stuck = await LineClient.connect(server.server_address);
  assertEquals(await stuck.ask("loop"), "looping");
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => ask(server.server_address, "hello")),
  );
  assertEquals(answers, Array(10).fill("hello"));
  await until(() => server.info().active === 1);
  assertEquals(await soon(server.server_close({ grace: 50 })), { drained: 0, aborted: 1 });
  assertEquals(await line_or_end(stuck), null);
});

Deno.test("ThreadingMixIn: request_timeout kills a worker that computes for ever", async () => {
  const options = { request_timeout: 500, max_requests_per_worker: 1 };
  await using server = serving(new ObservedServer(HERE, CommandHandler, options));
  await ready(server);
  using stuck = await LineClient.connect(server.server_address);
  assertEquals(await stuck.ask("loop"), "looping");
  assertEquals(await line_or_end(stuck), null);
  await until(() => server.info().active === 0);
  const { timed_out, failed } = server.info();
  assertEquals({ timed_out, failed }, { timed_out: 1, failed: 0 });
  assertInstanceOf(server.log.errors[0], Deno.errors.TimedOut);
  // Its clock would run while a worker starts.
  server.request_timeout = null;
  assertEquals(await ask(server.server_address, "hello"), "hello");
});

Deno.test("ThreadingMixIn: request_timeout spares the worker of a handler that obeys its signal", async () => {
  await using server = serving(new ObservedServer(HERE, CommandHandler, { request_timeout: 500 }));
  await ready(server);
  const before = server.info().workers!.map(({ id }) => id);
  using client = await LineClient.connect(server.server_address);
  assertEquals(await client.ask("wait"), "waiting");
  await until(() => server.info().timed_out === 1 && server.info().active === 0);
  assertEquals(server.info().workers!.map(({ id }) => id), before);
  assertEquals(server.log.errors.length, 1);
});

for (
  const [what, begun] of [
    ["is loaded what workers take", () => true],
    ["the workers start", ({ workers }: ServerInfo) => workers!.length > 0],
  ] as const
) {
  Deno.test(`ThreadingMixIn: server_close() while ${what} ends serve_forever() quietly`, async () => {
    const server = new ObservedServer(HERE, UpperHandler);
    const loop = server.serve_forever();
    await until(() => begun(server.info()));
    assertEquals(await soon(server.server_close()), { drained: 0, aborted: 0 });
    await soon(loop);
    assertEquals(server.info().workers, []);
    assertEquals(server.log.errors, []);
  });
}

Deno.test("ThreadingMixIn: max_requests_per_worker 1 gives each request a worker to itself", async () => {
  await using server = serving(
    new ObservedServer(HERE, CommandHandler, { max_requests_per_worker: 1 }),
  );
  const [one, other] = await clients(server, 2);
  using third = await LineClient.connect(server.server_address);
  await until(() => server.info().accepted === 3);
  assertEquals(server.info().workers!.map(({ active }) => active), [1, 1]);
  one![Symbol.dispose]();
  assertEquals(await third.ask("hello"), "hello");
  other![Symbol.dispose]();
});

Deno.test("ThreadingMixIn: handle_request() starts the workers and hands one request over", async () => {
  await using server = new ObservedServer(HERE, UpperHandler);
  const handled = server.handle_request();
  using client = await LineClient.connect(server.server_address);
  assertEquals(await client.ask("one"), "ONE");
  await handled;
  assertEquals(server.info().active, 1);
});

Deno.test("ThreadingMixIn: a server that is closed without serving starts nothing", async () => {
  const server = new ObservedServer(HERE, UpperHandler);
  assertEquals(await soon(server.server_close()), { drained: 0, aborted: 0 });
});

Deno.test("ThreadingMixIn: block_on_close false closes the listener and does not wait", async () => {
  const server = new ObservedServer(HERE, CommandHandler, { block_on_close: false });
  const loop = server.serve_forever();
  using client = await LineClient.connect(server.server_address);
  assertEquals(await client.ask("hang"), "hanging");
  assertEquals(await soon(server.server_close({ grace: 100 })), { drained: 0, aborted: 0 });
  assertEquals(server.info().state, "stopping");
  await soon(loop);
  assertEquals(await line_or_end(client), null);
  await until(() => server.info().state === "closed");
});

Deno.test("ThreadingMixIn: the default export is taken where no export has the name", async () => {
  await using server = serving(new ObservedServer(HERE, DefaultHandler));
  using client = await LineClient.connect(server.server_address);
  assertEquals(await client.line(), "default");
});

Deno.test("ThreadingMixIn: a handler is found in the main module, with only the permissions named", async () => {
  const program = fileURLToPath(
    new URL("../fixtures/programs/main_module_server.ts", import.meta.url),
  );
  const flags = ["--no-prompt", "--allow-net=127.0.0.1", "--allow-read"];
  const printed = await output_of(Deno.execPath(), ["run", ...flags, program]);
  assertEquals(printed, "found in the main module\n");
});

for (const [Handler, words] of LOST) {
  Deno.test(`ThreadingMixIn: serve_forever() rejects for a handler that is lost: ${words[0]}`, async () => {
    await using server = new ObservedServer(HERE, Handler);
    const error = await assertRejects(() => server.serve_forever(), TypeError);
    for (const word of words) {
      assert(error.message.includes(word), `no "${word}": ${error.message}`);
    }
    assertEquals(server.log.errors, []);
    assertEquals(server.info().state, "idle");
  });
}

Deno.test("ThreadingMixIn: a handler class without a name is refused", async () => {
  await using server = new ObservedServer(HERE, class extends BaseRequestHandler {});
  await assertRejects(() => server.serve_forever(), TypeError, "name");
});

Deno.test("ThreadingMixIn: an override of finish_request() is refused, and leaves no listener", async () => {
  class Finishing extends ThreadingTCPServer {
    override async finish_request(): Promise<void> {}
  }
  const { hostname, port } = free_address();
  assertThrows(
    () => new Finishing([hostname, port], UpperHandler),
    TypeError,
    "Finishing.finish_request()",
  );
  await using server = new ThreadingTCPServer([hostname, port], UpperHandler);
  assertEquals(server.server_address.port, port);
});

function free_address(): Deno.NetAddr {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr;
}

Deno.test("ThreadingMixIn: no worker is started in the place of one that server_close() killed", async () => {
  const server = new ObservedServer(HERE, CommandHandler);
  const loop = server.serve_forever();
  using stuck = await LineClient.connect(server.server_address);
  assertEquals(await stuck.ask("loop"), "looping");
  assertEquals(await soon(server.server_close({ grace: 50 })), { drained: 0, aborted: 1 });
  await soon(loop);
  assertEquals(server.info().workers, []);
  assertEquals(await line_or_end(stuck), null);
});

Deno.test("ThreadingMixIn: a request that timed out before a worker took it is never handled", async () => {
  const options = { max_workers: 1, request_timeout: 600 };
  await using server = serving(new ObservedServer(HERE, CommandHandler, options));
  await ready(server);
  using stuck = await LineClient.connect(server.server_address);
  assertEquals(await stuck.ask("loop"), "looping");
  using late = await LineClient.connect(server.server_address);
  await late.send("loop");
  assertEquals(await line_or_end(late), null);
  await until(() => server.info().active === 0);
  assertEquals(server.info().timed_out, 2);
  server.request_timeout = null;
  assertEquals(await ask(server.server_address, "hello"), "hello");
});

Deno.test("ThreadingMixIn: workers that end as soon as they are ready come back slowly, with a report", async () => {
  class ShortLived extends BaseRequestHandler {
    static override module = new URL("../fixtures/handlers/short_lived.ts", import.meta.url).href;
  }
  const server = serving(new ObservedServer(HERE, ShortLived));
  await using _closing = server;
  await soon(server.log.until(({ errors }) => errors.length > 0));
  assertEquals((server.log.errors[0] as Error).message, "short-lived");
  await new Promise((resolve) => setTimeout(resolve, 500));
  const ids = server.info().workers!.map(({ id }) => id);
  assert(Math.max(0, ...ids) < 10, `${ids} were started`);
  assertEquals(server.log.errors.length, 1);
});

Deno.test("ThreadingMixIn: a finish_request() that is a field is refused when serving starts", async () => {
  class Field extends ThreadingTCPServer {
    override finish_request = async () => {};
  }
  await using server = new Field(HERE, UpperHandler);
  await assertRejects(() => server.serve_forever(), TypeError, "Field.finish_request()");
});

/** Is not what its module exports as its default. */
class HiddenHandler extends StreamRequestHandler {
  static override module = DefaultHandler.module!;
}

Deno.test("ThreadingMixIn: a default export of another name is another handler", async () => {
  await using server = new ObservedServer(HERE, HiddenHandler);
  const error = await assertRejects(() => soon(server.serve_forever()), TypeError);
  assertStringIncludes(error.message, "does not export it");
});
