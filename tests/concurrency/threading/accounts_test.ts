/** Many clients whose handlers count together under locks: not one increment is lost. */
import { assert, assertEquals } from "@std/assert";
import type { RequestHandlerConstructor, TCPServer } from "../../../mod.ts";
import { hub } from "../../../internal/shared/hub.ts";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import {
  AccountHandler,
  type AccountMembers,
  Accounts,
  MortalHandler,
} from "../../fixtures/handlers/account_handlers.ts";
import { test_each_way } from "../../fixtures/servers/all_ways.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { make, type Way } from "../../fixtures/servers/tcp_servers.ts";
import { LONG, soon, until } from "../../fixtures/tools/waiting.ts";

const CLIENTS = 64;

type AccountServer = TCPServer & AccountMembers;

/** One that serves, with fewer children than clients. */
function serve(way: Way, Handler: RequestHandlerConstructor): AccountServer & AsyncDisposable {
  const Server = Accounts(way.Server) as unknown as typeof TCPServer;
  const server = make({ ...way, Server }, Handler, { max_children: 4, max_workers: 3 });
  return serving(server as AccountServer);
}

/** Has clients ask for an account each time; those that must wait for a child go when they have asked. */
async function crowd(
  server: AccountServer,
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
  await using server = serve(way, AccountHandler);
  await crowd(server, 20, () => "");
  assertEquals(server.sum(""), CLIENTS * 20);
  assertEquals(server.log.errors, []);
});

test_each_way("64 clients count in 1,000 accounts with a lock each", CONCURRENT, async (way) => {
  const before = hub.size;
  await using server = serve(way, AccountHandler);
  // A prime: each account is used by several clients at a time.
  await crowd(server, 50, (at, line) => `${(at * 31 + line * 17) % 1000}`);
  const sum = server.sums.values().reduce((sum, part) => sum + part, 0);
  assertEquals(sum, CLIENTS * 50);
  assertEquals(server.log.errors, []);
  for (const lock of server.locks.values()) lock[Symbol.dispose]();
  server.lock[Symbol.dispose]();
  await until(() => hub.size <= before);
});

test_each_way(
  "workers end at any moment while 64 clients count: one at a time, and all go on",
  ({ workers }) => workers,
  async (way) => {
    await using server = serve(way, MortalHandler);
    const deaths = Array(2).fill(["before", "waiting", "at-once", "inside", "after"]).flat();
    const clients = Array.from({ length: CLIENTS }, async () => {
      for (let counted = 0; counted < 10;) {
        using client = await LineClient.connect(server.server_address);
        for (; counted < 10; counted++) {
          await client.send((counted === 3 && deaths.pop()) || "count").catch(() => {});
          if (await line_or_end(client) === null) break;
        }
      }
    });
    await soon(Promise.all(clients), LONG);
    // Some had the lock when their worker ended.
    assert(server.abandoned > 0);
    assertEquals(server.intrusions, 0);
    using hold = await soon(server.lock.hold());
    assertEquals(hold.abandoned, false);
  },
);
