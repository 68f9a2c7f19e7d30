/** What is nested deep in what crosses to and from workers: it is refused, and silences nobody. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ForkingTCPServer, type TCPServer, ThreadingTCPServer } from "../../../mod.ts";
import { MAX_DEPTH } from "../../../internal/workers/look.ts";
import { ask, line_or_end, LineClient, or_end } from "../../fixtures/clients/clients.ts";
import {
  Deep,
  DeepHandler,
  JsonHandler,
  SilentHandler,
} from "../../fixtures/handlers/deep_handlers.ts";
import { ready } from "../../fixtures/servers/ready.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { KINDS } from "../../fixtures/tools/deep_values.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

const HERE: [string, number] = ["127.0.0.1", 0];
/** A neighbour is in the same thread, or in the other child. */
const OPTIONS = { max_workers: 1, max_children: 2, linger: 200 };
/** Deno reads none of them from about 2,100 to 5,000 on, by their kind. */
const DEPTHS = [10, MAX_DEPTH, MAX_DEPTH + 1, 2000, 2500, 3000, 3500, 5000];

/** The numbers of its workers; children are added when all are busy. */
function ids(server: TCPServer): number[] {
  return server.info().workers!.map(({ id }) => id);
}

for (const Base of [ThreadingTCPServer, ForkingTCPServer] as (typeof TCPServer)[]) {
  Deno.test(`${Base.name}: arguments and results are refused from ${MAX_DEPTH + 1} objects deep on`, async () => {
    await using server = serving(new (Deep(Base))(HERE, DeepHandler, OPTIONS));
    await soon(ready(server));
    using client = await LineClient.connect(server.server_address);
    using neighbour = await LineClient.connect(server.server_address);
    const before = ids(server);
    const calls = { pass: "an argument of echo()", give: "the result of give()" };
    for (const [word, what] of Object.entries(calls)) {
      for (const kind of KINDS) {
        for (const depth of DEPTHS) {
          const answer = await client.ask(`${word} ${kind} ${depth}`);
          if (depth <= MAX_DEPTH) assertEquals(answer, "object", `${word} ${kind} ${depth}`);
          else assertStringIncludes(answer!, `DataCloneError: Cannot pass ${what}: `);
        }
        assertEquals(await neighbour.ask("pass object 1"), "object");
      }
    }
    client[Symbol.dispose]();
    neighbour[Symbol.dispose]();
    await soon(until(() => server.info().active === 0));
    assert(before.every((id) => ids(server).includes(id)));
    assertEquals(server.log.errors, []);
  });

  Deno.test(`${Base.name}: what a method or a handler throws arrives, however deep it is`, async () => {
    await using server = serving(new (Deep(Base))(HERE, DeepHandler, OPTIONS));
    await soon(ready(server));
    using neighbour = await LineClient.connect(server.server_address);
    assertEquals(await neighbour.ask("pass object 1"), "object");
    const before = ids(server);
    for (const kind of KINDS) {
      for (const depth of [10, 2500, 3500, 5000]) {
        assertEquals(await ask(server.server_address, `raise ${kind} ${depth}`), "thrown");
        for (const word of ["throw", "own"]) {
          using client = await LineClient.connect(server.server_address);
          await client.send(`${word} ${kind} ${depth}`);
          assertEquals(await line_or_end(client), null);
          await soon(server.log.until(({ errors }) => errors.length === 1));
          assert(server.log.errors.pop() instanceof Error);
        }
      }
      assertEquals(await neighbour.ask("pass object 1"), "object");
    }
    neighbour[Symbol.dispose]();
    await soon(until(() => server.info().active === 0));
    assert(before.every((id) => ids(server).includes(id)));
  });

  Deno.test(`${Base.name}: deep JSON of clients costs no worker, and later clients are answered`, async () => {
    const options = { max_workers: 2, max_children: 2 };
    await using server = serving(new (Deep(Base))(HERE, JsonHandler, options));
    await soon(ready(server));
    const before = ids(server);
    const line = '{"a":'.repeat(3200) + "1" + "}".repeat(3200);
    for (let client = 0; client < 4; client++) {
      assertEquals(await or_end(ask(server.server_address, line)), null);
    }
    const asked = Array.from({ length: 10 }, () => ask(server.server_address, '{"a":1}'));
    assertEquals(await soon(Promise.all(asked)), Array(10).fill("object"));
    await soon(until(() => server.info().active === 0));
    assert(before.every((id) => ids(server).includes(id)));
    assertEquals(
      server.log.errors.map((error) => (error as Error).name),
      Array(4).fill("DataCloneError"),
    );
  });

  Deno.test(`${Base.name}: a worker whose messages cannot be read is ended with a cause, and replaced`, async () => {
    await using server = serving(new (Deep(Base))(HERE, SilentHandler, OPTIONS));
    await soon(ready(server));
    const before = ids(server);
    assertEquals(await or_end(ask(server.server_address, "silence")), null);
    assertEquals(await ask(server.server_address, "hello"), "hello");
    await soon(server.log.until(({ errors }) => errors.length === 1));
    const { cause } = server.log.errors[0] as Error;
    assertMatch(
      (cause as Error).message,
      / \d+ cannot be heard: (A message cannot be|Failed to) read/,
    );
    await soon(until(() => server.info().active === 0));
    assert(!before.every((id) => ids(server).includes(id)));
  });
}
