/** Overrides of `process_request()` that hand on another request, later, or none. */
import { assert, assertEquals } from "@std/assert";
import {
  AsyncTCPServer,
  BaseRequestHandler,
  DatagramRequestHandler,
  StreamRequestHandler,
  StreamSocket,
  type TCPRequest,
  TCPServer,
} from "../../../mod.ts";
import { exchange_of } from "../../../server/requests/exchange.ts";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import { DatagramClient } from "../../fixtures/clients/datagrams.ts";
import { test_udp } from "../../fixtures/servers/udp_servers.ts";
import { type Item, ItemServer } from "../../fixtures/servers/items.ts";
import { Noting } from "../../fixtures/servers/noting.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { is_pending, soon, turn, until } from "../../fixtures/tools/waiting.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const NONE_LEFT = { drained: 0, aborted: 0 };
const OPTIONS = { linger: 100 };

/** As decrypting does, it takes turns of the event loop. */
async function think(): Promise<void> {
  await crypto.subtle.digest("SHA-1", new Uint8Array(1));
}

class PacketHandler extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    await this.wfile.write(this.packet);
  }
}

class EchoHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    await this.wfile.write(await this.rfile.readline());
  }
}

class SilentHandler extends BaseRequestHandler<ItemServer, string, string> {}

test_udp(
  "process_request() that awaits and hands on another datagram is never deaf",
  async (way) => {
    await using server = serving(way.make(PacketHandler, { request_queue_size: 20 }));
    const { process_request } = server;
    server.process_request = async ([packet, socket], address) => {
      const plain = packet.slice();
      await think();
      await Reflect.apply(process_request, server, [[plain, socket], address]);
    };
    using client = new DatagramClient(server.server_address);
    for (let number = 1; number <= 60; number++) {
      assertEquals(
        await client.ask(`${number}`),
        `${number}`,
      );
    }
    await soon(until(() => server.info().completed === 60));
    assertEquals(await server.server_close(), NONE_LEFT);
    const { accepted, refused, active } = server.info();
    assertEquals({ accepted, refused, active }, { accepted: 60, refused: 0, active: 0 });
  },
);

test_udp(
  "process_request() that drops datagrams by returning makes no server deaf",
  async (way) => {
    await using server = serving(way.make(PacketHandler, { request_queue_size: 20 }));
    const { process_request } = server;
    server.process_request = async (request, address) => {
      if (request[0][0] === 120) return await think(); // "x"
      await Reflect.apply(process_request, server, [request, address]);
    };
    using client = new DatagramClient(server.server_address);
    for (let number = 1; number <= 30; number++) {
      await client.send("x");
      assertEquals(await client.ask(`${number}`), `${number}`);
    }
    await soon(until(() => server.info().completed === 30));
    assertEquals(await server.server_close(), NONE_LEFT);
    assertEquals(server.info().refused, 30);
  },
);

