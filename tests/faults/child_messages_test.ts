/** What a child or a thread sends that the library has not sent: it harms the child at most. */
import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { ThreadingTCPServer } from "../../mod.ts";
import { line_or_end, LineClient } from "../fixtures/clients/clients.ts";
import {
  FATAL,
  HARMLESS,
  MARKED,
  MARKED_AND_HARMLESS,
  OddSender,
  OddThread,
  SEALED,
  SILENCING,
} from "../fixtures/handlers/odd_senders.ts";
import { all_gone } from "../fixtures/programs/processes.ts";
import { ending_of } from "../fixtures/programs/programs.ts";
import { Noting } from "../fixtures/servers/noting.ts";
import { child_of, deed, OddServer } from "../fixtures/servers/odd_server.ts";
import { serving } from "../fixtures/servers/serving.ts";
import { LONG, soon } from "../fixtures/tools/waiting.ts";

const ignore = Deno.build.os !== "linux";

Deno.test("ForkingMixIn: what a child sends of its own is passed over, and handles are closed", {
  ignore,
}, async () => {
  const { output } = await ending_of(Deno.execPath(), [
    "run",
    "-A",
    "--no-check",
    fileURLToPath(new URL("../fixtures/programs/odd_children.ts", import.meta.url)),
  ]);
  assertEquals(output.trimEnd().split("\n"), Object.keys(HARMLESS));
});

Deno.test(
  "ForkingMixIn: a child that cannot be heard any more is replaced, and its request reported",
  {
    ignore,
  },
  async (t) => {
    await using server = serving(new OddServer(["127.0.0.1", 0], OddSender));
    for (const [name, [, cause]] of Object.entries(FATAL)) {
      await t.step(name, async () => {
        const pid = await child_of(server);
        await is_replaced(server, name, cause, pid);
      });
    }
  },
);

Deno.test(
  "ForkingMixIn: a child whose messages do not arrive any more is replaced, and its request reported",
  {
    ignore,
  },
  async () => {
    await using server = serving(new OddServer(["127.0.0.1", 0], OddSender));
    const pid = await child_of(server);
    // The end of the channel may be noticed first.
    await is_replaced(server, SILENCING, /did not arrive any more|cannot be heard/, pid);
  },
);

Deno.test("ForkingMixIn: a child that makes no sense is replaced, and its request reported", {
  ignore,
}, async (t) => {
  await using server = serving(new OddServer(["127.0.0.1", 0], OddSender));
  for (const [name, [, cause]] of Object.entries(MARKED)) {
    await t.step(name, async () => {
      const pid = await child_of(server);
      await is_replaced(server, `${SEALED}${name}`, cause, pid);
    });
  }
});

Deno.test("ForkingMixIn: a child that says what is of no use harms nobody", {
  ignore,
}, async (t) => {
  await using server = serving(new OddServer(["127.0.0.1", 0], OddSender));
  const pid = await child_of(server);
  for (const name of Object.keys(MARKED_AND_HARMLESS)) {
    await t.step(name, async () => {
      await deed(server, `${SEALED}${name}`);
      assertEquals(await child_of(server), pid);
    });
  }
});

Deno.test("ThreadingMixIn: what a thread posts of its own is passed over", async () => {
  class Threads extends Noting(ThreadingTCPServer) {
    static override max_workers = 1;
  }
  await using server = serving(new Threads(["127.0.0.1", 0], OddThread));
  using neighbour = await LineClient.connect(server.server_address);
  for (let time = 0; time < 3; time++) {
    using client = await LineClient.connect(server.server_address);
    assertEquals(await soon(client.ask("odd")), "odd");
    assertEquals(await soon(neighbour.ask("still there")), "still there");
  }
  assertEquals(server.info().workers!.map(({ id }) => id), [1]);
  assertEquals(server.log.errors, []);
});

async function is_replaced(server: OddServer, name: string, cause: string | RegExp, pid: number) {
  const { errors } = server.log;
  errors.length = 0;
  const { failed } = server.info();
  {
    using client = await LineClient.connect(server.server_address);
    await client.send(name);
    await line_or_end(client);
  }
  await soon(server.log.until(() => errors.length > 0), LONG);
  const error = errors[0] as Error;
  assertStringIncludes(error.message, "ended while it handled the request");
  assertMatch((error.cause as Error).message, new RegExp(cause));
  await all_gone([pid]);
  assertNotEquals(await child_of(server), pid);
  assertEquals(server.info().failed, failed + 1);
  await deed(server, "nothing");
  assertEquals(errors.length, 1);
}
