/** Servers whose process has no descriptor left. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LineClient } from "../fixtures/clients.ts";
import { LimitedProcess } from "../fixtures/limited_process.ts";
import { until } from "../fixtures/serving.ts";
import { TempFolder } from "../fixtures/temp_folder.ts";
import { is_pending, soon } from "../fixtures/waiting.ts";

const ignore = Deno.build.os !== "linux";
const CLIENTS = 80;

for (
  const name of [
    "AsyncTCPServer",
    "ThreadingTCPServer",
    "ForkingTCPServer",
    "AsyncUnixStreamServer",
    "ThreadingUnixStreamServer",
  ]
) {
  Deno.test({
    name: `${name} serves again within 2 s of descriptors being free, three times, reports their ` +
      "want once, and rests meanwhile",
    ignore,
    async fn() {
      await using folder = await TempFolder.make();
      const path = name.includes("Unix") ? folder.join("server") : "";
      await using process = await LimitedProcess.start(name, path);
      const loads: number[] = [];
      for (let cycle = 0; cycle < 3; cycle++) {
        const { clients, waiting, last } = await crowd(process);
        if (cycle === 0) loads.push(await process.load_over(600));
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
      assert(loads[0]! < 0.2, `it took ${Math.round(loads[0]! * 100)} % of a core`);
      const printed = await process.errors();
      assertEquals(printed.match(/^Exception occurred/gm)?.length, 1, printed);
      assertMatch(printed, /Too many open files/);
    },
  });
}

/** More clients than descriptors: the last one waits in the system. */
async function crowd(process: LimitedProcess) {
  const clients = [await process.connect()];
  assertEquals(await soon(clients[0]!.ask("first")), "FIRST");
  while (clients.length < CLIENTS) clients.push(await process.connect());
  await process.until_full();
  const last = clients.pop()!;
  const waiting = last.ask("last");
  return { clients, last, waiting };
}

for (
  const { name, path, end } of [
    { name: "ThreadingTCPServer", path: "handed over", end: "dies" },
    { name: "ThreadingTCPServer", path: "relayed", end: "dies" },
    { name: "ForkingTCPServer", path: "handed over", end: "is killed" },
  ]
) {
  Deno.test({
    name: `${name} whose worker ${end} when no descriptor is left lives, and has a new one later ` +
      `(connections ${path})`,
    ignore,
    async fn() {
      const options = { allow_reuse_port: path === "relayed" };
      await using process = await LimitedProcess.start(name, "", options);
      using client = await process.connect();
      using other = await process.connect();
      // One in each of the two workers.
      assertEquals(await soon(other.ask("hi")), "HI");
      const child = Number(await soon(client.ask("child")));
      assert(Number(await soon(client.ask("fill 0"))) > 0);
      if (child) Deno.kill(child, "SIGKILL");
      else await client.send("die");
      assertEquals(await soon(gone(client)), null);
      // Too few are free, so that none is started now; its descriptors were 8.
      assertEquals(await soon(other.ask("hi")), "HI");
      assert(await is_pending(process.ended, 300), (await process.errors()).slice(0, 2000));
      assertEquals(await soon(other.ask("ready")), "1");
      await soon(other.ask("free"));
      await soon(until_ready(() => other.ask("ready")));
      using next = await process.connect();
      assertEquals(await soon(next.ask("next")), "NEXT");
    },
  });
}

for (const name of ["ThreadingUDPServer", "ForkingUDPServer"]) {
  Deno.test({
    name: `${name} whose worker dies when no descriptor is left lives, and has a new one later`,
    ignore,
    async fn() {
      await using process = await LimitedProcess.start(name);
      using client = new PacketClient(process.address);
      assert(Number(await client.ask("fill 0")) > 0);
      await client.send("die");
      assert(
        await is_pending(process.ended, 500),
        "it died: " + (await process.errors()).slice(0, 2000),
      );
      assertEquals(await client.ask("hi"), "HI");
      assertEquals(await client.ask("ready"), "1");
      await client.ask("free");
      await soon(until_ready(() => client.ask("ready")));
    },
  });
}

for (const name of ["TCPServer", "AsyncTCPServer", "ThreadingTCPServer", "ForkingTCPServer"]) {
  Deno.test({
    name: `${name} lives through errors of handlers when no descriptor is left`,
    ignore,
    async fn() {
      await using process = await LimitedProcess.start(name);
      const faulty = [await process.connect()];
      // The one that TCPServer serves is the one that fails.
      if (name !== "TCPServer") faulty.unshift(await process.connect());
      const client = faulty[0]!;
      for (const each of faulty) await soon(each.ask("hi"));
      assert(Number(await soon(client.ask("fill 0"))) > 0);
      assertEquals(await soon(client.ask("file")), "EMFILE");
      const failing = faulty.at(-1)!;
      await failing.send("fail");
      assertEquals(await soon(gone(failing)), null);
      assert(await is_pending(process.ended, 100), "it died");
      if (client !== failing) assertEquals(await soon(client.ask("hi")), "HI");
      // The descriptor of the client that failed is free.
      using next = await process.connect();
      assertEquals(await soon(next.ask("next")), "NEXT");
      for (const each of faulty) each[Symbol.dispose]();
      assertStringIncludes(await process.errors(), "TypeError: bad line");
    },
  });
}

