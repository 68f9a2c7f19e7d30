/** What becomes of waits when their request must end, and of rejections that nobody awaits. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { line_or_end, LineClient } from "../../fixtures/clients/clients.ts";
import { ALL_WAYS } from "../../fixtures/servers/all_ways.ts";
import { serve, type SharingTCPServer } from "../../fixtures/servers/sharing.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

const SERVERS = ALL_WAYS.filter(({ name, relay }) => name !== "TCPServer" && !relay);

/** A client whose handler waits for all that there is. */
async function waiting(server: SharingTCPServer): Promise<LineClient> {
  const client = await LineClient.connect(server.server_address);
  assertEquals(await client.ask("wait-for-all"), "waiting");
  return client;
}

/** What a handler has noted of its waits. */
async function noted(server: SharingTCPServer, ...waits: string[]): Promise<string[]> {
  const all = () => waits.every((wait) => server.log.entries.some((note) => note.startsWith(wait)));
  await soon(until(all));
  return server.log.entries.filter((note) => waits.some((wait) => note.startsWith(wait)));
}

/** Nothing is free. */
async function take_all(server: SharingTCPServer): Promise<void> {
  await server.lock.acquire();
  await server.pair.acquire();
  await server.pair.acquire();
}

for (const way of SERVERS) {
  Deno.test(`${way.name}: at server_close() waits for locks and permits go on, those for others end`, async () => {
    await using server = serve(way);
    await take_all(server);
    using client = await waiting(server);
    const closing = server.server_close({ grace: 20_000 });
    assertEquals(await noted(server, "event"), ["event: the signal's reason"]);
    // A busy handler still gets its turn.
    server.lock.release();
    await server.pair.release();
    assertEquals((await noted(server, "lock", "pair")).toSorted(), ["lock: true", "pair: true"]);
    assertEquals(await client.line(), "over");
    assertEquals(await soon(closing), { drained: 1, aborted: 0 });
    // Waits of the program go on.
    const event = server.event.wait();
    await server.event.set();
    assertEquals(await event, true);
    assertEquals([server.reports, server.failures], [[], []]);
  });

  Deno.test(`${way.name}: at the cut of server_close() the waits for locks and permits end, too`, async () => {
    await using server = serve(way);
    await take_all(server);
    using client = await waiting(server);
    assertEquals(await soon(server.server_close({ grace: 300 })), { drained: 0, aborted: 1 });
    assertEquals(await line_or_end(client), null);
    server.lock.release();
    assertEquals(await server.lock.acquire(false), true);
    assertEquals(server.reports, []);
  });

  Deno.test(`${way.name}: at request_timeout all waits reject with the signal's reason`, async () => {
    await using server = serve(way, { request_timeout: 1000 });
    await take_all(server);
    using client = await waiting(server);
    const names = ["event", "lock", "pair"];
    const notes = await noted(server, ...names);
    assertEquals(notes.toSorted(), names.map((name) => `${name}: the signal's reason`));
    assertEquals(await line_or_end(client), null);
    // It leaves nothing in the lines.
    server.lock.release();
    assertEquals(await server.lock.acquire(false), true);
    await server.pair.release();
    assertEquals(await server.pair.acquire(false), true);
    assertEquals(server.reports, []);
  });

  Deno.test(`${way.name}: a call that rejects and that nobody awaits is reported, and harms nobody`, async () => {
    await using server = serve(way, { max_workers: 1, max_children: 2 });
    using neighbour = await LineClient.connect(server.server_address);
    assertEquals(await neighbour.ask("pid"), await neighbour.ask("pid"));
    using client = await LineClient.connect(server.server_address);
    await server.lock.acquire();
    const forgotten: [string, unknown][] = [
      ["acquire-badly", RangeError],
      ["hold-badly", TypeError],
      ["hold-late", Deno.errors.TimedOut],
      ["release-badly", RangeError],
      ["abort", DOMException],
    ];
    for (const [at, [word, Class]] of forgotten.entries()) {
      assertEquals(await client.ask(`forget ${word}`), "forget");
      await soon(until(() => server.failures.length === at + 1));
      assertInstanceOf(server.failures[at], Class as typeof Error, word);
    }
    assertEquals(await client.ask("pid"), await client.ask("pid"));
    assert(await neighbour.ask("pid"));
    assertEquals(server.info().workers?.every(({ id }) => id <= 2) ?? true, true);
    assertEquals(server.reports, []);
    server.lock[Symbol.dispose]();
    assertEquals(await client.ask("forget acquire-withdrawn"), "forget");
    await soon(until(() => server.failures.length === forgotten.length + 1));
    assertInstanceOf(server.failures.at(-1), Deno.errors.BadResource);
  });

  Deno.test(`${way.name}: waits that nobody awaits end with their request, silently`, async () => {
    await using server = serve(way, { request_timeout: 1000 });
    await take_all(server);
    using client = await LineClient.connect(server.server_address);
    await client.send("forget waits");
    await soon(until(() => server.failures.length > 0));
    assertEquals(await line_or_end(client), "forget");
    assertEquals(await line_or_end(client), null);
    await soon(until(() => server.info().active === 0));
    assertEquals(server.failures.map((error) => (error as Error).name), ["TimedOut"]);
    assertEquals(server.reports, []);
  });
}
