import { assertEquals } from "@std/assert";
import { Queue } from "../../../concurrency/queue/mod.ts";
import * as threading from "../../../concurrency/threading/mod.ts";
import type { Constructor, RequestHandlerConstructor, TCPServer } from "../../../mod.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import {
  LeavingHandler,
  type Sharing,
  StartingHandler,
} from "../../fixtures/handlers/thread_handlers.ts";
import { test_each_way } from "../../fixtures/servers/all_ways.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { make, type Way } from "../../fixtures/servers/tcp_servers.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

/** A server in one of the ways, whose handlers share something. */
function make_sharing(way: Way, Handler: RequestHandlerConstructor): TCPServer & Sharing {
  const Base = way.Server as unknown as Constructor<TCPServer>;
  class SharingServer extends Base {
    told = new Queue<unknown>();
    go_on = new threading.Event();
    lock = new threading.Lock();
    override handle_error(): void {}
  }
  const Server = SharingServer as unknown as typeof TCPServer;
  const made = make({ ...way, Server }, Handler, { max_workers: 1, max_children: 1 });
  return made as TCPServer & Sharing;
}

test_each_way(
  "handlers start threads, which share what the server shares",
  () => true,
  async (way) => {
    await using server = serving(make_sharing(way, StartingHandler));
    using client = await LineClient.connect(server.server_address);
    const answer = client.ask("hello");
    assertEquals(await soon(server.told.get()), ["hello"]);
    assertEquals(await soon(server.told.get()), "async");
    assertEquals(await answer, "false true");
  },
);

test_each_way(
  "a thread that a handler leaves behind ends with the server, in a loop, too",
  ({ workers }) => workers,
  async (way) => {
    const server = make_sharing(way, LeavingHandler);
    const loop = server.serve_forever();
    {
      using client = await LineClient.connect(server.server_address);
      assertEquals(await client.ask("go"), "left");
    }
    assertEquals(await server.lock.locked(), true);
    await soon(server.server_close({ grace: 500 }));
    await soon(loop);
    using hold = await soon(server.lock.hold());
    assertEquals(hold.abandoned, true);
  },
);
