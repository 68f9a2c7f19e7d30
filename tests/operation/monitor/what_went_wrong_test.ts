/** What a page tells of servers and executors that something goes wrong with, whatever it is. */
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { AsyncExecutor, ThreadPoolExecutor, WorkerDied } from "../../../concurrency/futures/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import { AsyncTCPServer, StreamRequestHandler, ThreadingTCPServer } from "../../../mod.ts";
import { Monitor, type ObservedGroup } from "../../../operation/monitor/mod.ts";
import { observation } from "../../../server/requests/inner_hooks.ts";
import type { ServerInfo } from "../../../server/info.ts";
import { LOCALHOST, pair } from "../../fixtures/certificates/certificates.ts";
import { ask, line_or_end, LineClient, or_end } from "../../fixtures/clients/clients.ts";
import { FaultHandler } from "../../fixtures/handlers/fault_handlers.ts";
import { ready } from "../../fixtures/servers/ready.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { exit } from "../../fixtures/tasks/tasks.ts";
import { Linked } from "../../fixtures/tools/linked.ts";
import { StandardError } from "../../fixtures/tools/standard_error.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";
import { get, OpenPage } from "./monitoring.ts";

const HERE: [string, number] = ["127.0.0.1", 0];

/** What a page shows of an error, as text. */
interface Shown {
  what: string;
  error: string;
  whom: string;
}

/** The errors that a page shows when there are so many, the newest first. */
async function errors_of(monitor: Monitor, count: number): Promise<Shown[]> {
  await using page = await OpenPage.open(monitor);
  const { errors } = await page.news(({ errors }) => errors.length >= count);
  return errors;
}

class EchoHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(line);
  }
}

class QuietServer extends AsyncTCPServer {
  override handle_error(): void {}
}

/** Sends something to a server, and waits for the end of the connection. */
async function sent(server: AsyncTCPServer, text: string): Promise<void> {
  using client = await LineClient.connect(server.server_address);
  await client.send(text);
  await or_end(client.line());
}

Deno.test("A page tells of handshakes that failed, and of certificates that could not be read again", async () => {
  await using server = serving(new QuietServer(HERE, EchoHandler, { tls: LOCALHOST }));
  await using monitor = new Monitor(server);
  await sent(server, "this is no TLS");
  assertThrows(() => server.reload_tls({ ...LOCALHOST, key: pair("second").key }), RangeError);
  server.reload_tls();
  const [reload, handshake, ...others] = await errors_of(monitor, 2);
  assertEquals([reload!.what, handshake!.what, others], [
    "certificates not reloaded",
    "handshake failed",
    [],
  ]);
  assertMatch(reload!.error, /^RangeError: .*it is not the key of/);
  assertMatch(handshake!.error, /^TlsError: /);
  assertEquals(handshake!.whom, "request 1");
});

Deno.test("A page tells of PROXY headers that were refused, and not of clients that were", async () => {
  const options = { proxy_protocol: "required", trusted_proxies: ["127.0.0.1"] } as const;
  await using server = serving(new QuietServer(HERE, EchoHandler, options));
  await using closed = serving(new QuietServer(HERE, EchoHandler, { allow: ["192.0.2.1"] }));
  await using monitor = new Monitor([server, closed]);
  await sent(closed, "refused");
  await until(() => closed.info().refused === 1);
  await sent(server, "hello");
  const [{ what, error, whom }, ...others] = await errors_of(monitor, 1) as [Shown];
  assertEquals([what, others], ["PROXY header refused", []]);
  assertMatch(error, /^InvalidData: .*PROXY/);
  assertMatch(whom, /^127\.0\.0\.1:\d+$/);
});

Deno.test("A page tells that nothing could be accepted, and not of a connection that was lost", async () => {
  const fail = ["ECONNABORTED", "EMFILE"];
  class FailingServer extends QuietServer {
    override get_request(): ReturnType<AsyncTCPServer["get_request"]> {
      const code = fail.shift();
      if (code) throw Object.assign(new Error(`It failed: ${code}`), { code });
      return super.get_request();
    }
  }
  const server = new FailingServer(HERE, EchoHandler);
  await using monitor = new Monitor(server);
  await using _serving = serving(server);
  assertEquals(await ask(server.server_address, "hello"), "hello");
  const shown = (await errors_of(monitor, 1)).map(({ what, error }) => [what, error]);
  assertEquals(shown, [["nothing could be accepted", "Error: It failed: EMFILE"]]);
});

Deno.test("A page tells of workers that died, of servers and of executors, and not of what was cancelled", async () => {
  await using server = serving(
    new class extends ThreadingTCPServer {
      override handle_error(): void {}
    }(HERE, FaultHandler, { max_workers: 1 }),
  );
  await soon(ready(server));
  const module = new URL("../../fixtures/tasks/tasks.ts", import.meta.url).href;
  await using executor = new ThreadPoolExecutor(1, { module });
  await using other = new AsyncExecutor(1);
  await using monitor = new Monitor([server, executor, other]);
  const gate = Promise.withResolvers<void>();
  const first = other.submit(() => gate.promise);
  assertEquals(other.submit(() => {}).cancel(), true);
  gate.resolve();
  await first;
  using client = await LineClient.connect(server.server_address);
  await client.send("!exits");
  assertEquals(await line_or_end(client), null);
  await assertRejects(() => soon(executor.submit(exit, 3)), WorkerDied);
  const shown = (await errors_of(monitor, 4)).map(({ what, whom }) => `${what}: ${whom}`);
  assertEquals(shown.filter((text) => text.startsWith("worker died")).length, 2, `${shown}`);
  assertEquals(shown.length, 4);
});

Deno.test("A server that cannot tell what it is doing is a failure of the page, as long as it is so", async () => {
  let is_broken = false;
  class BrokenServer extends QuietServer {
    override info(): ServerInfo {
      if (is_broken) throw new RangeError("There is nothing to tell");
      return super.info();
    }
  }
  using printed = new StandardError();
  await using server = serving(new BrokenServer(HERE, EchoHandler));
  await using monitor = new Monitor(server);
  await using page = await OpenPage.open(monitor);
  await page.next();
  is_broken = true;
  const { status, text, headers } = await get(monitor, "/info");
  assertEquals([status, text, headers.get("cache-control")], [
    500,
    "The monitor failed.\n",
    "no-store, no-transform",
  ]);
  // The page that is open hears nothing, for at least a second.
  const next = page.next();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  is_broken = false;
  assertMatch((await next)!, /"state":"serving"/);
  assertMatch(
    await printed.all(),
    /(The monitor failed: RangeError: There is nothing to tell\n[^]*){2}/,
  );
});

Deno.test("Where one cannot be watched, none is", async () => {
  await using server = serving(new QuietServer(HERE, EchoHandler));
  const tells = { info: () => ({}) };
  assertThrows(() => new Monitor([server, tells] as unknown as ObservedGroup), TypeError);
  assertThrows(
    () => new Monitor([server, new Linked().stub_of(new Queue())]),
    Deno.errors.NotSupported,
  );
  assertEquals(server[observation].is_on, false);
});
