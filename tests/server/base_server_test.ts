import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { AsyncMixIn, BaseRequestHandler } from "../../mod.ts";
import { ItemServer } from "../fixtures/servers/items.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { StandardError } from "../fixtures/tools/standard_error.ts";
import { soon, turn, until } from "../fixtures/tools/waiting.ts";

/** Notes its calls in the server's log, and throws where the request says so. */
class NotingHandler extends BaseRequestHandler<ItemServer, string, string> {
  override setup(): void {
    this.#note("setup");
  }
  override handle(): void {
    this.#note("handle");
  }
  override finish(): void {
    this.#note("finish");
  }
  #note(step: string): void {
    this.server.log.add(`${step} ${this.request}`);
    if (this.request === `bad ${step}`) throw new Error(step);
  }
}

class SilentHandler extends BaseRequestHandler<ItemServer, string, string> {}

const OPENING = ["verify_request", "process_request", "finish_request"];
const CLOSING = ["shutdown_request", "close_request"];
const HANDLER = ["setup", "handle", "finish"];

/** What is called for a request, by what goes wrong. */
const LIVES: Record<string, string[]> = {
  "good": [...OPENING, ...HANDLER, ...CLOSING],
  "bad setup": [...OPENING, "setup", "handle_error", ...CLOSING],
  "bad handle": [...OPENING, ...HANDLER, "handle_error", ...CLOSING],
  "bad finish": [...OPENING, ...HANDLER, "handle_error", ...CLOSING],
};

for (const [item, calls] of Object.entries(LIVES)) {
  Deno.test(`BaseServer: the life of a request that is ${item}`, async () => {
    await using server = new ItemServer(NotingHandler, [item]);
    await soon(server.handle_request());
    assertEquals(server.log.entries, calls.map((call) => `${call} ${item}`));
    assertEquals(server.info().accepted, 1);
    assertEquals(server.info().failed, item === "good" ? 0 : 1);
  });
}

for (const Base of [ItemServer, AsyncMixIn(ItemServer)]) {
  const name = Base === ItemServer ? "BaseServer" : "AsyncMixIn(BaseServer)";
  Deno.test(`${name}: a finish_request() that is over when it returns holds up nothing`, async () => {
    const over: string[] = [];
    const done = { then: (resolve: () => void) => resolve() };
    class AtOnce extends Base {
      override finish_request(request: string): void | Promise<void> {
        over.push(request);
        if (request.startsWith("then")) return done as Promise<void>;
      }
    }
    const items = ["then 1", "void 2", "void 3", "then 4", "void 5"];
    await using server = serving(new AtOnce(SilentHandler, items, { max_requests: 1 }));
    await soon(until(() => server.info().completed === items.length));
    assertEquals(over, items);
  });
}

Deno.test("BaseServer.serve_forever() serves what an array has, in order, and then waits", async () => {
  await using server = serving(new ItemServer(NotingHandler, ["one", "two"]));
  await soon(server.log.until(({ entries }) => entries.includes("close_request two")));
  server.push("three");
  await soon(server.log.until(({ entries }) => entries.includes("close_request three")));
  const handled = server.log.entries.filter((entry) => entry.startsWith("handle "));
  assertEquals(handled, ["handle one", "handle two", "handle three"]);
});

Deno.test("BaseServer.verify_request() that says no closes the request, once", async () => {
  class Choosy extends ItemServer {
    override verify_request(request: string): boolean {
      super.verify_request(request);
      return false;
    }
  }
  await using server = new Choosy(NotingHandler, ["one"]);
  await soon(server.handle_request());
  assertEquals(server.log.entries, [
    "verify_request one",
    "shutdown_request one",
    "close_request one",
  ]);
  assertEquals(server.info().refused, 1);
});

const HOOKS = ["verify_request", "process_request", "finish_request", "shutdown_request"] as const;
for (const hook of HOOKS) {
  Deno.test(`BaseServer.${hook}() that throws ends only its request`, async () => {
    class Broken extends ItemServer {
      override handle_error(request: string | null, address: string | null, error: unknown): void {
        super.handle_error(request, address, error);
        throw new Error("handle_error, too");
      }
    }
    const server = serving(new Broken(SilentHandler));
    await using _closing = server;
    const original = server[hook];
    Object.assign(server, {
      [hook](...args: [string, string]) {
        if (args[0] === "bad") throw new Error(hook);
        return Reflect.apply(original, server, args);
      },
    });
    {
      using _printed = new StandardError();
      server.push("bad");
      await soon(server.log.until(({ entries }) => entries.includes("close_request bad")));
      server.push("good");
      await soon(server.log.until(({ entries }) => entries.includes("close_request good")));
    }
    assertEquals(server.log.errors.map((error) => (error as Error).message), [hook]);
    assertEquals(server.info().active, 0);
  });
}

