import { assert, assertEquals } from "@std/assert";
import { Queue } from "../../../concurrency/queue/mod.ts";
import * as threading from "../../../concurrency/threading/mod.ts";
import type { Constructor, TCPServer } from "../../../mod.ts";
import { LineClient } from "../../fixtures/clients/clients.ts";
import { LocalHandler } from "../../fixtures/handlers/thread_handlers.ts";
import { test_each_way } from "../../fixtures/servers/all_ways.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { make } from "../../fixtures/servers/tcp_servers.ts";
import * as targets from "../../fixtures/threads/targets.ts";
import { soon } from "../../fixtures/tools/waiting.ts";

/** Runs it as a thread of its own. */
async function as_thread(target: () => unknown): Promise<void> {
  const thread = new threading.AsyncThread({ target });
  await thread.start();
  await soon(thread.join());
  assertEquals(thread.exception, null);
}

Deno.test("local: each AsyncThread has its own attributes, across await", async () => {
  const values = threading.local<{ name: string }>();
  const seen: unknown[] = [];
  await Promise.all(["one", "two"].map((name) =>
    as_thread(async () => {
      seen.push(values.name);
      values.name = name;
      await new Promise((resolve) => setTimeout(resolve, 1));
      seen.push(values.name);
    })
  ));
  assertEquals(seen, [undefined, undefined, "one", "two"]);
  assertEquals([values.name, "name" in values, { ...values }], [undefined, false, {}]);
});

Deno.test("local: what was set outside of any is seen in all, and hidden by their own", async () => {
  const values = threading.local<{ name: string; common: number }>();
  Object.assign(values, { name: "outside", common: 1 });
  await as_thread(() => {
    assertEquals({ ...values }, { name: "outside", common: 1 });
    values.name = "inside";
    assertEquals({ ...values }, { name: "inside", common: 1 });
    assertEquals(Object.keys(values).sort(), ["common", "name"]);
    assert("common" in values);
    delete values.name;
    assertEquals(values.name, "outside");
    delete values.common;
    assertEquals(values.common, 1);
  });
  assertEquals({ ...values }, { name: "outside", common: 1 });
  delete values.name;
  assertEquals({ ...values }, { common: 1 });
});

Deno.test("local: each Thread has its own attributes, and what its module has set", async () => {
  const told = new Queue<unknown>();
  targets.values.name = "of the main thread";
  const { look, MODULE: module } = targets;
  for (const name of ["one", "two"]) {
    const thread = new threading.Thread({ target: look, args: [told, name], module });
    await soon(thread.start());
    await soon(thread.join());
    assertEquals(await told.get(false), [undefined, name, "of the module"]);
  }
});

test_each_way(
  "local: each handler has its own attributes, and what its module has set",
  () => true,
  async (way) => {
    const Base = way.Server as unknown as Constructor<TCPServer>;
    class Sharing extends Base {
      told = new Queue<unknown>();
      go_on = new threading.Event();
    }
    const names = way.concurrent ? ["one", "two"] : ["one"];
    const options = { max_workers: 1, max_children: 2, allow_reuse_port: way.relay };
    const Server = Sharing as unknown as typeof TCPServer;
    await using server = serving(
      make({ ...way, Server }, LocalHandler, options) as TCPServer & Sharing,
    );
    const clients = await Promise.all(
      names.map(() => LineClient.connect(server.server_address)),
    );
    const answers = clients.map((client, at) => client.ask(names[at]!));
    for (const _ of names) await soon(server.told.get());
    await server.go_on.set();
    assertEquals(
      await soon(Promise.all(answers)),
      names.map((name) => `undefined ${name} common`),
    );
    for (const client of clients) client[Symbol.dispose]();
  },
);
