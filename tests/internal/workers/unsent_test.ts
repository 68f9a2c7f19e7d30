import { assertEquals } from "@std/assert";
import { Unsent } from "../../../internal/workers/unsent.ts";
import { is_pending, soon } from "../../fixtures/tools/waiting.ts";

Deno.test("Unsent.sent resolves when the system has all messages", async () => {
  const unsent = new Unsent();
  assertEquals(unsent.sent, undefined);
  unsent.add();
  unsent.add();
  const sent = unsent.sent!;
  unsent.done();
  assertEquals(await is_pending(sent, 0), true);
  unsent.done();
  await soon(sent);
  assertEquals(unsent.sent, undefined);
});
