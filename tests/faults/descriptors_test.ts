/** Servers whose process has no descriptor left. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { names_with_native } from "../fixtures/servers/named_servers.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import type { LineClient } from "../fixtures/clients/clients.ts";
import { LimitedProcess } from "../fixtures/programs/limited_process.ts";
import { children_of, descriptors_of } from "../fixtures/programs/processes.ts";
import { is_there } from "../fixtures/programs/programs.ts";
import { TempFolder } from "../fixtures/tools/temp_folder.ts";
import { is_pending, soon, until } from "../fixtures/tools/waiting.ts";
import { line_or_end, or_end } from "../fixtures/clients/clients.ts";
import { DatagramClient } from "../fixtures/clients/datagrams.ts";

const ignore = Deno.build.os !== "linux";
/** More than there are descriptors. */
const CLIENTS = 80;

/** A test for each class at once: they mostly wait, each in a process of its own. */
function test_at_once(
  names: string[],
  promise: string,
  run: (process: LimitedProcess, name: string) => Promise<void>,
): void {
  const start_and_run = async (name: string) => {
    await using folder = await TempFolder.make();
    const path = name.includes("Unix") ? folder.join("server") : "";
    await using process = await LimitedProcess.start(name, path);
    await run(process, name);
  };
  Deno.test(
    `${names.join(", ")}: ${promise}`,
    { ignore },
    () => at_once(names, (name) => name, start_and_run),
  );
}

test_at_once(
  ["AsyncTCPServer", "ThreadingTCPServer", "ForkingTCPServer", "ThreadingUnixStreamServer"],
  "serves again within 2 s of descriptors being free, three times, reports their want once, and " +
    "rests meanwhile",
  async (process) => {
    for (let cycle = 0; cycle < 3; cycle++) {
      const { clients, waiting, last } = await crowd(process);
      if (cycle === 0) {
        const load = await process.load_over(600);
        assert(load < 0.2, `it took ${Math.round(load * 100)} % of a core`);
      }
      // Those that are served already are served on.
      assertEquals(await soon(clients[0]!.ask("old")), "OLD");
      assert(await is_pending(waiting, 20), "there was no want of descriptors");
      for (const client of clients) client[Symbol.dispose]();
      const start = performance.now();
      assertEquals(await soon(waiting), "LAST");
      const took = performance.now() - start;
      assert(took < 2000, `it served again after ${took} ms`);
      last[Symbol.dispose]();
    }
    const printed = await process.errors();
    assertEquals(printed.match(/^Exception occurred/gm)?.length, 1, printed);
    assertMatch(printed, /Too many open files/);
  },
);

/** More clients than descriptors: the last one waits in the system. */
async function crowd(process: LimitedProcess) {
  const clients = [await process.connect()];
  assertEquals(await soon(clients[0]!.ask("first")), "FIRST");
  while (clients.length < CLIENTS) clients.push(await process.connect());
  await process.until_full();
  const last = clients.pop()!;
  const waiting = last.ask("last");
  waiting.catch(() => {}); // where the test has failed before it waits for this
  return { clients, last, waiting };
}

test_at_once(
  ["ThreadingTCPServer", "ForkingTCPServer", "ThreadingUDPServer"],
  "lives when a worker ends while no descriptor is left, and has a new one later",
  async (process, name) => {
    // One in each of the two workers.
    using client = await connect(process, name);
    using other = await connect(process, name);
    assertEquals(await soon(other.ask("hi")), "HI");
    const child = Number(await soon(client.ask("child")));
    assert(Number(await soon(client.ask("fill 0"))) > 0);
    if (child) Deno.kill(child, "SIGKILL");
    else await client.send("die");
    if (!name.includes("UDP")) assertEquals(await soon(gone(client)), null);
    // Too few are free, so that none is started now; its descriptors were 8.
    await process.lives(300);
    assertEquals(await soon(other.ask("hi")), "HI");
    assertEquals(await soon(other.ask("ready")), "1");
    await soon(other.ask("free"));
    const kept = name === "ForkingTCPServer" ? Math.min(2, navigator.hardwareConcurrency) : 2;
    await until(async () => await other.ask("ready") === `${kept}`);
    using next = await connect(process, name);
    assertEquals(await soon(next.ask("next")), "NEXT");
  },
);

