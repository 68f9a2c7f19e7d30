/** What `serve_forever()` and the constructor refuse, and in what state that leaves the server. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  AsyncTCPServer,
  BaseRequestHandler,
  ForkingTCPServer,
  type RequestHandlerConstructor,
  type ServeOptions,
  StreamRequestHandler,
  StreamSocket,
  type TCPRequest,
  TCPServer,
  ThreadingTCPServer,
} from "../../mod.ts";
import { ask, LineClient } from "../fixtures/clients/clients.ts";
import { UpperHandler } from "../fixtures/handlers/handlers.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const OPTIONS = { max_workers: 1, max_children: 1, linger: 50 };

/** What is refused, and with what. */
const REFUSED: Record<string, [unknown, typeof TypeError | typeof RangeError]> = {
  "a signal that is its controller": [{ signal: new AbortController() }, TypeError],
  "a signal that is a number": [{ signal: 5 }, TypeError],
  "stop_on of an unknown signal": [{ stop_on: ["SIGINT", "SIGNONE"] }, TypeError],
  "stop_on that is a word": [{ stop_on: "SIGINT" }, TypeError],
  "a negative grace": [{ stop_on: ["SIGINT"], grace: -1 }, RangeError],
  "a grace that is no number": [{ grace: NaN }, RangeError],
  "poll_interval 0": [{ poll_interval: 0 }, RangeError],
  "poll_interval NaN": [{ poll_interval: NaN }, RangeError],
};

for (const Server of [TCPServer, AsyncTCPServer, ThreadingTCPServer] as (typeof TCPServer)[]) {
  Deno.test(`${Server.name}: serve_forever() that refuses its options leaves the server usable`, async () => {
    await using server = new Server(HERE, UpperHandler, OPTIONS);
    for (const [name, [options, Class]] of Object.entries(REFUSED)) {
      await assertRejects(() => soon(server.serve_forever(options as ServeOptions)), Class);
      assertEquals(server.info().state, "idle", name);
      await soon(server.shutdown());
    }
    const loop = server.serve_forever();
    assertEquals(await soon(ask(server.server_address, "hello")), "HELLO");
    await soon(server.shutdown());
    await soon(loop);
  });

  Deno.test(`${Server.name}: serve_forever() that refuses its options can be left by await using at once`, async () => {
    for (const [options] of Object.values(REFUSED)) {
      const refused = (async () => {
        await using server = new Server(HERE, UpperHandler, OPTIONS);
        await server.serve_forever(options as ServeOptions);
      })();
      await assertRejects(() => soon(refused), Error);
    }
  });
}

/** What is called like a function, and cannot make handlers. */
const NO_CLASSES: Record<string, unknown> = {
  "an arrow function": (request: TCPRequest, address: Deno.NetAddr, server: TCPServer) =>
    new UpperHandler(request, address, server as never),
  "an async function": async function handle() {},
  "a generator": function* handle() {},
  "a method": { handle() {} }.handle,
  "a bound method": { handle() {} }.handle.bind({}),
  "nothing": undefined,
  "an instance": Object.create(UpperHandler.prototype),
  "a name": "UpperHandler",
};

for (
  const Server of [
    TCPServer,
    AsyncTCPServer,
    ThreadingTCPServer,
    ForkingTCPServer,
  ] as (typeof TCPServer)[]
) {
  Deno.test(`${Server.name}: a handler that is no class is a TypeError, and leaves nothing open`, () => {
    for (const [name, value] of Object.entries(NO_CLASSES)) {
      const make = () => new Server(HERE, value as RequestHandlerConstructor);
      const { message } = assertThrows(make, TypeError, undefined, name);
      assertStringIncludes(message, "class", name);
    }
  });
}

for (const Server of [TCPServer, AsyncTCPServer]) {
  Deno.test(`${Server.name}: a plain function that makes handlers, and a bound class, work`, async () => {
    // deno-lint-ignore no-explicit-any
    const Maker = function (...args: [any, any, any]) {
      return new UpperHandler(...args);
    } as unknown as RequestHandlerConstructor;
    for (const Handler of [Maker, UpperHandler.bind(null), new Proxy(UpperHandler, {})]) {
      await using server = serving(new Server(HERE, Handler, OPTIONS));
      assertEquals(await soon(ask(server.server_address, "hello")), "HELLO");
    }
  });

  for (const when of ["at once", "after an await"]) {
    Deno.test(`${Server.name}: finish_request() that wraps ${when} gives the handler its signal`, async () => {
      const told = Promise.withResolvers<void>();
      class WaitingHandler extends StreamRequestHandler {
        override async handle(): Promise<void> {
          const { signal } = this;
          await this.wfile.write("begun\n");
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          told.resolve();
        }
      }
      class Wrapping extends Noting(Server) {
        override async finish_request(request: TCPRequest, address: Deno.NetAddr): Promise<void> {
          if (when === "after an await") await crypto.subtle.digest("SHA-1", new Uint8Array(1));
          await super.finish_request(new StreamSocket(request), address);
        }
      }
      await using server = serving(new Wrapping(HERE, WaitingHandler, OPTIONS));
      using client = await LineClient.connect(server.server_address);
      assertEquals(await soon(client.line()), "begun");
      const start = performance.now();
      assertEquals(await soon(server.server_close({ grace: 8000 })), { drained: 1, aborted: 0 });
      const took = performance.now() - start;
      assertEquals(took < 4000, true, `it took ${took} ms`);
      await soon(told.promise);
    });
  }

  Deno.test(`${Server.name}: finish_request() that wraps and waits has the signal of request_timeout`, async () => {
    const reasons: unknown[] = [];
    class WaitingHandler extends BaseRequestHandler {
      override async handle(): Promise<void> {
        const { signal } = this;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        reasons.push(signal.reason);
      }
    }
    class Wrapping extends Noting(Server) {
      override finish_request(request: TCPRequest, address: Deno.NetAddr): void | Promise<void> {
        return super.finish_request(new StreamSocket(request), address);
      }
    }
    const options = { ...OPTIONS, request_timeout: 50 };
    await using server = serving(new Wrapping(HERE, WaitingHandler, options));
    using _client = await LineClient.connect(server.server_address);
    await soon(until(() => reasons.length === 1));
    assertEquals(reasons[0] instanceof Deno.errors.TimedOut, true);
  });
}
