import { assert, assertEquals, assertThrows } from "@std/assert";
import { AsyncExecutor } from "../../../concurrency/futures/mod.ts";
import { Queue } from "../../../concurrency/queue/mod.ts";
import {
  AsyncTCPServer,
  BaseServer,
  type RequestHandlerConstructor,
  StreamRequestHandler,
} from "../../../mod.ts";
import { Monitor, type ObservedGroup } from "../../../operation/monitor/mod.ts";
import { ask, LineClient } from "../../fixtures/clients/clients.ts";
import { Program } from "../../fixtures/programs/programs.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";
import { connect, get, OpenPage } from "./monitoring.ts";

/** How a page opens its stream. */
const OPEN = new TextEncoder().encode("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");

class EchoHandler extends StreamRequestHandler {
  override async handle(): Promise<void> {
    for await (const line of this.rfile) await this.wfile.write(line);
  }
}

class FailingHandler extends StreamRequestHandler {
  override handle(): void {
    throw new RangeError("There is no <b>order</b>\n7");
  }
}

class QuietServer extends AsyncTCPServer {
  override handle_error(): void {}
}

function server(handler: RequestHandlerConstructor = EchoHandler): QuietServer {
  return new QuietServer(["127.0.0.1", 0], handler);
}

/** Whether nobody listens there any more. */
async function is_closed(monitor: Monitor): Promise<boolean> {
  try {
    (await connect(monitor)).close();
    return false;
  } catch {
    return true;
  }
}

Deno.test("/health is 200, and 503 while a server is suspended or stopping", async () => {
  await using one = serving(server());
  await using other = serving(server());
  await using monitor = new Monitor([one, other]);
  const health = async () => {
    const { status, text } = await get(monitor, "/health");
    return [status, text];
  };
  assertEquals(await health(), [200, "ok\n"]);
  other.suspend();
  assertEquals(await health(), [503, "suspended\n"]);
  other.resume();
  assertEquals(await health(), [200, "ok\n"]);
  using client = await LineClient.connect(one.server_address);
  await client.ask("hello");
  // Half a line: its handler goes on until the time is over.
  await client.conn.write(new Uint8Array([65]));
  const closing = one.server_close({ grace: 500 });
  await until(() => one.info().state === "stopping");
  assertEquals(await health(), [503, "stopping\n"]);
  await soon(closing);
});

Deno.test("/info has what info() tells, as JSON", async () => {
  await using echo = serving(server());
  await using executor = new AsyncExecutor();
  await using monitor = new Monitor([echo, executor, new Queue<number>(7)]);
  await ask(echo.server_address, "hello");
  await until(() => echo.info().completed === 1);
  const { text, headers } = await get(monitor, "/info");
  assertEquals(headers.get("content-type"), "application/json; charset=utf-8");
  const things = JSON.parse(text);
  assertEquals(things.map(({ kind, name }: Record<string, string>) => [kind, name]), [
    ["server", "QuietServer"],
    ["executor", "AsyncExecutor"],
    ["queue", "Queue"],
  ]);
  assertEquals(things[0].info.completed, 1);
  assertEquals(things[0].info.address, echo.server_address);
  assertEquals(things[2].info.maxsize, 7);
});

Deno.test("/info takes whatever a program has for an address", async () => {
  const circle: Record<string, unknown> = { hostname: "a", port: 1 };
  circle.circle = circle;
  const servers = [1n, circle].map((address) => new BaseServer(address, EchoHandler));
  await using monitor = new Monitor(servers);
  const things: { info: { address: string } }[] = JSON.parse((await get(monitor, "/info")).text);
  assertEquals(things.map(({ info }) => info.address), ["1", "a:1"]);
});

Deno.test("What is watched has the name that it is given, else that of its class, numbered", async () => {
  await using monitor = new Monitor([new Queue(), new Queue()]);
  const things = JSON.parse((await get(monitor, "/info")).text);
  assertEquals(things.map(({ name }: { name: string }) => name), ["Queue", "Queue 2"]);
  await using other = new Monitor({ mails: new Queue() });
  assertEquals(JSON.parse((await get(other, "/info")).text)[0].name, "mails");
});

Deno.test("An open page is told what is going on", async () => {
  await using echo = serving(server());
  await using monitor = new Monitor(echo);
  await using page = await OpenPage.open(monitor);
  const first = await page.news(() => true);
  assertEquals(first.things[0].gauges[0], { name: "Active", now: 0, most: 0, limit: null });
  using client = await LineClient.connect(echo.server_address);
  await client.ask("hello");
  const busy = await page.news(({ things: [{ gauges: [active] }] }) => active.now === 1);
  assertEquals(busy.things[0].state, "serving");
  client[Symbol.dispose]();
  const after = await page.news(({ things: [{ figures }] }) => figures.per_second > 0);
  const [{ gauges: [active], outcomes, lines, figures }] = after.things;
  assertEquals([active.now, active.most, outcomes.completed], [0, 1, 1]);
  assertEquals(lines.rate.at(-1), 1);
  assert(figures.p50 > 0);
});

