/** `setKeepAlive()`, as the system sees it, wherever the handler runs. */
import { assertEquals } from "@std/assert";
import type { TCPServer } from "../../mod.ts";
import { connect_tls } from "../fixtures/certificates/certificates.ts";
import { LineClient } from "../fixtures/clients/clients.ts";
import { ProbingHandler } from "../fixtures/handlers/handlers.ts";
import { make_counting, test_ways_at_once } from "../fixtures/servers/all_ways.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { make_tls, test_tls } from "../fixtures/servers/tls_servers.ts";
import { soon, until } from "../fixtures/tools/waiting.ts";

const is_linux = Deno.build.os === "linux";

/** A port as `/proc/net/tcp` has it. */
function hex({ port }: Deno.NetAddr): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

/** Whether the system probes this client of a server when nothing comes. */
async function is_probed(server: Deno.NetAddr, client: Deno.NetAddr): Promise<boolean> {
  const text = await Deno.readTextFile("/proc/net/tcp");
  const row = new RegExp(`:${hex(server)} \\w+:${hex(client)} .*? .*? (\\w\\w):`);
  // The timer that runs: 02 is that of keepalive.
  return row.exec(text)?.[1] === "02";
}

async function look(server: TCPServer, conn: Deno.Conn): Promise<void> {
  using client = new LineClient(conn);
  const { server_address } = server;
  const address = conn.localAddr as Deno.NetAddr;
  for (const line of ["on", "off", "on"]) {
    assertEquals(await client.ask(line), line);
    await soon(until(async () => await is_probed(server_address, address) === (line === "on")));
  }
}

if (is_linux) {
  test_ways_at_once(
    "setKeepAlive() has the system probe the client, or not",
    () => true,
    async (way) => {
      await using server = serving(make_counting(way, ProbingHandler));
      await look(server, await Deno.connect(server.server_address));
    },
  );

  test_tls("setKeepAlive() has the system probe the client, or not, with TLS", async (way) => {
    await using server = serving(make_tls(way, ProbingHandler));
    await look(server, await connect_tls(server.server_address));
  });
}
