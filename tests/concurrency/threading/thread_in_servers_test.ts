import { assertEquals } from "@std/assert";
import { Queue } from "../../../concurrency/queue/mod.ts";
import type { Constructor, TCPServer } from "../../../mod.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { StartingHandler } from "../../fixtures/handlers/thread_handlers.ts";
import { test_each_way } from "../../fixtures/servers/all_ways.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { make } from "../../fixtures/servers/tcp_servers.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

test_each_way(
  "handlers start threads, which share what the server shares",
  () => true,
  async (way) => {
    const Base = way.Server as unknown as Constructor<TCPServer>;
    class Sharing extends Base {
      told = new Queue<unknown>();
    }
    const Server = Sharing as unknown as typeof TCPServer;
    const made = make({ ...way, Server }, StartingHandler, { max_workers: 1, max_children: 1 });
    await using server = serving(made as TCPServer & Sharing);
    using client = await LineClient.connect(server.server_address);
    const answer = client.ask("hello");
    assertEquals(await soon(server.told.get()), ["hello"]);
    assertEquals(await soon(server.told.get()), "async");
    assertEquals(await answer, "false true");
  },
);
