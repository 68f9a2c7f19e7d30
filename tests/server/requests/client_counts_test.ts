import { assert, assertEquals } from "@std/assert";
import { ClientCounts } from "../../../server/requests/client_counts.ts";

Deno.test("ClientCounts lets each client have as many as it may, and again when some are over", () => {
  const counts = new ClientCounts();
  for (let round = 0; round < 3; round++) {
    for (const key of ["one", "other", "", "__proto__"]) {
      assert(counts.enter(key, 2) && counts.enter(key, 2), key);
      assert(!counts.enter(key, 2), key);
      counts.leave(key);
      assert(counts.enter(key, 2), key);
      assert(!counts.enter(key, 1), key);
      counts.leave(key);
      counts.leave(key);
    }
  }
});

Deno.test("ClientCounts keeps nothing of clients that have nothing under way", () => {
  const counts = new ClientCounts();
  for (let n = 0; n < 10_000; n++) counts.enter(`${n}`, 5);
  assertEquals(counts.size, 10_000);
  for (let n = 0; n < 10_000; n++) counts.leave(`${n}`);
  assertEquals(counts.size, 0);
});
