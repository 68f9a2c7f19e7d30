import { assert, assertEquals, assertThrows } from "@std/assert";
import { AskedClaims } from "../../../internal/workers/asked_claims.ts";
import { ClaimCounter } from "../../../internal/workers/claim_counter.ts";

Deno.test("AskedClaims: what was issued before the answer is void where it was not taken", () => {
  const worker = new ClaimCounter();
  let asked = 0;
  const claims = new AskedClaims(() => asked++);
  const before = [claims.issue(), claims.issue()];
  assert(worker.take(before[0]!));
  claims.recall();
  claims.recall();
  assertEquals([asked, claims.is_asking], [1, true], "it asks once");
  const first = worker.recall();
  const meanwhile = claims.issue();
  claims.recalled(first);
  assertEquals([first, claims.is_asking], [before[1], false]);
  assertEquals([worker.take(before[1]!), worker.take(meanwhile)], [false, false]);
  assertEquals(worker.take(claims.issue()), true);
});

Deno.test("AskedClaims.recalled() refuses what was not asked, and what is no claim", () => {
  const claims = new AskedClaims(() => {});
  assertThrows(() => claims.recalled(0), TypeError);
  claims.recall();
  assertThrows(() => claims.recalled(NaN), TypeError);
  claims.recalled(0);
});

Deno.test("AskedClaims.withdraw() takes back a claim that was not sent", () => {
  const claims = new AskedClaims(() => {});
  const claim = claims.issue();
  claims.withdraw();
  assertEquals(claims.issue(), claim);
});
