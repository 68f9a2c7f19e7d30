/** Servers in workers whatever their address, their requests and their class have. */
import { assertEquals, assertRejects } from "@std/assert";
import { BaseServer, type Constructor, ForkingMixIn, ThreadingMixIn } from "../../../mod.ts";
import {
  Giving,
  type GivingMembers,
  ItemHandler,
  StaticsHandler,
} from "../../fixtures/handlers/item_handlers.ts";
import { serving } from "../../fixtures/servers/serving.ts";
import { deep } from "../../fixtures/tools/deep_values.ts";
import { soon, until } from "../../fixtures/tools/waiting.ts";

type AnyServer = BaseServer & GivingMembers;
const OPTIONS = { max_workers: 1, max_children: 1 };
const BASES = {
  ThreadingMixIn: ThreadingMixIn(BaseServer),
  ForkingMixIn: ForkingMixIn(BaseServer),
};

/** Addresses of any kind, and requests of any kind. */
const ADDRESSES: Record<string, unknown> = {
  "null": null,
  "a string": "somewhere",
  "an object": { queue: "jobs", at: [1, 2] },
  "a number": 5,
};
const REQUESTS: unknown[] = ["text", { job: 1, list: ["a"] }, 5, null, ["packet", "socket"], ""];

for (const [name, Base] of Object.entries(BASES)) {
  for (const [kind, address] of Object.entries(ADDRESSES)) {
    Deno.test(`${name}(BaseServer): an address that is ${kind}, and requests of any kind`, async () => {
      const Server = Giving(Base) as unknown as Constructor<AnyServer>;
      await using server = serving(new Server(address, ItemHandler, OPTIONS));
      for (const request of REQUESTS) server.give(request, { from: request });
      await soon(until(() => server.info().completed === REQUESTS.length));
      const expected = REQUESTS.map((request) =>
        JSON.stringify({ request, client_address: { from: request }, server_address: address })
      );
      assertEquals(server.log.entries.toSorted(), expected.toSorted());
      assertEquals(server.log.errors, []);
      assertEquals(await server.server_close(), { drained: 0, aborted: 0 });
    });
  }

  Deno.test(`${name}(BaseServer): a request that cannot be copied fails, and only that`, async () => {
    const Server = Giving(Base) as unknown as Constructor<AnyServer>;
    await using server = serving(new Server(null, ItemHandler, OPTIONS));
    server.give(() => 1, "a function");
    server.give("text", () => 1);
    server.give({ deep: [Symbol("odd")] }, "deep");
    server.give(deep("object", 3000), "deeper");
    server.give("text", deep("map", 1000));
    server.give("text", "good");
    await soon(until(() => server.info().completed === 1));
    await soon(until(() => server.info().failed === 5));
    assertEquals(
      server.log.errors.map((error) => (error as Error).name),
      Array(5).fill("DataCloneError"),
    );
    assertEquals(server.info().active, 0);
  });

  Deno.test(`${name}: a server's class may have whatever cannot be copied`, async () => {
    class Odd extends (Giving(Base) as unknown as Constructor<AnyServer>) {
      static make = () => 1;
      static Class = Odd;
      static #count = 1;
      static get count(): number {
        return Odd.#count;
      }
      static set only_set(_value: number) {}
      static method(): void {}
      static symbol = Symbol("odd");
      static map = new Map([["key", () => 1]]);
      static promise = Promise.resolve();
      static deep = deep("object", 600);
      static plain = { list: [1, 2] };
      static {
        Object.defineProperty(this, "throws", {
          enumerable: true,
          get() {
            throw new Error("read");
          },
        });
        Object.defineProperty(this.prototype, "inherited", { value: 1 });
      }
      callback = () => 1;
      table = new Map([["key", () => 1]]);
      itself = this;
      get derived(): number {
        return 1;
      }
    }
    await using server = serving(new Odd("address", StaticsHandler, OPTIONS));
    const statics = [
      "make",
      "Class",
      "count",
      "method",
      "symbol",
      "map",
      "promise",
      "throws",
      "deep",
    ];
    for (const static_name of [...statics, "plain"]) server.give("static", static_name);
    const fields = ["callback", "table", "itself", "derived", "inherited"];
    for (const field of fields) server.give("field", field);
    await soon(until(() => server.info().completed === statics.length + 1 + fields.length));
    const refused = [...statics, ...fields].map((member) => `${member}: TypeError`);
    // A promise is an object without anything when it is copied by a process.
    const told = server.log.entries.filter((entry) => !entry.startsWith("promise:"));
    const expected = [
      ...refused.filter((entry) => !entry.startsWith("promise:")),
      'plain: {"list":[1,2]}',
    ];
    assertEquals(told.toSorted(), expected.toSorted());
    assertEquals(server.log.errors, []);
  });

  Deno.test(`${name}(BaseServer): an address that cannot be copied is said when serving starts`, async () => {
    const Server = Giving(Base) as unknown as Constructor<AnyServer>;
    await using server = new Server(() => 1, ItemHandler, OPTIONS);
    await assertRejects(() => soon(server.serve_forever()), Error, "could not be cloned");
    server.server_address = deep("object", 1000);
    await assertRejects(() => soon(server.serve_forever()), Error, "nested deeper than 500");
    assertEquals(server.info().state, "idle");
  });
}
