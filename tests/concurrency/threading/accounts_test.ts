/** Many clients whose handlers count together under locks: not one increment is lost. */
import { assertEquals } from "@std/assert";
import type { TCPServer } from "../../../mod.ts";
import { hub } from "../../../internal/shared/hub.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import {
  AccountHandler,
  type AccountMembers,
  Accounts,
} from "../../fixtures/handlers/account_handlers.ts";
import { test_each_way } from "../../fixtures/servers/all_ways.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { make, type Way } from "../../fixtures/servers/tcp_servers.ts";
import { LONG, soon, until } from "../../fixtures/tools/waiting.ts";

const CLIENTS = 64;

/** One that serves, with so many children that all clients can have one, or 4. */
function serve(way: Way): TCPServer & AccountMembers & AsyncDisposable {
  const Server = Accounts(way.Server) as unknown as typeof TCPServer;
  const server = make({ ...way, Server }, AccountHandler, { max_children: 4, max_workers: 2 });
  return serving(server as TCPServer & AccountMembers);
}

/** Has clients ask for an account each time; those that must wait for a child go when they have asked. */
async function crowd(
  server: TCPServer,
  lines: number,
  account_of: (client: number, line: number) => string,
): Promise<void> {
  const clients = Array.from({ length: CLIENTS }, async (_, at) => {
    using client = await LineClient.connect(server.server_address);
    for (let line = 0; line < lines; line++) {
      await client.send(account_of(at, line));
      assertEquals(await client.line(), "counted");
    }
  });
  await soon(Promise.all(clients), LONG);
}

const CONCURRENT = ({ concurrent }: Way) => concurrent;

test_each_way("64 clients count under one lock", CONCURRENT, async (way) => {
  await using server = serve(way);
  await crowd(server, 20, () => "");
  assertEquals(server.sum(""), CLIENTS * 20);
  assertEquals([server.abandoned, server.log.errors], [0, []]);
});

test_each_way("64 clients count in 1,000 accounts with a lock each", CONCURRENT, async (way) => {
  const before = hub.size;
  await using server = serve(way);
  // A prime: each account is used by several clients at a time.
  await crowd(server, 50, (at, line) => `${(at * 31 + line * 17) % 1000}`);
  const sum = server.sums.values().reduce((sum, part) => sum + part, 0);
  assertEquals(sum, CLIENTS * 50);
  assertEquals([server.abandoned, server.log.errors], [0, []]);
  for (const lock of server.locks.values()) lock[Symbol.dispose]();
  server.lock[Symbol.dispose]();
  await until(() => hub.size <= before);
});
