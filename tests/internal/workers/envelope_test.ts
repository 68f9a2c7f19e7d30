import { assertEquals, assertNotEquals } from "@std/assert";
import { new_mark, seal, unseal } from "../../../internal/workers/envelope.ts";
import { process_copy } from "../../../internal/workers/cloning.ts";

Deno.test("unseal() gives what was sealed with the same mark, on the other side, too", () => {
  const mark = new_mark();
  assertEquals(unseal(mark, seal(mark, [{ type: "ready" }])), [{ type: "ready" }]);
  assertEquals(unseal(mark, process_copy(seal(mark, "taken"))), "taken");
});

Deno.test("unseal() gives nothing for any other message", () => {
  const mark = new_mark();
  assertNotEquals(new_mark(), mark);
  const others = [seal(new_mark(), 1), mark, [], [mark], [[mark, 1]], { 0: mark, 1: 1 }, null, 0];
  for (const other of others) assertEquals(unseal(mark, other), undefined);
});
