import { assertEquals } from "@std/assert";
import { LeaseWord } from "../../../concurrency/threading/lease_word.ts";

/** A word in shared memory, as two threads have it. */
function two(): [LeaseWord, LeaseWord] {
  const word = new LeaseWord().shared();
  return [word, new LeaseWord(word.memory)];
}

Deno.test("LeaseWord: one agent has it at a time", () => {
  const [one, other] = two();
  assertEquals(one.take(2), { abandoned: false });
  assertEquals(other.take(3), undefined);
  assertEquals(one.take(2), undefined);
  assertEquals(other.agent, 2);
  assertEquals(other.give(3, false), false);
  assertEquals(one.give(2, false), true);
  assertEquals(other.take(3), { abandoned: false });
});

Deno.test("LeaseWord: where somebody waits it is not given back past them", () => {
  const [one, home] = two();
  assertEquals(home.want(true), false, "It is free: it can be taken");
  one.take(2);
  assertEquals(home.want(true), true);
  assertEquals([one.is_wanted, one.agent], [true, 2]);
  assertEquals(one.give(2, false), false);
  assertEquals(home.free(3, false), false);
  assertEquals(home.free(2, false), true);
  assertEquals(one.is_wanted, false);
  assertEquals(one.take(2), { abandoned: false });
  assertEquals(home.want(true), true);
  assertEquals(home.want(false), true);
  assertEquals(one.give(2, false), true);
});

Deno.test("LeaseWord: who has it next is told once that the last holder was lost", () => {
  const [one, home] = two();
  for (const lose of [() => home.free(2, true), () => one.give(2, true)]) {
    one.take(2);
    assertEquals(lose(), true);
    assertEquals([home.agent, home.want(true)], [0, false]);
    assertEquals(one.take(2), { abandoned: true });
    assertEquals(one.give(2, false), true);
    assertEquals(one.take(2), { abandoned: false });
    one.give(2, false);
  }
});

Deno.test("LeaseWord: shared() keeps who has it", () => {
  const word = new LeaseWord();
  word.take(1);
  const shared = word.shared();
  assertEquals(shared.agent, 1);
  assertEquals(shared.shared(), shared);
  assertEquals(shared.memory instanceof SharedArrayBuffer, true);
});
