/** Who holds what, and what becomes of it. */
import { assert, assertEquals } from "@std/assert";
import { HERE, type Hold, Owner } from "../../../internal/shared/owner.ts";

/** Things to hold that note what becomes of them. */
function holds_of(owner: Owner, count: number): { holds: Hold[]; log: string[] } {
  const log: string[] = [];
  const holds = Array.from({ length: count }, (_, at) => ({
    give_back: () => void log.push(`${at} back`),
    move_to: (next: Owner) => {
      log.push(`${at} moved`);
      next.add(holds[at]!);
    },
  }));
  for (const hold of holds) owner.add(hold);
  return { holds, log };
}

Deno.test("Owner: what came last goes back first, and only once", () => {
  const owner = new Owner(HERE);
  const { holds, log } = holds_of(owner, 3);
  owner.remove(holds[1]!);
  owner.give_back();
  owner.give_back();
  assertEquals([log, owner.size], [["2 back", "0 back"], 0]);
});

Deno.test("Owner: what an ended task holds is another's, and so is what comes later", () => {
  const owner = new Owner(HERE);
  const heir = new Owner(HERE);
  assert(owner.heir === owner);
  const { log } = holds_of(owner, 2);
  owner.move_to(heir);
  assert(owner.heir === heir);
  assertEquals([log, owner.size, heir.size], [["1 moved", "0 moved"], 0, 2]);
});