/** Errors of one connection that failed before it was taken. */
const PASSING_ERRORS: Record<string, () => Error> = {
  "ConnectionAborted": () => new Deno.errors.ConnectionAborted("gone"),
  "EPROTO": () => Object.assign(new Error("x"), { code: "EPROTO" }),
};
for (const [name, make] of Object.entries(PASSING_ERRORS)) {
  Deno.test(`BaseServer.get_request(): 20 times ${name} in a row change nothing`, async () => {
    await using server = serving(new ItemServer(SilentHandler, Array.from({ length: 20 }, make)));
    server.push("good");
    await soon(server.log.until(({ entries }) => entries.includes("close_request good")));
    assertEquals(server.log.errors, []);
    assertEquals(server.info().state, "serving");
  });
}

Deno.test("BaseServer.get_request() that gives no pair is an error, and the server lives", async () => {
  class Careless extends ItemServer {
    override async get_request(): Promise<[string, string]> {
      const [request, address] = await super.get_request();
      return (request === "bad" ? undefined : [request, address]) as [string, string];
    }
  }
  await using server = serving(new Careless(SilentHandler, ["bad", "good"]));
  await soon(server.log.until(({ entries }) => entries.includes("close_request good")));
  assertInstanceOf(server.log.errors[0], TypeError);
});

for (const code of ["EMFILE", "ENOBUFS", "an unknown one"]) {
  Deno.test(`BaseServer.get_request(): ${code} pauses, reported once, and serving goes on`, async () => {
    const make = () => Object.assign(new Error("no room"), { code });
    await using server = serving(new ItemServer(SilentHandler, Array.from({ length: 5 }, make)));
    const start = performance.now();
    server.push("good");
    await soon(server.log.until(({ entries }) => entries.includes("close_request good")));
    assert(performance.now() - start >= 5 + 10 + 20 + 40 + 80 - 10, "it did not pause");
    assertEquals(server.log.errors.length, 1);
  });
}

Deno.test("BaseServer.shutdown() ends a pause at once", async () => {
  const errors = Array.from({ length: 8 }, () => Object.assign(new Error("x"), { code: "EMFILE" }));
  const server = new ItemServer(SilentHandler, errors);
  const loop = server.serve_forever();
  await soon(server.log.until(({ errors }) => errors.length > 0));
  await soon(server.shutdown());
  await soon(loop);
  await soon(server.server_close());
});

Deno.test("BaseServer.serve_forever() ends when the listener is closed", async () => {
  await using server = new ItemServer(SilentHandler, [new Deno.errors.BadResource("closed")]);
  await server.serve_forever();
  assertEquals(server.info().state, "idle");
});

Deno.test("BaseServer.serve_forever() gives the event loop its turn, however many requests wait", async () => {
  class Endless extends ItemServer {
    override get_request(): Promise<[string, string]> {
      return Promise.resolve(["again", "nowhere"]);
    }
  }
  await using server = new Endless(SilentHandler);
  // It has its turn again and again, also when so many were handled in a row.
  const stop = () => server.info().completed > 64 ? server.shutdown() : void setTimeout(stop, 0);
  stop();
  await soon(server.serve_forever());
  assert(server.info().completed > 64);
});

Deno.test("BaseServer.shutdown() before, during, after and twice spoils nothing", async () => {
  await using server = new ItemServer(NotingHandler);
  await soon(server.shutdown());
  for (const item of ["one", "two"]) {
    const loop = server.serve_forever();
    assertEquals(server.info().state, "serving");
    server.push(item);
    await soon(server.log.until(({ entries }) => entries.includes(`close_request ${item}`)));
    await Promise.all([server.shutdown(), server.shutdown()]);
    await soon(loop);
    await soon(server.shutdown());
    assertEquals(server.info().state, "idle");
  }
});

