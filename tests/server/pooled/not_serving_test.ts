/** `process_request()` of a server whose workers are not there. */
import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { ForkingTCPServer, type TCPServer, ThreadingTCPServer } from "../../../mod.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { UpperHandler } from "../../fixtures/handlers/handlers.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
const OPTIONS = { max_workers: 1, max_children: 1 };

/** Whether the server takes a request; the error of one that does not yet is looked at. */
function processes(server: TCPServer, [request, address]: [never, never]): boolean {
  try {
    void server.process_request(request, address);
    return true;
  } catch (error) {
    assertInstanceOf(error, Deno.errors.BadResource);
    assertStringIncludes(error.message, "before the server serves");
    return false;
  }
}

for (const Server of [ThreadingTCPServer, ForkingTCPServer] as (typeof TCPServer)[]) {
  Deno.test(`${Server.name}: a request is not processed before the workers are there, and still its caller's`, async () => {
    await using server = new Server(HERE, UpperHandler, OPTIONS);
    using client = await LineClient.connect(server.server_address);
    const taken = await server.get_request();
    assertEquals(processes(server, taken as never), false);
    await server.close_request(taken[0]);
    assertEquals(await client.line(), null);
    assertEquals(server.info().waiting, 0);
  });

  Deno.test(`${Server.name}: a request that was not processed is processed when the workers are there`, async () => {
    await using server = new Server(HERE, UpperHandler, OPTIONS);
    using client = await LineClient.connect(server.server_address);
    const taken = await server.get_request();
    assertEquals(processes(server, taken as never), false);
    await using started = serving(server);
    await soon(until(() => processes(started, taken as never)));
    assertEquals(await client.ask("hello"), "HELLO");
    const { active, accepted } = server.info();
    assertEquals({ active, accepted }, { active: 1, accepted: 1 });
  });
}
