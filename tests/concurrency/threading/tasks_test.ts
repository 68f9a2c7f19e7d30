/** What locks and permits have to do with the tasks that take them: the handlers of requests. */
import { assertEquals } from "@std/assert";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { ALL_WAYS, FORKING } from "../../fixtures/servers/all_ways.ts";
import { serve, type SharingTCPServer } from "../../fixtures/servers/sharing.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

const NOT_HELD = "TypeError: Cannot release a lock that this thread or child does not hold";
const SERVERS = ALL_WAYS.filter(({ name, relay }) => name !== "TCPServer" && !relay);

/** Asks on a connection of its own, whose handler has ended then. */
async function ask(server: SharingTCPServer, line: string): Promise<string | null> {
  let answer;
  {
    using client = await LineClient.connect(server.server_address);
    answer = await client.ask(line);
  }
  await soon(until(() => server.info().active === 0));
  return answer;
}

for (const way of SERVERS) {
  Deno.test(`${way.name}: a lock that was acquired stays so when its task ends, and another one there may release it`, async () => {
    await using server = serve(way);
    assertEquals(await ask(server, "acquire"), "true");
    assertEquals(await server.lock.locked(), true);
    assertEquals(await server.lock.acquire(true, 50), false);
    assertEquals(await ask(server, "release"), "release");
    assertEquals(await server.lock.locked(), false);
    assertEquals(server.reports, []);
  });

  Deno.test(`${way.name}: what is held as long as a task ends with it`, async () => {
    await using server = serve(way);
    for (const line of ["hold-and-go", "run-and-go"]) {
      assertEquals(await ask(server, line), line);
      using hold = await soon(server.lock.hold());
      assertEquals(hold.abandoned, false);
    }
    assertEquals(server.reports, []);
  });

  Deno.test(`${way.name}: what comes when its task has ended goes back at once`, async () => {
    await using server = serve(way);
    const first = await server.lock.hold();
    await server.pair.acquire();
    await server.pair.acquire();
    assertEquals(await ask(server, "ask-and-go"), "ask-and-go");
    first[Symbol.dispose]();
    using hold = await soon(server.lock.hold());
    assertEquals(hold.abandoned, false);
    await server.pair.release();
    assertEquals(await soon(server.pair.acquire(true, 5000)), true);
    assertEquals(server.reports, []);
  });
}

Deno.test("ForkingTCPServer: what ended tasks have taken comes back with their child", async () => {
  await using server = serve(FORKING);
  for (let count = 0; count < 3; count++) assertEquals(await ask(server, "permits 1 0"), "permits");
  assertEquals(await ask(server, "acquire"), "true");
  assertEquals([await server.places.acquire(true, 0), await server.lock.acquire(false)], [
    true,
    false,
  ]);
  const pid = Number(await ask(server, "pid"));
  Deno.kill(pid, "SIGKILL");
  using hold = await soon(server.lock.hold());
  assertEquals(hold.abandoned, true);
  await server.places.release();
  for (let count = 0; count < 7; count++) assertEquals(await server.places.acquire(false), true);
  assertEquals(await server.places.acquire(false), false);
  const messages = server.reports.map(({ message }) => message);
  assertEquals(messages.filter((message) => message.includes("server.lock was held")).length, 1);
  assertEquals(messages.filter((message) => message.includes("3 permits of server.pl")).length, 1);
});

for (const way of SERVERS.filter(({ workers }) => workers)) {
  Deno.test(`${way.name}: only where a lock is held it can be released`, async () => {
    await using server = serve(way);
    assertEquals(await server.lock.acquire(), true);
    assertEquals(await ask(server, "release"), NOT_HELD);
    server.lock.release();
    assertEquals(await ask(server, "acquire"), "true");
    assertEquals(await server.lock.acquire(false), false);
    assertEquals(await Promise.resolve().then(() => server.lock.release()).catch(String), NOT_HELD);
    assertEquals(await ask(server, "release"), "release");
  });
}