for (const Server of [TCPServer, AsyncTCPServer]) {
  Deno.test(`${Server.name}: process_request() that awaits and wraps leaves no request behind`, async () => {
    class Wrapping extends Noting(Server) {
      override async process_request(request: TCPRequest, address: Deno.NetAddr): Promise<void> {
        await think();
        await super.process_request(new StreamSocket(request), address);
      }
    }
    await using server = serving(new Wrapping(HERE, EchoHandler, OPTIONS));
    for (let number = 0; number < 10; number++) {
      using client = await LineClient.connect(server.server_address);
      assertEquals(await soon(client.ask(`${number}`)), `${number}`);
    }
    await soon(until(() => server.info().completed === 10));
    assertEquals(await server.server_close(), NONE_LEFT);
    assertEquals(server.info().accepted, 10);
    assertEquals(server.log.errors, []);
  });

  for (const how of ["at once", "after an await", "as a field"]) {
    Deno.test(`${Server.name}: a connection that process_request() drops ${how} is closed and refused`, async () => {
      const drop: Record<string, () => void | Promise<void>> = {
        "at once": () => {},
        "after an await": think,
        "as a field": think,
      };
      class Dropping extends Noting(Server) {}
      const server = serving(new Dropping(HERE, EchoHandler, OPTIONS));
      await using _closing = server;
      if (how === "as a field") server.process_request = drop[how]!;
      else Object.assign(Dropping.prototype, { process_request: drop[how] });
      for (let number = 0; number < 3; number++) {
        using client = await LineClient.connect(server.server_address);
        assertEquals(await line_or_end(client), null);
      }
      await soon(until(() => server.info().refused === 3));
      assertEquals(await server.server_close(), NONE_LEFT);
      const { accepted, completed, active } = server.info();
      assertEquals({ accepted, completed, active }, { accepted: 3, completed: 0, active: 0 });
    });
  }

  Deno.test(`${Server.name}: a request that is kept with run_request() waits for its finish`, async () => {
    const gate = Promise.withResolvers<void>();
    class Keeping extends Noting(Server) {
      override process_request(request: TCPRequest, address: Deno.NetAddr): void {
        const finish = async () => {
          await gate.promise;
          await this.finish_request(request, address);
        };
        void this.run_request(request, address, finish);
      }
    }
    await using server = serving(new Keeping(HERE, EchoHandler, OPTIONS));
    const clients = [];
    for (let number = 0; number < 3; number++) {
      clients.push(await LineClient.connect(server.server_address));
    }
    const answers = Promise.all(clients.map((client, at) => client.ask(`${at}`)));
    await soon(until(() => server.info().active === 3));
    assert(await is_pending(answers, 20));
    gate.resolve();
    assertEquals(await soon(answers), ["0", "1", "2"]);
    for (const client of clients) client[Symbol.dispose]();
    await soon(until(() => server.info().completed === 3));
    assertEquals(server.info().refused, 0);
  });
}

Deno.test("AsyncTCPServer: the signal of a request is its own, whichever request started what runs it", async () => {
  const signals: AbortSignal[] = [];
  const wrappers: TCPRequest[] = [];
  class SignalHandler extends EchoHandler {
    override async handle(): Promise<void> {
      signals.push(this.signal);
      await super.handle();
    }
  }
  /** Its only consumer starts in the first request, and runs those of all. */
  class Consuming extends Noting(AsyncTCPServer) {
    #kept: (() => Promise<void>)[] = [];
    #wake: (() => void) | undefined;

    override async process_request(request: TCPRequest, address: Deno.NetAddr): Promise<void> {
      const { promise: run, resolve } = Promise.withResolvers<void>();
      const finish = () => {
        const wrapper = new StreamSocket(request);
        wrappers.push(wrapper);
        return this.finish_request(wrapper, address);
      };
      this.#kept.push(async () => {
        void this.run_request(request, address, finish);
        resolve();
        await turn();
      });
      if (wrappers.length === 0) void this.#consume();
      this.#wake?.();
      await run;
    }

    async #consume(): Promise<void> {
      for (let run = 0; run < 3;) {
        for (const start of this.#kept.splice(0)) {
          await start();
          run++;
        }
        if (run < 3 && this.#kept.length === 0) {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
      }
    }
  }
  await using server = serving(new Consuming(HERE, SignalHandler, OPTIONS));
  {
    using first = await LineClient.connect(server.server_address);
    assertEquals(await soon(first.ask("first")), "first");
  }
  await soon(until(() => server.info().completed === 1));
  using _second = await LineClient.connect(server.server_address);
  await soon(until(() => signals.length === 2));
  using _third = await LineClient.connect(server.server_address);
  await soon(until(() => signals.length === 3));
  assertEquals(await server.server_close(), { drained: 2, aborted: 0 });
  assertEquals(signals.map(({ aborted }) => aborted), [false, true, true]);
  assertEquals(wrappers.map(exchange_of), [undefined, undefined, undefined]);
});