Deno.test("BaseServer.shutdown() at once after serve_forever() ends every one of 20 loops", async () => {
  for (let turn = 0; turn < 20; turn++) {
    await using server = new ItemServer(SilentHandler);
    const loop = server.serve_forever();
    await soon(server.shutdown());
    await soon(loop);
  }
});

Deno.test("BaseServer.serve_forever() right after shutdown() waits for the first loop and serves", async () => {
  await using server = new ItemServer(NotingHandler);
  const first = server.serve_forever();
  const stopping = server.shutdown();
  const second = server.serve_forever();
  server.push("one");
  await soon(server.log.until(({ entries }) => entries.includes("close_request one")));
  await Promise.all([first, stopping]);
  await soon(server.shutdown());
  await second;
});

Deno.test("BaseServer.shutdown() from a handler of a sequential server does not deadlock", async () => {
  class Stopping extends BaseRequestHandler<ItemServer, string, string> {
    override async handle(): Promise<void> {
      await this.server.shutdown();
      this.server.log.add("after shutdown");
    }
  }
  await using server = new ItemServer(Stopping, ["one", "two"]);
  await server.serve_forever();
  assert(server.log.entries.includes("after shutdown"));
  assert(!server.log.entries.includes("verify_request two"), "it took a request after shutdown()");
  assertEquals(server.info().accepted, 1);
});

Deno.test("BaseServer.shutdown() from service_actions() does not deadlock", async () => {
  class Once extends ItemServer {
    override async service_actions(): Promise<void> {
      await this.shutdown();
    }
  }
  await using server = new Once(SilentHandler, ["one", "two"]);
  await server.serve_forever();
  assertEquals(server.info().accepted, 1);
});

Deno.test("BaseServer: a request that comes after shutdown() goes to the next call", async () => {
  await using server = new ItemServer(NotingHandler);
  const loop = server.serve_forever();
  await soon(server.shutdown());
  await soon(loop);
  server.push("late");
  await soon(server.handle_request());
  assert(server.log.entries.includes("close_request late"));
});

Deno.test("BaseServer.handle_request() calls handle_timeout() once, and loses no late request", async () => {
  let timeouts = 0;
  class Timed extends ItemServer {
    override handle_timeout(): void {
      timeouts++;
    }
  }
  await using server = new Timed(NotingHandler, [], { timeout: 20 });
  await soon(server.handle_request());
  assertEquals(timeouts, 1);
  server.push("late");
  await soon(server.handle_request());
  assertEquals(timeouts, 1);
  assert(server.log.entries.includes("close_request late"));
});

Deno.test("BaseServer.service_actions() runs after each request and on an idle server", async () => {
  let actions = 0;
  class Active extends ItemServer {
    override service_actions(): void {
      actions++;
    }
  }
  await using server = new Active(SilentHandler, ["one", "two"]);
  const loop = server.serve_forever({ poll_interval: 5 });
  await soon(server.log.until(({ entries }) => entries.includes("close_request two")));
  const seen = actions;
  assert(seen >= 1);
  await until(() => actions >= seen + 3);
  await soon(server.shutdown());
  await soon(loop);
});

Deno.test("BaseServer.service_actions() that fails is reported, and requests are served on", async () => {
  const error = new Error("the actions'");
  class Failing extends ItemServer {
    override service_actions(): void {
      throw error;
    }
  }
  await using server = serving(new Failing(SilentHandler, ["one", "two"]));
  await soon(server.log.until(({ entries }) => entries.includes("close_request two")));
  await soon(server.log.until(({ errors }) => errors.length >= 2));
  assert(server.log.errors.every((each) => each === error));
});

Deno.test("BaseServer.handle_request() reports what get_request() fails with, and returns", async () => {
  const error = new Error("nothing to be had");
  await using server = new ItemServer(NotingHandler, [error, "next"]);
  await soon(server.handle_request());
  assertEquals(server.log.errors, [error]);
  await soon(server.handle_request());
  assert(server.log.entries.includes("close_request next"));
});

Deno.test("BaseServer.serve_forever({ signal }) ends when the signal aborts, also beforehand", async () => {
  await using server = new ItemServer(SilentHandler, ["one"]);
  await server.serve_forever({ signal: AbortSignal.abort() });
  assertEquals(server.info().accepted, 0);
  const controller = new AbortController();
  const loop = server.serve_forever({ signal: controller.signal });
  await soon(server.log.until(({ entries }) => entries.includes("close_request one")));
  controller.abort();
  await soon(loop);
});