test_at_once(
  names_with_native(
    ["TCPServer", "AsyncTCPServer", "ThreadingTCPServer", "ForkingTCPServer", "UDPServer"],
    "NativeUDPServer",
  ),
  "lives through a handler's error when no descriptor is left, and closes in that state",
  async (process, name) => {
    const client = await connect(process, name);
    // TCPServer has one client at a time; of the others each fails alone.
    const failing = name === "TCPServer" ? client : await connect(process, name);
    for (const each of new Set([client, failing])) assertEquals(await soon(each.ask("hi")), "HI");
    assert(Number(await soon(client.ask("fill 0"))) > 0);
    // A child has descriptors of its own.
    if (name !== "ForkingTCPServer") assertEquals(await soon(client.ask("file")), "EMFILE");
    await failing.send("fail");
    if (!name.includes("UDP")) assertEquals(await soon(gone(failing)), null);
    await process.lives(100);
    // TCPServer serves the next one with the descriptor of the one that failed.
    if (client !== failing) await soon(client.ask("free"));
    using next = await connect(process, name);
    assertEquals(await soon(next.ask("next")), "NEXT");
    await next.send("fill 0");
    await next.send("stop");
    const { code, output, errors } = await soon(process.ended);
    assertEquals(code, 0, errors);
    // All that were there were idle, or stopped it.
    assertMatch(output, /^{"drained":[12],"aborted":0}\n$/);
    assertStringIncludes(errors, "TypeError: bad line\n    at ");
    for (const each of [client, failing]) each[Symbol.dispose]();
  },
);

test_at_once(
  [
    "AsyncTCPServer",
    "ThreadingTCPServer",
    // On one core it keeps one child, and has no descriptors for a second one here.
    ...navigator.hardwareConcurrency > 1 ? ["ForkingTCPServer"] : [],
    "ThreadingUnixStreamServer",
  ],
  "serves the client that took the last descriptor",
  async (process) => {
    using client = await process.connect();
    await soon(client.ask("fill 1"));
    using last = await process.connect();
    assertEquals(await soon(last.ask("last")), "LAST");
    assertEquals(await soon(client.ask("hi")), "HI");
  },
);

Deno.test("A server that is to start with too few descriptors says so, and the process lives", {
  ignore,
}, async (t) => {
  await using process = await LimitedProcess.start("AsyncTCPServer");
  using client = await process.connect();
  for (
    const { name, spare } of [
      { name: "TCPServer", spare: 0 },
      { name: "ThreadingTCPServer", spare: 0 },
      ...names_with_native(["UDPServer"], "NativeUDPServer").map((name) => ({ name, spare: 0 })),
      // Enough for the socket, but not for workers.
      { name: "ThreadingTCPServer", spare: 6 },
      { name: "ThreadingUDPServer", spare: 6 },
      { name: "ForkingTCPServer", spare: 1 },
      { name: "ForkingUDPServer", spare: 1 },
    ]
  ) {
    await t.step(`${name} with ${spare}`, async () => {
      await soon(client.ask(`fill ${spare}`));
      const outcome = await soon(client.ask(`open ${name}`));
      assertMatch(outcome ?? "it ended", /descriptors|Too many open files/i);
      if (spare === 0) assertStringIncludes(outcome!, "127.0.0.1:0");
      await soon(client.ask("free"));
    });
  }
});

Deno.test(
  "A child without descriptors is ended after 5 s, its request is reported, the next one is served",
  {
    ignore: ignore || !is_there("ps"),
  },
  async () => {
    await using process = await LimitedProcess.start("ForkingTCPServer", "", {
      max_workers: 1,
      max_children: 1,
    });
    {
      using client = await process.connect();
      await soon(client.ask("hog"));
    }
    // The connection has lingered for 100 ms, and what it gave back is taken, too.
    const [child] = (await children_of(process.pid)).map((line) => parseInt(line));
    await soon(until(() => descriptors_of(child!) >= LimitedProcess.LIMIT));
    using lost = await process.connect();
    using next = await process.connect();
    const answers = [lost, next].map((client) => or_end(client.ask("hello")));
    assertEquals(await soon(answers[0]!), null);
    assertEquals(await soon(answers[1]!), "HELLO");
    const printed = await process.errors();
    assertEquals(printed.match(/^Exception occurred/gm)?.length, 1, printed);
    assertStringIncludes(printed, `Child process ${child} ended while it handled the request`);
    assertStringIncludes(printed, "took no connection within 5000 ms");
  },
);

/** What a client reads that has lost its connection: nothing, however it was lost. */
function gone(client: Client): Promise<string | null> {
  return line_or_end(client as LineClient);
}

/** A client that asks one thing after the other. */
type Client = LineClient | DatagramClient;

async function connect(process: LimitedProcess, name: string): Promise<Client> {
  return name.includes("UDP") ? new DatagramClient(process.address) : await process.connect();
}
