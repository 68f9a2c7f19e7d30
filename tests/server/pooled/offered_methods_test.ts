/** What workers can call of a server: what the program adds, and three methods of the library. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { BaseServer, type Constructor, StreamRequestHandler } from "../../../mod.ts";
import * as library from "../../../mod.ts";
import type { Calls } from "../../../internal/workers/calls.ts";
import type { FromWorker, ToWorker } from "../../../internal/workers/messages.ts";
import type { HostEvents, WorkerHost } from "../../../internal/workers/worker_host.ts";
import { PooledRunner } from "../../../server/pooled/pooled_runner.ts";
import { remote_server_class } from "../../../server/pooled/remote_server.ts";
import { image_of_server } from "../../../server/pooled/server_image.ts";
import { make_runner } from "../../../server/requests/inner_hooks.ts";
import type { Runner, ServerSide } from "../../../server/requests/runner.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { AskingHandler } from "../../fixtures/handlers/asking_handler.ts";
import { Noting } from "../../fixtures/servers/noting.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const OFFERED = ["info", "server_close", "shutdown"];
const HOOKS = [...Object.getOwnPropertyNames(BaseServer.prototype), "reload_tls"];

type AnyServer = typeof BaseServer;

/** The servers of the library that have workers. */
const SERVERS = Object.values(library).filter((value): value is AnyServer =>
  typeof value === "function" && value.prototype instanceof BaseServer &&
  /^(Threading|Forking)/.test(value.name)
);

/** The names of the methods that `this.server` has in a worker. */
function methods_of(Server: AnyServer): string[] {
  const is_unix = [library.UnixStreamServer, library.UnixDatagramServer]
    .some((Unix) => Server.prototype instanceof Unix);
  const address = is_unix ? "never-bound.sock" : HERE;
  const server = new Server(address, StreamRequestHandler, { bind_and_activate: false });
  const image = structuredClone(image_of_server(server, HOOKS, structuredClone));
  const { prototype } = remote_server_class(image, {}, {} as Calls);
  const members = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  return members.filter(([name, { value }]) =>
    typeof value === "function" && name !== "constructor"
  )
    .map(([name]) => name).sort();
}

/** What a program may write: a mix-in between the library's classes, hooks, and inner names. */
function Adding<T extends Constructor<BaseServer>>(Base: T) {
  return class extends Base {
    // deno-lint-ignore no-explicit-any
    constructor(...args: any[]) {
      super(...args);
    }
    added(): string {
      return "added";
    }
    #own(): void {}
    _inner(): void {
      this.#own();
    }
    override toString(): string {
      return "text";
    }
    override verify_request(): boolean {
      return true;
    }
    override service_actions(): void {}
    override info(): library.ServerInfo {
      return super.info();
    }
  };
}

Deno.test("a worker has three methods of each server of the library, and what a program adds", () => {
  assertEquals(SERVERS.length, 8);
  for (const Server of SERVERS) {
    assertEquals(methods_of(Server), OFFERED, Server.name);
    class Below extends Adding(Server) {
      next(): number {
        return 1;
      }
      override get_request(): Promise<[unknown, unknown]> {
        return new Promise(() => {});
      }
      override handle_error(): void {}
    }
    assertEquals(methods_of(Below as unknown as AnyServer), ["added", ...OFFERED, "next"].sort());
  }
  for (const Base of [library.TCPServer, library.UDPServer, library.UnixStreamServer]) {
    class Between extends library.AsyncMixIn(Base as unknown as AnyServer) {
      between(): void {}
      override process_request(): void {}
    }
    for (const MixIn of [library.ThreadingMixIn, library.ForkingMixIn]) {
      const Server = MixIn(Adding(Between)) as unknown as AnyServer;
      assertEquals(methods_of(Server), ["added", "between", ...OFFERED].sort());
    }
  }
});

Deno.test("ThreadingTCPServer: a handler that calls a step of its server hears why it cannot, and clients are served on", async () => {
  class Server extends Adding(Noting(library.ThreadingTCPServer)) {
    override get_request(): ReturnType<library.TCPServer["get_request"]> {
      return super.get_request() as ReturnType<library.TCPServer["get_request"]>;
    }
  }
  await using server = serving(new Server(HERE, AskingHandler, { max_workers: 1, linger: 200 }));
  using client = await LineClient.connect(server.server_address as Deno.NetAddr);
  const hooks = HOOKS.filter((name) => name !== "constructor" && !OFFERED.includes(name));
  for (const name of [...hooks, "_inner"]) {
    const answer = await client.ask(name);
    assertStringIncludes(answer!, `TypeError: Cannot read server.${name} in a worker: `);
    assertStringIncludes(answer!, name === "_inner" ? "begins with _" : "a step of the server");
  }
  assertEquals(await client.ask("added"), "added");
  using other = await LineClient.connect(server.server_address as Deno.NetAddr);
  assertEquals(await other.ask("added"), "added");
  assertEquals(server.log.errors, []);
});