Deno.test("BaseServer.serve_forever() and handle_request() refuse to run twice at once", async () => {
  await using server = serving(new ItemServer(SilentHandler));
  await assertRejects(() => server.serve_forever(), Deno.errors.Busy);
  await assertRejects(() => server.handle_request(), Deno.errors.Busy);
});

Deno.test("BaseServer.server_close() is final, idempotent, and ends serving", async () => {
  const server = new ItemServer(SilentHandler);
  const loop = server.serve_forever();
  const [first, second] = await Promise.all([server.server_close(), server.server_close()]);
  assertEquals(first, { drained: 0, aborted: 0 });
  assertEquals(second, first);
  await soon(loop);
  assertEquals(server.info().state, "closed");
  await assertRejects(() => server.serve_forever(), Deno.errors.BadResource);
  await assertRejects(() => server.handle_request(), Deno.errors.BadResource);
  assertEquals(await soon(server.server_close()), first);
});

Deno.test("BaseServer.server_close() closes a request that comes too late to be served", async () => {
  const server = new ItemServer(NotingHandler);
  const loop = server.serve_forever();
  await until(() => server.waiting);
  await soon(server.server_close());
  await soon(loop);
  server.push("late");
  await soon(server.log.until(({ entries }) => entries.includes("close_request late")));
  assert(!server.log.entries.includes("handle late"));
});

Deno.test("BaseServer: an override of process_request() may finish and close requests itself", async () => {
  class Own extends ItemServer {
    override async process_request(request: string, client_address: string): Promise<void> {
      await this.finish_request(request, client_address);
      await this.shutdown_request(request);
    }
  }
  await using server = new Own(SilentHandler, ["one"]);
  await soon(server.handle_request());
  const { accepted, completed, active } = server.info();
  assertEquals({ accepted, completed, active }, { accepted: 1, completed: 1, active: 0 });
});

Deno.test("BaseServer: request_timeout aborts the signal, reports and counts it", async () => {
  let signal: AbortSignal | undefined;
  const request = { name: "stuck" };
  class Stuck extends BaseRequestHandler<ItemServer, typeof request, string> {
    override handle(): Promise<void> {
      signal = this.signal;
      return new Promise((resolve) => this.signal.addEventListener("abort", () => resolve()));
    }
  }
  class Objects extends ItemServer {
    override get_request(): Promise<[string, string]> {
      return Promise.resolve([request as unknown as string, "client"]);
    }
  }
  await using server = new Objects(Stuck, [], { request_timeout: 20 });
  await soon(server.handle_request());
  assert(signal?.aborted);
  assertInstanceOf(signal.reason, Deno.errors.TimedOut);
  assertEquals(server.log.errors.length, 1);
  assertEquals(server.info().timed_out, 1);
  assertEquals(server.info().failed, 0);
});

Deno.test("BaseServer: settings are static properties and options, and options win", () => {
  class Slow extends ItemServer {
    static override timeout = 7000;
    static override request_queue_size = 7;
  }
  const server = new Slow(SilentHandler, [], { timeout: null });
  assertEquals(server.timeout, null);
  assertEquals(server.request_queue_size, 7);
  assertThrows(() => new Slow(SilentHandler, [], { max_requests: 0 }), RangeError, "max_requests");
});

Deno.test("BaseServer() refuses a handler that is no class, and asynchronous binding", async () => {
  // deno-lint-ignore no-explicit-any
  assertThrows(() => new ItemServer("no class" as any), TypeError, "class");
  class Asynchronous extends ItemServer {
    override async server_bind(): Promise<void> {}
  }
  assertThrows(() => new Asynchronous(SilentHandler), TypeError, "bind_and_activate");
  const server = new Asynchronous(SilentHandler, [], { bind_and_activate: false });
  await server.server_bind();
  class Failing extends ItemServer {
    override async server_bind(): Promise<void> {
      await turn();
      throw new Deno.errors.AddrInUse("too late");
    }
  }
  assertThrows(() => new Failing(SilentHandler), TypeError, "bind_and_activate");
  // What it throws after all that ends no program.
  await turn();
  await turn();
});