Deno.test("Errors are told with whom they concern, and as text on one line", async () => {
  await using failing = serving(server(FailingHandler));
  await using executor = new AsyncExecutor();
  await using monitor = new Monitor([failing, executor]);
  const client = await LineClient.connect(failing.server_address);
  assertEquals(await client.line(), null);
  const { port } = client.conn.localAddr as Deno.NetAddr;
  client[Symbol.dispose]();
  await executor.submit(() => {
    throw new TypeError("No such item");
  }).exception();
  await using page = await OpenPage.open(monitor);
  const { errors } = await page.news(({ errors }) => errors.length === 2);
  const shown = errors.map((error: Record<string, unknown>) => {
    const { where, what, error: text, whom, count } = error;
    return [where, what, text, whom, count];
  });
  assertEquals(shown, [
    ["AsyncExecutor", "task failed", "TypeError: No such item", "task 1", 1],
    [
      "QuietServer",
      "request failed",
      "RangeError: There is no <b>order</b>\\n7",
      `127.0.0.1:${port}`,
      1,
    ],
  ]);
});

Deno.test("Closing the server ends the streams of open pages within a second, and the monitor", async () => {
  const echo = serving(server());
  const monitor = new Monitor(echo);
  await using page = await OpenPage.open(monitor);
  await page.next();
  await soon(echo[Symbol.asyncDispose]());
  const closed_at = performance.now();
  let piece: string | undefined;
  let last: string | undefined;
  while ((piece = await page.next()) !== undefined) last = piece;
  assertEquals(last?.endsWith("event: bye\ndata:\n\n"), true);
  assert(performance.now() - closed_at < 1000);
  await until(() => is_closed(monitor));
  await monitor.close();
});

Deno.test("A monitor ends when the last of its servers is closed", async () => {
  const [one, other] = [server(), serving(server())];
  await using executor = new AsyncExecutor();
  await using monitor = new Monitor([one, other, executor, new Queue()]);
  await one.server_close();
  assertEquals((await get(monitor, "/health")).text, "closed\n");
  await other[Symbol.asyncDispose]();
  await until(() => is_closed(monitor));
});

Deno.test("Without a server a monitor ends when its executors are shut down", async () => {
  const executor = new AsyncExecutor();
  await using monitor = new Monitor([executor, new Queue()]);
  assertEquals((await get(monitor, "/health")).status, 200);
  await executor.shutdown();
  await until(() => is_closed(monitor));
});

Deno.test("A page that does not read holds up nobody, and not the end either", async () => {
  await using monitor = new Monitor(new Queue());
  const pages = await Promise.all(
    Array.from({ length: 3 }, () => connect(monitor)),
  );
  for (const page of pages) await page.write(OPEN);
  // One asks for half of something.
  const half = await connect(monitor);
  await half.write(new TextEncoder().encode("GET / HT"));
  assertEquals((await get(monitor, "/health")).status, 200);
  await soon(monitor.close(), 2000);
  for (const conn of [...pages, half]) conn.close();
});

Deno.test("A monitor can be closed twice, also at once", async () => {
  const monitor = new Monitor(new Queue());
  await Promise.all([monitor.close(), monitor.close()]);
  await monitor.close();
});

Deno.test("A monitor that cannot listen leaves nothing behind", async () => {
  await using echo = serving(server());
  await using monitor = new Monitor(echo);
  const { port } = monitor.address;
  assertThrows(() => new Monitor(echo, { port }), Deno.errors.AddrInUse);
  await monitor.close();
  await using again = new Monitor(echo, { port });
  assertEquals((await get(again, "/health")).status, 200);
});

Deno.test("What makes no sense is refused at once", () => {
  const queue = new Queue();
  const make = (watched: unknown, options: unknown) => () =>
    new Monitor(watched as ObservedGroup, options as Record<string, never>);
  assertThrows(make(queue, { prot: 8080 }), TypeError, 'option "prot"');
  assertThrows(make(queue, { port: 70_000 }), RangeError, "port 70000");
  assertThrows(make(queue, { hostname: 7 }), TypeError);
  assertThrows(make(queue, { token: "" }), TypeError, "token");
  assertThrows(make(queue, { token: 7 }), TypeError, "token");
  assertThrows(make({ info: () => ({}) }, {}), TypeError, "a server, an executor or a queue");
  assertThrows(make([queue, null], {}), TypeError, "a server, an executor or a queue");
});

Deno.test({
  name: "200 pages that are opened and cut while the server is busy leave nothing behind",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const file = "tests/fixtures/programs/cut_pages.ts";
    await using program = new Program("run", "-A", "--no-check", file);
    await program.ends_well();
  },
});
