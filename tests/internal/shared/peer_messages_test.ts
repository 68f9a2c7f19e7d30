/** What a child tells the program's objects that the library never tells them: it harms that child at most. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ForkingTCPServer } from "../../../mod.ts";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import { FATAL, HARMLESS, PeerSender } from "../../fixtures/handlers/peer_senders.ts";
import { Queueing } from "../../fixtures/handlers/queue_handlers.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

class Server extends Queueing(ForkingTCPServer) {
  static override max_children = 1;
  static override linger = 100;
}

/** Whether nothing has got to where it does not belong. */
function assert_clean(name: string): void {
  assertEquals(Object.keys(Object.prototype), [], name);
  for (const object of [{}, [], () => {}]) assert(!("polluted" in object), name);
  assert(!("foreign_module_was_loaded" in globalThis), name);
}

Deno.test("shared objects: what a child makes up is an error there, or nothing", async (test) => {
  await using server = serving(new Server(["127.0.0.1", 0], PeerSender));
  await server.jobs.put("taken");
  using job = await server.jobs.take();
  using client = await LineClient.connect(server.server_address);
  assertEquals(await client.ask("still there"), "still there");
  const [child] = server.info().workers!;
  for (const name of Object.keys(HARMLESS)) {
    await test.step(name, async () => {
      assertEquals(await soon(client.ask(name)), name);
      assertEquals(await soon(client.ask("still there")), "still there");
      assert_clean(name);
    });
  }
  assertEquals(server.info().workers![0]!.pid, child!.pid);
  // What it said changed nothing: a path that ends at "__proto__" is only a name.
  while (!await server.jobs.empty()) {
    const item = await server.jobs.get();
    assert_clean(Deno.inspect(item));
    await server.jobs.task_done();
  }
  assertEquals(await server.jobs.join(0).catch(({ name }) => name), "TimeoutError");
  await job.done();
  await server.jobs.join(0);
  assertEquals(server.failures, []);
});

Deno.test("shared objects: a child that makes no sense is ended, and nothing is lost with it", async (test) => {
  await using server = serving(new Server(["127.0.0.1", 0], PeerSender));
  for (const name of Object.keys(FATAL)) {
    await test.step(name, async () => {
      const { length } = server.failures;
      await server.jobs.put("kept");
      using client = await LineClient.connect(server.server_address);
      assertEquals(await soon(client.ask("still there")), "still there");
      await client.send(name);
      assertEquals(await line_or_end(client), null);
      await soon(until(() => server.failures.length === length + 1));
      const { cause } = server.failures.at(-1) as Error;
      assertStringIncludes(`${cause}`, "sent what makes no sense");
      await soon(until(async () => await server.jobs.qsize() === 1));
      await server.jobs.put("next");
      assertEquals([await server.jobs.get(false), await server.jobs.get(false)], ["kept", "next"]);
      assert_clean(name);
    });
  }
});