Deno.test("BaseServer.shutdown() twice from a handler, with a new loop between, does not deadlock", async () => {
  let second: Promise<void> | undefined;
  class Restarting extends BaseRequestHandler<ItemServer, string, string> {
    override async handle(): Promise<void> {
      await this.server.shutdown();
      second = this.server.serve_forever();
      await this.server.shutdown();
    }
  }
  await using server = new ItemServer(Restarting, ["one"]);
  await server.serve_forever();
  await second;
});

Deno.test("BaseServer.serve_forever({ signal }): a signal ends only its own loop", async () => {
  await using server = new ItemServer(SilentHandler);
  const controller = new AbortController();
  const first = server.serve_forever({ signal: controller.signal });
  await soon(server.shutdown());
  await first;
  const second = server.serve_forever();
  controller.abort();
  server.push("one");
  await soon(server.log.until(({ entries }) => entries.includes("close_request one")));
  assertEquals(server.info().state, "serving");
  await soon(server.shutdown());
  await second;
});

Deno.test("BaseServer: equal requests that are no objects are counted apart", async () => {
  class Concurrent extends AsyncMixIn(ItemServer) {}
  const server = new Concurrent(SilentHandler, ["a", "a", "a", "a"], { max_requests: 1 });
  const loop = server.serve_forever();
  await until(() => server.info().completed === 4);
  const { accepted, completed, active } = server.info();
  assertEquals({ accepted, completed, active }, { accepted: 4, completed: 4, active: 0 });
  await soon(server.server_close());
  await soon(loop);
});

Deno.test("BaseServer: requests that wait for a place are not handled once the server is closed", async () => {
  const go = Promise.withResolvers<void>();
  let handled = 0;
  class Slow extends BaseRequestHandler<ItemServer, string, string> {
    override async handle(): Promise<void> {
      handled++;
      await go.promise;
    }
  }
  class Concurrent extends AsyncMixIn(ItemServer) {}
  const server = new Concurrent(Slow, ["a", "b", "a"], { max_requests: 1 });
  const loop = server.serve_forever();
  await until(() => server.info().accepted === 3);
  const closing = server.server_close();
  go.resolve();
  assertEquals(await closing, { drained: 1, aborted: 2 });
  await soon(loop);
  assertEquals(handled, 1);
});

Deno.test("BaseServer: an override of process_request() may pass on a request that wraps the first", async () => {
  class Wrapping extends ItemServer {
    override process_request(request: string, client_address: string): void | Promise<void> {
      return super.process_request(`wrapped ${request}`, client_address);
    }
  }
  await using server = new Wrapping(SilentHandler, ["one"]);
  await soon(server.handle_request());
  const { accepted, completed, active } = server.info();
  assertEquals({ accepted, completed, active }, { accepted: 1, completed: 1, active: 0 });
  assert(server.log.entries.includes("close_request wrapped one"));
});

Deno.test("BaseServer.server_close() ends a loop whose hook never ends", async () => {
  class Hanging extends ItemServer {
    override verify_request(request: string): boolean {
      super.verify_request(request);
      return new Promise(() => {}) as unknown as boolean;
    }
  }
  const server = new Hanging(SilentHandler, ["one"]);
  const loop = server.serve_forever();
  await soon(server.log.until(({ entries }) => entries.includes("verify_request one")));
  assertEquals(await soon(server.server_close({ grace: 20 })), { drained: 0, aborted: 1 });
  await soon(loop);
});

Deno.test("BaseServer: request_timeout does not wait for handle_error()", async () => {
  class Silent extends ItemServer {
    override handle_error(): void {
      return new Promise(() => {}) as unknown as void;
    }
  }
  class Hanging extends BaseRequestHandler<ItemServer, string, string> {
    override handle(): Promise<void> {
      return new Promise(() => {});
    }
  }
  await using server = new Silent(Hanging, ["one"], { request_timeout: 20 });
  await soon(server.handle_request());
  assert(server.log.entries.includes("close_request one"));
  assertEquals(server.info().timed_out, 1);
});

Deno.test("BaseServer.process_request() that throws after the handler has ended well is reported", async () => {
  class Late extends ItemServer {
    override async process_request(request: string, client_address: string): Promise<void> {
      await super.process_request(request, client_address);
      throw new RangeError("too late");
    }
  }
  await using server = new Late(NotingHandler, ["one"]);
  await soon(server.handle_request());
  await soon(server.log.until(({ errors }) => errors.length > 0));
  assertEquals(server.log.errors.map(String), ["RangeError: too late"]);
  assertEquals(server.info().completed, 1);
});
