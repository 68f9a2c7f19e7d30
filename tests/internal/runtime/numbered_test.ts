import { assert, assertEquals } from "@std/assert";
import { Numbered, type NumberedLink } from "../../../internal/runtime/numbered.ts";

class One implements NumberedLink {
  before: this | undefined;
  after: this | undefined;
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}

function ids(numbered: Numbered<One>): number[] {
  return [...numbered].map(({ id }) => id);
}

Deno.test("Numbered finds what was added and not deleted, and gives it in order", () => {
  const numbered = new Numbered<One>();
  const ones = Array.from({ length: 5 }, () => {
    const one = new One(numbered.next_id());
    numbered.add(one);
    return one;
  });
  assertEquals(ids(numbered), [1, 2, 3, 4, 5]);
  numbered.delete(ones[0]!);
  numbered.delete(ones[2]!);
  assertEquals(ids(numbered), [2, 4, 5]);
  assertEquals(numbered.first, ones[1]);
  assertEquals([1, 2, 3, 4].map((id) => numbered.get(id)?.id), [undefined, 2, undefined, 4]);
  assertEquals(numbered.size, 3);
});

Deno.test("Numbered: each number is above those before, and free, however long some stay", () => {
  const numbered = new Numbered<One>();
  const old = new One(numbered.next_id());
  numbered.add(old);
  let last = old.id;
  for (let turn = 0; turn < 10_000; turn++) {
    const one = new One(numbered.next_id());
    assert(one.id > last);
    last = one.id;
    numbered.add(one);
    assertEquals(numbered.get(one.id), one);
    if (turn % 10 > 0) numbered.delete(one);
  }
  assertEquals(numbered.size, 1001);
  assertEquals(numbered.get(old.id), old);
  assertEquals(ids(numbered), ids(numbered).toSorted((one, other) => one - other));
});

Deno.test("Numbered takes some of those that another one has, whatever that was when they came", () => {
  const all = new Numbered<One>();
  const some = new Numbered<One>();
  const given: number[] = [];
  for (let turn = 0; turn < 5000; turn++) {
    const id = all.next_id();
    const one = new One(id);
    all.add(one);
    if (turn % 7 === 0) {
      given.push(id);
      some.add(new One(id));
    } else if (turn % 3 === 0) all.delete(one);
  }
  assertEquals(given.map((id) => some.get(id)?.id), given);
  assertEquals(ids(some), given);
  assertEquals(some.get(given.at(-1)! + 1), undefined);
});

Deno.test("Numbered has nothing under what is no number", () => {
  const numbered = new Numbered<One>();
  numbered.add(new One(16));
  for (const id of ["16", null, undefined, NaN, 16.5, [16], -16]) {
    assertEquals(numbered.get(id as number), undefined);
  }
});