for (const name of ["UDPServer", "AsyncUDPServer", "ThreadingUDPServer"]) {
  Deno.test({
    name: `${name} lives through errors of handlers when no descriptor is left`,
    ignore,
    async fn() {
      await using process = await LimitedProcess.start(name);
      using client = new PacketClient(process.address);
      assert(Number(await client.ask("fill 0")) > 0);
      await client.send("fail");
      assertEquals(await client.ask("hi"), "HI");
      assert(await is_pending(process.ended, 100), "it died");
      assertStringIncludes(await process.errors(), "TypeError: bad line");
    },
  });
}

for (
  const name of [
    "AsyncTCPServer",
    "ThreadingTCPServer",
    "ForkingTCPServer",
    "ThreadingUnixStreamServer",
  ]
) {
  Deno.test({
    name: `${name} serves the client that took the last descriptor`,
    ignore,
    async fn() {
      await using folder = await TempFolder.make();
      const path = name.includes("Unix") ? folder.join("server") : "";
      await using process = await LimitedProcess.start(name, path);
      using client = await process.connect();
      await soon(client.ask("fill 1"));
      using last = await process.connect();
      assertEquals(await soon(last.ask("last")), "LAST");
      assertEquals(await soon(client.ask("hi")), "HI");
    },
  });
}

for (
  const name of [
    "TCPServer",
    "AsyncTCPServer",
    "ThreadingTCPServer",
    "ForkingTCPServer",
    "ThreadingUnixStreamServer",
    "AsyncUDPServer",
  ]
) {
  Deno.test({
    name: `${name} closes when no descriptor is left, and its process ends`,
    ignore,
    async fn() {
      await using folder = await TempFolder.make();
      const path = name.includes("Unix") ? folder.join("server") : "";
      await using process = await LimitedProcess.start(name, path);
      if (name.includes("UDP")) {
        using client = new PacketClient(process.address);
        await client.ask("fill 0");
        await client.send("stop");
      } else {
        using client = await process.connect();
        await soon(client.ask("fill 0"));
        await client.send("stop");
        await soon(gone(client));
      }
      const { code, output, errors } = await soon(process.ended);
      assertEquals({ code, output, errors }, {
        code: 0,
        output: '{"drained":1,"aborted":0}\n',
        errors: "",
      });
    },
  });
}

for (
  const { name, spare, error } of [
    { name: "TCPServer", spare: 0, error: /^Error: Too many open files .*127\.0\.0\.1:0/ },
    { name: "ThreadingTCPServer", spare: 0, error: /^Error: Too many open files .*127\.0\.0\.1:0/ },
    { name: "UDPServer", spare: 0, error: /^Error: Too many open files .*127\.0\.0\.1:0/ },
    // Enough for the socket, but not for workers.
    { name: "ThreadingTCPServer", spare: 6, error: /descriptors|Too many open files/i },
    { name: "ThreadingUDPServer", spare: 6, error: /descriptors|Too many open files/i },
    { name: "ForkingTCPServer", spare: 1, error: /descriptors|Too many open files/i },
    { name: "ForkingUDPServer", spare: 1, error: /descriptors|Too many open files/i },
  ]
) {
  Deno.test({
    name:
      `A ${name} that is to start with ${spare} descriptors left says so, and the process lives`,
    ignore,
    async fn() {
      await using process = await LimitedProcess.start("AsyncTCPServer");
      using client = await process.connect();
      await soon(client.ask(`fill ${spare}`));
      const outcome = await soon(client.ask(`open ${name}`));
      assertMatch(outcome ?? (await process.errors()).slice(0, 2000), error);
      assertEquals(await soon(client.ask("hi")), "HI");
      assert(await is_pending(process.ended, 20));
    },
  });
}

Deno.test({
  name: "A child without descriptors takes no other connection of its own for the client's",
  ignore,
  async fn() {
    using elsewhere = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const strays: Deno.Conn[] = [];
    let taken = "";
    const accepting = (async () => {
      for await (const conn of elsewhere) {
        strays.push(conn);
        void conn.write(new TextEncoder().encode("secret\n")).catch(() => {});
        void new Response(conn.readable).text().then((text) => taken += text, () => {});
      }
    })();
    await using process = await LimitedProcess.start("ForkingTCPServer", "", { max_children: 1 });
    using client = await process.connect();
    await soon(client.ask(`hog ${(elsewhere.addr as Deno.NetAddr).port}`));
    client[Symbol.dispose]();
    using next = await process.connect();
    const answer = await soon(next.ask("hello").catch(() => null));
    assert([null, "HELLO"].includes(answer), String(answer));
    assert(await is_pending(process.ended, 100), "it died");
    const printed = await process.errors();
    await soon(until(() => strays.length > 0));
    elsewhere.close();
    await accepting.catch(() => {});
    assertEquals(taken, "");
    if (answer === null) assertMatch(printed, /descriptor|Too many open files/);
  },
});

/** What a client reads that has lost its connection: nothing, however it was lost. */
function gone(client: LineClient): Promise<string | null> {
  return client.line().catch(() => null);
}

/** Asks how many workers are ready until it is two. */
async function until_ready(ask: () => Promise<string | null>): Promise<void> {
  while (await ask() !== "2") await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A client of a UDP server that asks one thing after the other. */
class PacketClient implements Disposable {
  #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  #server: Deno.NetAddr;

  constructor(server: Deno.NetAddr) {
    this.#server = server;
  }

  async send(text: string): Promise<void> {
    await this.#socket.send(new TextEncoder().encode(text), this.#server);
  }

  async ask(text: string): Promise<string> {
    await this.send(text);
    const [packet] = await soon(this.#socket.receive());
    return new TextDecoder().decode(packet);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
