/** Forged, endless and overlong PROXY headers, and thousands of slow ones. */
import { assertEquals } from "@std/assert";
import net from "node:net";
import { line_or_end, LineClient, or_end } from "../fixtures/clients/clients.ts";
import { hex, SIGNATURE, V1, V2 } from "../fixtures/clients/proxy_headers.ts";
import { FaultServer } from "../fixtures/programs/fault_server.ts";
import { LimitedProcess } from "../fixtures/programs/limited_process.ts";
import { at_once } from "../fixtures/tools/at_once.ts";
import { write_bytes } from "../fixtures/tools/bytes.ts";
import { soon } from "../fixtures/tools/waiting.ts";

/** One address of the loopback interface is no other: only on Linux. */
const ignore = Deno.build.os !== "linux";
const NAMES = ["TCPServer", "AsyncTCPServer", "ThreadingTCPServer", "ForkingTCPServer"];
const BEHIND_PROXY = {
  proxy_protocol: "required",
  trusted_proxies: ["127.0.0.1"],
  max_workers: 1,
  max_children: 1,
} as const;
/** More than any of these takes. */
const NEVER = 600_000;

function test_each(
  name: string,
  proxy_timeout: number,
  run: (server: FaultServer) => Promise<void>,
) {
  Deno.test({
    name: `${NAMES.join(", ")}: ${name}`,
    ignore,
    fn: () =>
      at_once(NAMES, (name) => name, async (name) => {
        await using server = await FaultServer.start(name, { ...BEHIND_PROXY, proxy_timeout });
        await run(server);
        await server.command("close");
        assertEquals(await server.end(), 0);
      }),
  });
}

/** A client whose connection begins with a header. */
async function behind(header: Uint8Array, address: Deno.NetAddr): Promise<LineClient> {
  const client = await LineClient.connect(address);
  await write_bytes(client.conn, header);
  return client;
}

async function is_well(server: FaultServer): Promise<void> {
  using client = await behind(V2, server.address);
  assertEquals(await client.ask("good"), "GOOD");
}

/** What somebody at another address hears who sends a header and a line; `null` for nothing. */
function heard_by_stranger({ hostname, port }: Deno.NetAddr): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  let heard: string | null = null;
  const socket = net.connect({ host: hostname, port, localAddress: "127.0.0.2" });
  socket.on("data", (bytes) => heard = `${heard ?? ""}${bytes}`);
  socket.on("error", () => {});
  socket.on("close", () => resolve(heard));
  socket.write(V1);
  socket.write("forged\n");
  return soon(promise);
}

test_each("a forged header from elsewhere reaches no handler", NEVER, async (server) => {
  const forged = Array.from({ length: 100 }, () => heard_by_stranger(server.address));
  await is_well(server);
  assertEquals(new Set(await Promise.all(forged)), new Set([null]));
  await is_well(server);
  const { accepted, proxy_rejected } = await server.info();
  assertEquals({ accepted, proxy_rejected }, { accepted: 2, proxy_rejected: 100 });
});

test_each(
  "a header that says it has 65,535 bytes is refused at the 16th",
  NEVER,
  async (server) => {
    using client = await behind(hex(`${SIGNATURE} 2111 ffff`), server.address);
    assertEquals(await line_or_end(client), null);
    await is_well(server);
  },
);

test_each(
  "1,000 headers that never end harm nobody, and are gone at the clock",
  3000,
  async (server) => {
    await is_well(server);
    const before = await server.descriptors(300);
    const halves = [V1.subarray(0, 20), V2.subarray(0, 20), V1.subarray(0, 0)];
    const clients = await Promise.all(
      Array.from({ length: 1000 }, (_, number) => behind(halves[number % 3]!, server.address)),
    );
    for (let count = 0; count < 5; count++) await is_well(server);
    await Promise.all(clients.map(async (client) => {
      assertEquals(await or_end(soon(client.conn.read(new Uint8Array(1)))), null);
      client[Symbol.dispose]();
    }));
    const { accepted, proxy_rejected } = await server.info();
    assertEquals({ accepted, proxy_rejected }, { accepted: 6, proxy_rejected: 1000 });
    await server.has_descriptors(before);
  },
);

test_each("250 headers that come byte by byte at once are all read", NEVER, async (server) => {
  const clients = await Promise.all(
    Array.from({ length: 250 }, () => LineClient.connect(server.address)),
  );
  for (const byte of V1) {
    await Promise.all(clients.map(({ conn }) => write_bytes(conn, Uint8Array.of(byte))));
  }
  // Each leaves when it has its answer: there may be one handler for all.
  await Promise.all(clients.map(async (client) => {
    assertEquals(await client.ask("slow"), "SLOW");
    client[Symbol.dispose]();
  }));
  assertEquals((await server.info()).proxy_rejected, 0);
});

for (const name of ["AsyncTCPServer", "ThreadingTCPServer"]) {
  Deno.test({
    name: `${name}: more unfinished headers than descriptors end, and it serves on`,
    ignore,
    async fn() {
      const options = { ...BEHIND_PROXY, proxy_timeout: NEVER };
      await using process = await LimitedProcess.start(name, "", options);
      const clients: LineClient[] = [];
      while (clients.length < 80) {
        const client = await process.connect();
        await write_bytes(client.conn, V1.subarray(0, 9));
        clients.push(client);
      }
      await process.until_full();
      for (const client of clients) client[Symbol.dispose]();
      using last = await process.connect();
      await write_bytes(last.conn, V1);
      assertEquals(await last.ask("last"), "LAST");
    },
  });
}