/** A worker that says what a test wants it to say. */
class ForgedHost implements WorkerHost {
  readonly name = "A forged worker";
  readonly shares_memory = false;
  readonly #answers: Extract<ToWorker, { type: "answer" }>[] = [];
  #events: HostEvents;

  constructor(events: HostEvents) {
    this.#events = events;
    queueMicrotask(() => this.say({ type: "ready" }));
  }

  say(message: object): void {
    this.#events.received([message as FromWorker]);
  }

  /** Calls something, and gives the answer: an error in words, or the value. */
  async call(message: object): Promise<unknown> {
    this.say({ type: "call", call: 1, ...message });
    await soon(until(() => this.#answers.length > 0));
    const { error, value } = this.#answers.shift()!;
    return error ? `${error.name}: ${error.message}` : value;
  }

  post(messages: ToWorker[]): void {
    for (const message of messages) {
      if (message.type === "answer") this.#answers.push(structuredClone(message));
      if (message.type === "end") this.kill();
    }
  }

  kill(): void {
    this.#events.ended(undefined);
  }

  ref(): void {}
  unref(): void {}
}

/** A server with one forged worker. */
class ForgedServer extends Adding(Noting(BaseServer)) {
  host: ForgedHost | undefined;
  requests: [unknown, unknown][] = [];

  override [make_runner](side: ServerSide): Runner {
    const size = { min_workers: 1, max_workers: 1, max_jobs_per_worker: Infinity };
    const start_host = (_id: number, events: HostEvents) => this.host = new ForgedHost(events);
    const workers = () => ({
      size,
      start_host,
      copy: structuredClone,
      are_threads: false,
      keeps_running: false,
    });
    return new PooledRunner(this, { workers, waits_on_close: () => false }, side);
  }

  override get_request(): [unknown, unknown] | Promise<[unknown, unknown]> {
    return this.requests.shift() ?? new Promise(() => {});
  }
}

/** Calls that no worker of the library makes. */
const FORGED: object[] = [
  ...HOOKS.filter((name) => !OFFERED.includes(name)).map((method) => ({
    target: "server",
    method,
  })),
  ...[
    "_inner",
    "toString",
    "valueOf",
    "__proto__",
    "__defineGetter__",
    "then",
    "requests",
    "host",
    "",
  ]
    .map((method) => ({ target: "server", method })),
  ...[undefined, null, 1, {}, ["added"], { toString: 1, valueOf: 1 }]
    .map((method) => ({ target: "server", method })),
  { target: "server", method: "added", args: null },
  { target: "server", method: "added", args: 1 },
  { target: "server", method: "added", args: { length: 2 ** 40 } },
  { target: "socket", method: "close" },
  { target: "socket", method: "send", args: null },
  { target: "request", method: "recv", args: [1] },
  { target: "request", method: "recv", args: [1], job: 1 },
  { target: "request", method: "constructor", job: 1 },
  { target: "constructor", method: "constructor" },
  { target: null, method: "added" },
  { target: { toString: 1 }, method: "added" },
];

Deno.test("a call that a worker forges is an error for it, and harms nobody", async () => {
  const server = new ForgedServer(null, StreamRequestHandler);
  server.requests.push(["a request", "a client"]);
  await using _serving = serving(server);
  await soon(until(() => server.info().active === 1));
  const host = server.host!;
  for (const forged of FORGED) {
    const message = { args: [], ...forged };
    const answer = await host.call(message);
    assert(
      /^(TypeError|RangeError|BadResource): /.test(`${answer}`),
      Deno.inspect({ message, answer }),
    );
    const { errors } = server.log;
    host.say({ type: "call", ...message, call: 0 });
    await soon(server.log.until(() => errors.length === 1));
    errors.pop();
  }
  assertEquals(await host.call({ target: "server", method: "added", args: [] }), "added");
  assertEquals(server.info().workers!.map(({ id, state }) => [id, state]), [[1, "ready"]]);
  assertEquals(server.info().state, "serving");
  host.say({ type: "done", id: 1 });
  await soon(until(() => server.info().active === 0));
});