Deno.test("TCPServer: finish_request() that wraps when the request is over holds nothing", async () => {
  const late: TCPRequest[] = [];
  const gate = Promise.withResolvers<void>();
  class Late extends Noting(AsyncTCPServer) {
    override async finish_request(request: TCPRequest, address: Deno.NetAddr): Promise<void> {
      await gate.promise;
      const wrapper = new StreamSocket(request);
      late.push(wrapper);
      await super.finish_request(wrapper, address);
    }
  }
  await using server = serving(new Late(HERE, EchoHandler, { ...OPTIONS, request_timeout: 50 }));
  using client = await LineClient.connect(server.server_address);
  await soon(until(() => server.info().timed_out === 1));
  gate.resolve();
  await soon(until(() => late.length === 1));
  await turn();
  assertEquals(late.map(exchange_of), [undefined]);
  assertEquals(server.info().active, 0);
  assertEquals(await line_or_end(client), null);
});

for (const how of ["another object", "the same object"]) {
  Deno.test(`AsyncTCPServer: ${how} that process_request() hands on too late is not handled`, async () => {
    let handled = 0;
    class CountingHandler extends StreamRequestHandler {
      override handle(): void {
        handled++;
      }
    }
    const gate = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    class Late extends Noting(AsyncTCPServer) {
      override async process_request(request: TCPRequest, address: Deno.NetAddr): Promise<void> {
        await gate.promise;
        const next = how === "the same object" ? request : new StreamSocket(request);
        await super.process_request(next, address);
        over.resolve();
      }
    }
    const options = { ...OPTIONS, request_timeout: 50 };
    await using server = serving(new Late(HERE, CountingHandler, options));
    using client = await LineClient.connect(server.server_address);
    await soon(until(() => server.info().timed_out === 1));
    assertEquals(await line_or_end(client), null);
    gate.resolve();
    await soon(over.promise);
    await turn();
    assertEquals(await server.server_close(), NONE_LEFT);
    const { accepted, completed, failed, timed_out, active } = server.info();
    assertEquals({ accepted, completed, failed, timed_out, active }, {
      accepted: 1,
      completed: 0,
      failed: 0,
      timed_out: 1,
      active: 0,
    });
    assertEquals(handled, 0);
  });
}

Deno.test("AsyncTCPServer: a dropped connection that is handed on afterwards is not handled", async () => {
  const gate = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  class Late extends Noting(AsyncTCPServer) {
    override process_request(request: TCPRequest, address: Deno.NetAddr): void {
      void this.#later(request, address);
    }

    async #later(request: TCPRequest, address: Deno.NetAddr): Promise<void> {
      await gate.promise;
      await super.process_request(new StreamSocket(request), address);
      over.resolve();
    }
  }
  await using server = serving(new Late(HERE, EchoHandler, OPTIONS));
  using client = await LineClient.connect(server.server_address);
  assertEquals(await line_or_end(client), null);
  gate.resolve();
  await soon(over.promise);
  await soon(until(() => server.info().refused === 1));
  await turn();
  const { accepted, completed, failed, refused } = server.info();
  assertEquals({ accepted, completed, failed, refused }, {
    accepted: 1,
    completed: 0,
    failed: 0,
    refused: 1,
  });
});

Deno.test("AsyncTCPServer: one that is handed on too late, where there is no room, is not refused as well", async () => {
  const late = Promise.withResolvers<void>();
  const handed_on = Promise.withResolvers<void>();
  let refusals = 0;
  class LateServer extends AsyncTCPServer {
    static override max_requests = 1;
    override async process_request(request: TCPRequest, address: Deno.NetAddr): Promise<void> {
      if (this.info().accepted === 2) await late.promise;
      await super.process_request(request, address);
      if (this.info().accepted === 2) handed_on.resolve();
    }
    override handle_overflow(): void {
      refusals++;
    }
    override handle_error(): void {}
  }
  await using server = serving(
    new LateServer(HERE, EchoHandler, { ...OPTIONS, overflow: "refuse" }),
  );
  using first = await LineClient.connect(server.server_address);
  await soon(until(() => server.info().active === 1));
  server.configure({ request_timeout: 50 });
  using second = await LineClient.connect(server.server_address);
  await soon(until(() => server.info().timed_out === 1));
  late.resolve();
  await soon(handed_on.promise);
  const { active, waiting, timed_out, refused } = server.info();
  assertEquals({ active, waiting, timed_out, refused, refusals }, {
    active: 1,
    waiting: 0,
    timed_out: 1,
    refused: 0,
    refusals: 0,
  });
  assertEquals(await line_or_end(second), null);
  assertEquals(await first.ask("first"), "first");
});

