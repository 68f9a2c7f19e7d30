import { assertEquals } from "@std/assert";
import { Queue } from "../../../concurrency/multiprocessing/mod.ts";
import type { Constructor, RequestHandlerConstructor, TCPServer } from "../../../mod.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import {
  AbandoningHandler,
  SpawningHandler,
  type Telling,
} from "../../fixtures/handlers/process_handlers.ts";
import { all_ended } from "../../fixtures/programs/processes.ts";
import { test_each_way } from "../../fixtures/servers/all_ways.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { make, type Way } from "../../fixtures/servers/tcp_servers.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

/** A server in one of the ways, whose handlers share a queue. */
function make_telling(way: Way, Handler: RequestHandlerConstructor): TCPServer & Telling {
  const Base = way.Server as unknown as Constructor<TCPServer>;
  class TellingServer extends Base {
    told = new Queue<unknown>();
    override handle_error(): void {}
  }
  const Server = TellingServer as unknown as typeof TCPServer;
  const made = make({ ...way, Server }, Handler, { max_workers: 1, max_children: 1 });
  return made as TCPServer & Telling;
}

test_each_way(
  "handlers start processes, which share what the server shares",
  () => true,
  async (way) => {
    await using server = serving(make_telling(way, SpawningHandler));
    using client = await LineClient.connect(server.server_address);
    const answer = client.ask("hello");
    assertEquals(await soon(server.told.get()), ["hello"]);
    const where = way.name.startsWith("Forking") ? "Worker-1" : "MainProcess";
    assertEquals(await soon(answer), `0 ${where}`);
  },
);

test_each_way(
  "a process that a handler leaves behind ends with the server's workers, in a loop, too",
  ({ workers }) => workers && Deno.build.os === "linux",
  async (way) => {
    const server = make_telling(way, AbandoningHandler);
    const loop = server.serve_forever();
    using client = await LineClient.connect(server.server_address);
    assertEquals(await soon(client.ask("go")), "left");
    const pid = await soon(server.told.get()) as number;
    await soon(server.server_close({ grace: 500 }));
    await soon(loop);
    await all_ended([pid]);
  },
);