Deno.test("BaseServer: one request that process_request() hands on as three is handled three times", async () => {
  const handled: string[] = [];
  class PartHandler extends BaseRequestHandler<ItemServer, string, string> {
    override handle(): void {
      handled.push(this.request);
    }
  }
  class Splitting extends ItemServer {
    override async process_request(request: string, address: string): Promise<void> {
      for (const part of request.split(",")) await super.process_request(part, address);
    }
  }
  await using server = serving(new Splitting(PartHandler, ["a,b,c"]));
  await soon(until(() => handled.length === 3));
  assertEquals(handled, ["a", "b", "c"]);
  await soon(until(() => server.info().completed === 3));
  assertEquals(await server.server_close(), NONE_LEFT);
});

Deno.test("BaseServer: requests that are dropped, wrapped or kept are not remembered", async () => {
  const count = 300;
  const items: Item[] = Array.from({ length: count }, (_, number) => `item ${number}`);
  class Mixed extends ItemServer {
    #number = 0;
    override async process_request(request: string, address: string): Promise<void> {
      const kind = this.#number++ % 4;
      if (kind === 0) return;
      await turn();
      if (kind === 1) return;
      if (kind === 2) return await super.process_request(`wrapped ${request}`, address);
      void this.run_request(request, address, turn);
    }
  }
  await using server = serving(new Mixed(SilentHandler, items));
  await soon(until(() => server.info().accepted === count && server.info().active === 0));
  await soon(until(() => {
    const { completed, refused } = server.info();
    return completed === count / 2 && refused === count / 2;
  }));
  assertEquals(await server.server_close(), NONE_LEFT);
});

/** Answers each line in upper case. */
class LinesHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) {
      await this.wfile.write(new TextDecoder().decode(line).toUpperCase());
    }
  }
}

Deno.test("AsyncTCPServer: process_request() may finish a connection by itself, and not wait for it", async () => {
  class Own extends AsyncTCPServer {
    override process_request(request: TCPRequest, client_address: Deno.NetAddr): void {
      void this.#finish(request, client_address);
    }

    async #finish(request: TCPRequest, client_address: Deno.NetAddr): Promise<void> {
      await this.finish_request(request, client_address);
      await this.shutdown_request(request);
    }
  }
  await using server = serving(new Own(HERE, LinesHandler));
  using client = await LineClient.connect(server.server_address);
  using other = await LineClient.connect(server.server_address);
  assertEquals(await client.ask("one"), "ONE");
  assertEquals(await other.ask("two"), "TWO");
  assertEquals(server.info().refused, 0);
  client[Symbol.dispose]();
  await soon(until(() => server.info().completed === 1));
  assertEquals(await other.ask("three"), "THREE");
  other[Symbol.dispose]();
  await soon(until(() => server.info().completed === 2));
});

Deno.test("BaseServer: requests that process_request() makes of one are counted as accepted, too", async () => {
  class Splitting extends ItemServer {
    override async process_request(request: string, address: string): Promise<void> {
      for (const part of request.split(",")) await super.process_request(part, address);
    }
  }
  class Silent {
    run(): void {}
  }
  await using server = serving(new Splitting(Silent, ["a,b,c"]));
  await soon(until(() => server.info().completed === 3));
  const { accepted, active } = server.info();
  assertEquals({ accepted, active }, { accepted: 3, active: 0 });
});
